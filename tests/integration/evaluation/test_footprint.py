"""Footprint: measured in a process that did nothing before."""

import json

import pytest

from memkit.cli import main
from memkit.evaluation.footprint.measure import installed


def test_the_footprint_of_a_worker_grows_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["footprint", "--encoder", "hashing", "--memories", "60", "--json"])
    assert stopped.value.code in (0, None)
    figures = json.loads(capsys.readouterr().out)
    worker = figures["worker"]
    assert 0 < worker["python_mb"] < worker["imported_mb"] < worker["opened_mb"] <= worker["recalled_mb"]
    assert worker["first_recall_ms"] > worker["next_recall_ms"] > 0
    assert worker["recalls_per_s"] > 0
    held = list(figures["held_mb"].values())
    assert 0 < held[0] < held[-1]
    assert len(held) > 5
    assert figures["bytes_per_memory"] == figures["file_bytes"] / 60


def test_what_is_installed_holds_what_memkit_needs_and_nothing_of_the_extras() -> None:
    sizes = installed("memkit-agents")
    assert {"memkit-agents", "numpy", "faiss-cpu", "torch"} <= set(sizes)
    assert not {"pytest", "matplotlib", "chromadb"} & set(sizes)
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)
