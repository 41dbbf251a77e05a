"""The habits of the code base, held by its tools."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("command", [("ruff", "check", "."), ("ruff", "format", "--check", ".")], ids=" ".join)
def test_the_code_follows_its_style(command: tuple[str, ...]) -> None:
    result = run(*command)
    assert result.returncode == 0, result.stdout


def test_imports_only_point_down_the_floors() -> None:
    result = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout


def test_the_types_hold_strictly() -> None:
    result = run("mypy")
    assert result.returncode == 0, result.stdout


def test_no_source_file_is_longer_than_450_lines() -> None:
    files = [*ROOT.glob("memkit/**/*.py"), *ROOT.glob("adapters/**/*.py")]
    long = [file.name for file in files if len(file.read_text().splitlines()) > 450]
    assert long == []


def test_the_top_level_holds_what_the_layout_names() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in listed.stdout.splitlines() if not line.startswith(".")}
    files = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "constraints.txt"}
    assert top <= files | {"memkit", "adapters", "tests", "demos"}
