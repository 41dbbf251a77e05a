"""The command line under test: run in this process, its output and exit code caught."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from memkit.cli import main, output

COLUMNS = 100


class Said(NamedTuple):
    """What a command did: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Said]


def command_line(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, db: str) -> Cli:
    """Runs commands on a database, with a screen of one width."""
    monkeypatch.setenv("MEMKIT_DB", db)
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    for console in (output.out, output.err):  # whichever test imported them first, and with whatever width
        monkeypatch.setattr(console, "width", COLUMNS)

    def run(*arguments: str | Path) -> Said:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Said(int(stop.value.code or 0), out, err)

    return run
