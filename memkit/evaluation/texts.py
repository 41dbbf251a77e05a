"""The evaluation's own texts and conversations, in files beside its code."""

from functools import cache
from importlib.resources import files
from pathlib import Path

CONVERSATIONS_FOLDER = Path(__file__).parent / "conversations"


@cache
def lines_of(name: str) -> tuple[str, ...]:
    """The lines of a text file, without empty ones and comments; `name` as seen from this folder."""
    return tuple(
        line
        for line in files("memkit.evaluation").joinpath(name).read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    )
