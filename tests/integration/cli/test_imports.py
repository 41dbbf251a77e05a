"""What commands import: nothing heavy that they don't need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from memkit.encoders.sentence_transformer import DEFAULT_MODEL, model_location

HEAVY_MODULES = {
    "torch",
    "transformers",
    "sentence_transformers",
    "onnxruntime",
    "faiss",
    "dateparser",
    "langchain_core",
    "datasketch",
    "sqlite_utils",
    "scipy",
    "asyncio",
}
needs_weights = pytest.mark.skipif(
    model_location() == DEFAULT_MODEL, reason="the package that carries the default model isn't installed"
)
PROBE = """
import sys
from memkit.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("\\n".join(sys.modules), file=sys.stderr)
"""
GARBAGE_PROBE = """
import gc
from memkit.cli import main
try:
    main(["banks"])
except SystemExit:
    print(gc.get_freeze_count(), gc.isenabled())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    turn = {"speaker": "Ana", "text": "My sister Rita visits on Thursday, and we cook without nuts."}
    (tmp_path / "turn.jsonl").write_text(json.dumps(turn) + "\n", encoding="utf-8")
    return tmp_path


def modules_after(folder: Path, *arguments: str) -> set[str]:
    """Names of all modules that are there after a command has run in a process of its own."""
    command = [sys.executable, "-c", PROBE, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    return set(done.stderr.split("\n"))


@needs_weights
def test_a_turn_is_stored_and_recalled_with_the_default_encoder_without_anything_heavy(folder: Path) -> None:
    observing = modules_after(folder, "observe", "turn.jsonl", "ana")
    recalling = modules_after(folder, "recall", "ana", "Who comes?", "--min-score", "0")
    assert "memkit.encoders.bert" in observing & recalling
    assert recalling & HEAVY_MODULES == set()
    assert observing & HEAVY_MODULES == {"dateparser", "sqlite_utils"}  # loaded ahead; for making the file
    assert "memkit.storage.sqlite.repair.recover" not in observing | recalling


def test_the_names_of_banks_are_read_without_a_store_and_what_texts_are_made_of(folder: Path) -> None:
    modules_after(folder, "observe", "turn.jsonl", "ana", "--encoder", "hashing")
    modules = modules_after(folder, "banks")
    assert modules & HEAVY_MODULES == set()
    rooms = ("flows", "bank", "store", "text", "recall", "think", "observe", "evaluation", "encoders")
    assert modules & {f"memkit.{room}" for room in rooms} == set()
    assert modules & {"numpy", "memkit.operations", "memkit.protocols", "memkit.storage.sql.view"} == set()
    assert modules & {"rich.table", "rich.progress"} == set()  # names are lines


def test_a_command_imports_no_other_commands_file(folder: Path) -> None:
    rooms = ("start", "in_and_out", "look", "change", "erase", "measure")
    modules = modules_after(folder, "banks")
    files = {module for module in modules for room in rooms if module.startswith(f"memkit.cli.{room}.")}
    assert files == {"memkit.cli.look.banks"}


def test_what_was_imported_is_never_looked_through_for_garbage(folder: Path) -> None:
    command = [sys.executable, "-c", GARBAGE_PROBE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    frozen, is_enabled = done.stdout.split()
    assert int(frozen) > 10_000
    assert is_enabled == "True"
