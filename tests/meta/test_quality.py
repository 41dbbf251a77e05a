"""The habits of the code base, held by its tools."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_LINES = 400
MAX_MODULES = 16  # in a folder


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


def test_the_types_hold_strictly(type_check: "subprocess.Popen[str]") -> None:
    output, _ = type_check.communicate()
    assert type_check.returncode == 0, output


def test_no_source_file_is_longer_than_400_lines() -> None:
    files = [*ROOT.glob("memkit/**/*.py"), *ROOT.glob("adapters/**/*.py")]
    long = [file.name for file in files if len(file.read_text().splitlines()) > MAX_LINES]
    assert long == []


def test_no_folder_below_the_packages_top_has_more_than_16_modules() -> None:
    folders = [folder for folder in ROOT.glob("memkit/**/") if folder != ROOT / "memkit"]
    full = [folder.name for folder in folders if len({*folder.glob("[!_]*.py")}) > MAX_MODULES]
    assert full == []


def test_the_top_level_holds_what_the_layout_names() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in listed.stdout.splitlines() if not line.startswith(".")}
    files = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "constraints.txt"}
    assert top <= files | {"memkit", "adapters", "tests", "demos"}
