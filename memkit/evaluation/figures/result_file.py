"""Result files: the JSON that a measuring command printed, with the commit, the date and the processor."""

import json
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from memkit.errors import InputError
from memkit.models import FrozenModel

RESULTS_FOLDER = Path(__file__).parents[1] / "results"
CPU_MODEL_PATTERN = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)


class ResultFile(FrozenModel):
    """Figures of one run. `command`: as it was given to `memkit`, files by their names alone."""

    commit: str
    date: str
    processor: str
    command: str
    figures: Any

    def dump(self) -> str:
        """JSON with one line for each field."""
        lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in self.model_dump(mode="json").items())
        return "{\n" + ",\n".join(lines) + "\n}\n"


def read_results(folder: Path = RESULTS_FOLDER) -> dict[str, ResultFile]:
    """All result files of a folder by name. Raises InputError."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}


def _read(path: Path) -> ResultFile:
    try:
        return ResultFile.model_validate(json.loads(path.read_text("utf-8")))
    except (json.JSONDecodeError, ValidationError) as error:
        raise InputError(f"{path.name}: is no result file ({type(error).__name__}). Record it again.") from None


def record(name: str, arguments: Sequence[str], folder: Path = RESULTS_FOLDER) -> Path:
    """Run `memkit ARGUMENTS --json` and write what it prints to a result file. Raises InputError where it fails."""
    process = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "memkit", *arguments, "--json"], stdout=subprocess.PIPE, text=True, check=False
    )
    if process.returncode != 0:
        raise InputError(f"record: memkit {arguments[0]} ended with code {process.returncode}. Nothing is written.")
    return write_result(name, result_of(arguments, json.loads(process.stdout)), folder)


def result_of(arguments: Sequence[str], figures: Mapping[str, Any] | Sequence[Any]) -> ResultFile:
    """The result of a command that ran at this commit, today, on this processor."""
    names = [Path(argument).name if Path(argument).exists() else argument for argument in arguments]
    return ResultFile(
        commit=_commit(),
        date=datetime.now(UTC).date().isoformat(),
        processor=_processor(),
        command=shlex.join(["memkit", *names]),
        figures=figures,
    )


def write_result(name: str, result: ResultFile, folder: Path = RESULTS_FOLDER) -> Path:
    """Write a result file, in place of the one of the same name."""
    path = folder / f"{name}.json"
    path.write_text(result.dump(), encoding="utf-8")
    return path


def _commit() -> str:
    """Short hash of the checkout that memkit runs from; with a "+" where code differs from it."""
    head = _git("rev-parse", "--short", "HEAD")
    return f"{head}+" if _git("status", "--porcelain", "--untracked-files=no", "--", ":(top)*.py") else head


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    try:
        process = subprocess.run(  # noqa: S603
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        raise InputError("record: figures are recorded in a git checkout of memkit, whose commit they name.") from None
    return process.stdout.strip()


def _processor() -> str:
    try:
        match = CPU_MODEL_PATTERN.search(Path("/proc/cpuinfo").read_text("utf-8"))
    except OSError:
        match = None
    return match[1].strip() if match else platform.processor() or platform.machine()
