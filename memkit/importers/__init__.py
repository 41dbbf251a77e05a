"""Importers: files of other memories and chats, as turns, thoughts and items; one file a format."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Literal, cast, get_args

from memkit.errors import UnknownOptionError
from memkit.importers.records import Incoming, Source

ImportFormat = Literal["chatgpt", "claude", "jsonl", "csv", "markdown", "mem0", "langgraph", "letta", "graphiti"]
IMPORT_FORMATS: tuple[ImportFormat, ...] = get_args(ImportFormat)
SPLIT_FORMATS: tuple[ImportFormat, ...] = ("langgraph",)  # whose records name their banks


def read_records(format: str, source: Source) -> Iterator[Incoming]:
    """Records of a source in its order, read as they are asked for, and what of it is left out.

    Raises UnknownOptionError for a format that doesn't exist, InputError for what isn't in this format.
    """
    if format not in IMPORT_FORMATS:
        raise UnknownOptionError(f"import: there is no format {format!r}; known are {', '.join(IMPORT_FORMATS)}.")
    read = cast("Callable[[Source], Iterator[Incoming]]", import_module(f"memkit.importers.{format}").read)
    return read(source)
