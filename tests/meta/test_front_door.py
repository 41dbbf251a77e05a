"""The front door: what `import memkit` costs and shows."""

import json
import subprocess
import sys

import pytest

import memkit

HEAVY = (
    "torch",
    "faiss",
    "sentence_transformers",
    "langchain_core",
    "sqlite_utils",
    "dateparser",
    "fastapi",
    "httpx",
    "transformers",
)

PROBE = """
import json, sys, time
start = time.perf_counter()
import memkit
print(json.dumps([time.perf_counter() - start, [m for m in {heavy!r} if m in sys.modules]]))
"""


def probe() -> tuple[float, list[str]]:
    script = PROBE.format(heavy=HEAVY)
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds, loaded = json.loads(out.stdout)
    return seconds, loaded


def test_importing_memkit_loads_nothing_heavy_and_takes_under_half_a_second() -> None:
    seconds, loaded = min(probe() for _ in range(3))
    assert loaded == []
    assert seconds < 0.5


def test_opening_the_front_door_names_still_loads_nothing_heavy() -> None:
    names = "memkit.open; memkit.connect; memkit.Turn; memkit.Recollection"
    script = f"import memkit, sys; {names}; print([m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_all_names_at_most_fifteen_and_each_of_them_is_there() -> None:
    assert len(memkit.__all__) <= 15
    assert sorted(memkit.__all__) == dir(memkit)
    for name in memkit.__all__:
        assert getattr(memkit, name) is not None


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        memkit.no_such_name  # noqa: B018
