"""The built wheel holds all of the package, and is enough to run it."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"memkit": ROOT / "memkit", "memkit_adapters": ROOT / "adapters" / "memkit_adapters"}
SKIPPED_FOLDERS = {"__pycache__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return path


def test_every_file_of_both_packages_is_in_the_wheel(wheel: Path) -> None:
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    for name, folder in PACKAGES.items():
        files = [file for file in folder.rglob("*") if file.is_file() and not SKIPPED_FOLDERS & {*file.parts}]
        missing = {f"{name}/{file.relative_to(folder).as_posix()}" for file in files} - in_wheel
        assert missing == set()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_runs_from_an_installed_wheel_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    environment, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    venv.create(environment)
    python = environment / "bin" / "python"
    packages = Path(_output(python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])", cwd=empty))
    zipfile.ZipFile(wheel).extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    assert str(packages) in _output(python, "-c", "import memkit; print(memkit.__file__)", cwd=empty)
    assert "9 of 10" in _output(python, "-m", "memkit", "demo", cwd=empty)
    assert {file.name for file in empty.rglob("*")} == {"memkit-demo", "year.db", "year.png"}


def _output(*command: str | Path, cwd: Path) -> str:
    apart = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=apart, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
