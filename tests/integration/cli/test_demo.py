"""The demo on a small conversation: what it claims on the screen is what happened."""

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memkit.cli import main

ROOT = Path(__file__).parents[3]
FACTS = [
    ("I adopted a spotted greyhound called Biscuit", "Which greyhound was adopted?"),
    ("The dentist is on Pine Street, next to the bakery", "On which street is the dentist?"),
    ("We are planning a canoe trip to Norway in August", "Where does the canoe trip go?"),
]
CHATTER = ["Ha, that sounds fun", "Oh really, tell me more", "See you soon then", "What a long week it was"]


def conversation(folder: Path) -> Path:
    turns: list[dict[str, Any]] = []
    for month in range(1, 10):
        fact = FACTS[month // 3 - 1][0] if month % 3 == 0 else f"Nothing new in week {month * 4}"
        for step, text in enumerate([fact, *(f"{line} ({month})" for line in CHATTER)]):
            turns.append(
                {
                    "id": f"m{month}-{step}",
                    "session": f"s{month}",
                    "speaker": ("Ana", "Bo")[step % 2],
                    "at": f"2025-{month:02}-03T10:{step:02}:00+00:00",
                    "text": text,
                }
            )
    questions = [
        {
            "id": f"q{i}",
            "category": "c",
            "question": question,
            "answer": "yes",
            "evidence": [f"m{3 * i + 3}-0"],
            "demo": True,
        }
        for i, (_, question) in enumerate(FACTS)
    ]
    questions += [
        {"id": "u1", "category": "unknown", "question": "How deep is the Pacific Ocean?", "evidence": [], "demo": True},
        {"id": "q9", "category": "c", "question": "Only for the evaluation", "evidence": ["m1-0"]},
    ]
    path = folder / "conversation.jsonl"
    path.write_text("".join(json.dumps(turn) + "\n" for turn in turns), encoding="utf-8")
    path.with_name("questions.jsonl").write_text("".join(json.dumps(q) + "\n" for q in questions), encoding="utf-8")
    return path


def arguments(path: Path, *more: str) -> list[str]:
    return ["demo", "--conversation", str(path), "--encoder", "hashing", "--out", str(path.parent / "out"), *more]


def played(capfd: pytest.CaptureFixture[str], path: Path, *more: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments(path, *more))
    return int(stop.value.code or 0), capfd.readouterr().out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def figures(folder: Path) -> dict[str, Any]:
    """Figures of one run of the demo, whose database lies in the folder `out`."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as stop:
        main(arguments(conversation(folder), "--json"))
    assert not stop.value.code
    return json.loads(printed.getvalue())


def test_the_demo_finds_the_answers_and_knows_what_it_does_not_know(figures: dict[str, Any]) -> None:
    assert (figures["asked"], figures["answered"]) == (3, 3)
    assert (figures["unknown"], figures["silent"]) == (1, 1)
    assert figures["turns"] == 45


def test_the_demo_shows_more_and_more_fading_as_months_pass(figures: dict[str, Any]) -> None:
    shares = [row["share_kept"] for row in figures["fading"]]
    assert shares[0] == 1
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.5


def test_what_the_demo_erased_is_in_no_file(figures: dict[str, Any], folder: Path) -> None:
    assert figures["erased"] >= 1
    assert not figures["bytes_left"]
    stored = b"".join(file.read_bytes() for file in (folder / "out").glob("year.db*"))
    assert sum(fact.encode() in stored for fact, _ in FACTS) == 2  # of three, one was erased


def test_the_demo_reads_well_in_eighty_columns_and_may_be_run_again(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("COLUMNS", "80")
    path = conversation(tmp_path)
    played(capfd, path)
    code, out = played(capfd, path)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "3 of 3 answers" in out
    assert "✓" in out
    assert (path.parent / "out" / "year.png").exists()


def test_the_demo_fails_where_the_answers_are_wrong(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = conversation(tmp_path)
    questions = path.with_name("questions.jsonl")
    questions.write_text(questions.read_text().replace('"m3-0"', '"m1-3"').replace('"m6-0"', '"m1-4"'))
    assert played(capfd, path, "--json")[0] == 1


def test_without_its_conversation_the_demo_says_where_it_is(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["demo", "--conversation", str(tmp_path / "none.jsonl")])
    assert stop.value.code == 1
    assert "--conversation" in capfd.readouterr().err


def test_the_script_in_demos_is_the_same_command() -> None:
    out = subprocess.run(
        [sys.executable, str(ROOT / "demos" / "year.py"), "--help"], capture_output=True, text=True, check=True
    )
    assert "memkit demo" in out.stdout
