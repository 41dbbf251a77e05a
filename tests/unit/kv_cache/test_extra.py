"""The key-value cache is an extra: loaded only by whoever asks for it, and a missing one names its install line."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OBSERVING = """
import sys, memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.surprisal.entropy_filter import EntropyFilter
with memkit.open(":memory:", encoder=HashingEncoder()) as store:
    bank = store.bank("acme", "ana")
    bank.observe([("ana", "I moved to Lisbon in May.")])
    bank.think()
    assert len(bank.recall("Where did Ana move?"))
print([m for m in ("torch", "transformers", "memkit.kv_cache") if m in sys.modules])
"""
MISSING = """
import sys
sys.modules[{name!r}] = None
from memkit.errors import MissingExtraError
try:
    import memkit.kv_cache
except MissingExtraError as error:
    print(error)
"""


def shown(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_opening_observing_thinking_and_recalling_load_neither_it_nor_torch() -> None:
    assert shown(OBSERVING).strip() == "[]"


@pytest.mark.parametrize("name", ["torch", "transformers", "transformers.cache_utils"])
def test_a_missing_extra_is_an_error_with_the_line_that_installs_it(name: str) -> None:
    message = shown(MISSING.format(name=name))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert "python -m pip install" in message
    assert re.findall(r'"([^"]+)"', message) == extras["kv"]
