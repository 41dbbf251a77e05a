"""Export as files for people and other programs: notes in Markdown, JSON lines of turns, the files of a memory tool."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Literal, get_args
from uuid import uuid4

from memkit.errors import InputError, UnknownOptionError, UnwritablePathError
from memkit.flows.context import BankContext, Services
from memkit.flows.portability.notes import FilePieces, file_name, markdown_files, memory_tool_files, turn_lines
from memkit.identifiers import bank_path
from memkit.models import FrozenModel
from memkit.protocols import BankName

ExportFormat = Literal["markdown", "jsonl", "memory-tool"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
FOLDER_FILES: dict[str, Callable[[BankContext], Iterator[FilePieces]]] = {
    "markdown": markdown_files,
    "memory-tool": memory_tool_files,
}


class FilesReport(FrozenModel):
    """Report of an export as files: how many files for each bank, and lines of turns."""

    format: ExportFormat
    files: tuple[tuple[BankName, int], ...]
    turns: int = 0


def export_as(services: Services, format: ExportFormat, path: Path, prefix: BankName) -> FilesReport:
    """Write banks whose names start so as files that lie there as a whole or not at all.

    Raises UnknownOptionError, InputError where there is no such bank or the folder isn't empty, UnwritablePathError.
    """
    if format not in EXPORT_FORMATS:
        raise UnknownOptionError(f"export: there is no format {format!r}; known are {', '.join(EXPORT_FORMATS)}.")
    contexts = [BankContext(services, state.name) for state in services.storage.banks(prefix)]
    if not contexts:
        raise InputError(f"export: there is no bank{f' under {bank_path(prefix)}' if prefix else ''} to write.")
    if format == "jsonl":
        return _write_turns(contexts, path)
    with _new_folder(path) as folder:
        counts = [(ctx.name, _write_bank(ctx, format, folder / _place(ctx, contexts))) for ctx in contexts]
    return FilesReport(format=format, files=tuple(counts))


def _place(ctx: BankContext, contexts: list[BankContext]) -> str:
    """A bank's folder: the given one where it is alone, else one of its name."""
    return "." if len(contexts) == 1 else file_name("/".join(ctx.name))


def _write_bank(ctx: BankContext, format: ExportFormat, folder: Path) -> int:
    files = 0
    for name, pieces in FOLDER_FILES[format](ctx):
        file = _free(folder / name)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(pieces)
        files += 1
    return files


def _free(file: Path) -> Path:
    """The path, or where it is taken (case may count for nothing there) one beside it."""
    numbered = (file.with_stem(f"{file.stem} ({number})") for number in count(2))
    return next(path for path in chain([file], numbered) if not path.exists())


def _write_turns(contexts: list[BankContext], path: Path) -> FilesReport:
    if len(contexts) > 1:
        names = ", ".join(bank_path(ctx.name) for ctx in contexts[:5])
        raise InputError(f"export: turns are written of one bank. Name one of {len(contexts):,}: {names}.")
    part, turns = path.with_name(f"{path.name}.{uuid4().hex[:8]}.part"), 0
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="\n") as out:
            for line in turn_lines(contexts[0]):
                out.write(f"{line}\n")
                turns += 1
        part.replace(path)
    except OSError as error:
        raise UnwritablePathError(f"export: {path} can't be written ({error.strerror}).") from error
    finally:
        part.unlink(missing_ok=True)
    return FilesReport(format="jsonl", files=((contexts[0].name, 1),), turns=turns)


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """A folder that takes the place of an empty one, or of none, once all is written."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"export: {path} is there already, and isn't an empty folder. Name a new one.")
    part = path.with_name(f"{path.name}.{uuid4().hex[:8]}.part")
    try:
        part.mkdir(parents=True)
        yield part
        if path.exists():
            path.rmdir()
        part.rename(path)
    except OSError as error:
        raise UnwritablePathError(f"export: {path} can't be written ({error.strerror}).") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
