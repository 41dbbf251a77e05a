"""Files of a source, whatever they are packed in: read piece by piece, never as a whole."""

import json
import re
import zipfile
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from memkit.errors import InputError

DATABASE_MAGIC_BYTES = b"SQLite format 3\0"
OpenFile = Callable[[], IO[bytes]]


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Whatever can't be read within raises InputError that names the file."""
    import ijson

    try:
        yield
    except ijson.IncompleteJSONError:
        raise InputError(f"{name}: the JSON breaks off or isn't valid. Export or download it again.") from None
    except (ijson.JSONError, RecursionError):
        raise InputError(f"{name}: is no JSON that can be read. Export or download it again.") from None
    except UnicodeDecodeError:
        raise InputError(f"{name}: is no UTF-8 text. Save it as UTF-8.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        raise InputError(f"{name}: the archive is damaged or cut off. Download it again, or unpack it first.") from None
    except OSError as error:
        raise InputError(f"{name}: can't be read ({error.strerror or type(error).__name__}).") from None


def packed_files(path: Path, pattern: re.Pattern[str], *, missing: str) -> Iterator[tuple[str, OpenFile]]:
    """Names and openers of the files that match, in an archive or a folder, in order; of a single file, itself.

    Raises InputError, with `missing`, where there is none.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such file.")
    with ExitStack() as stack, readable(path.name):
        files = list(_files(path, pattern, stack))
        if not files:
            raise InputError(f"{path.name}: {missing}")
        yield from files


def _files(path: Path, pattern: re.Pattern[str], stack: ExitStack) -> Iterator[tuple[str, OpenFile]]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file() and pattern.search(file.relative_to(path).as_posix()):
                yield file.relative_to(path).as_posix(), lambda file=file: file.open("rb")  # type: ignore[misc]
    elif zipfile.is_zipfile(path):
        archive = stack.enter_context(zipfile.ZipFile(path))
        for member in sorted(archive.namelist()):
            if pattern.search(member) and not member.startswith("__MACOSX/"):
                if archive.getinfo(member).flag_bits & 1:
                    raise InputError(f"{path.name}: the archive has a password. Unpack it first.")
                yield member, lambda member=member: archive.open(member)  # type: ignore[misc]
    else:
        yield path.name, lambda: path.open("rb")


def json_records(open_file: OpenFile, name: str, keys: Sequence[str] = ()) -> Iterator[Any]:
    """Elements of the array that a JSON file is, or that lies in it under one of these keys; else the document.

    One element is in memory at a time. Raises InputError.
    """
    import ijson

    with readable(name):
        with _past_mark(open_file) as file:
            prefix = _array_prefix(ijson.parse(file), keys)
        with _past_mark(open_file) as file:
            yield from ijson.items(file, prefix, use_float=True)


def _past_mark(open_file: OpenFile) -> IO[bytes]:
    """A file behind the byte order mark that some programs begin it with."""
    file = open_file()
    if file.read(len(BOM_UTF8)) == BOM_UTF8:
        return file
    file.close()
    return open_file()


def _array_prefix(events: Iterator[tuple[str, str, Any]], keys: Sequence[str]) -> str:
    for prefix, event, _ in events:
        if event == "start_array" and prefix in ("", *keys):
            return f"{prefix}.item".lstrip(".")
        if not keys:
            break
    return ""


def json_lines(open_file: OpenFile, name: str, example: str) -> Iterator[Any]:
    """Values of a file with one JSON value a line; a file that is one JSON array counts as its elements.

    Raises InputError, with an example of a line, for what is no JSON.
    """
    with readable(name):
        with open_file() as file:
            start = file.read(64).removeprefix(BOM_UTF8).lstrip()
        if start.startswith(b"["):
            yield from json_records(open_file, name)
            return
        with open_file() as file:
            for number, line in enumerate(file, start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                if text:
                    yield _parsed(text, f"{name}, line {number}", example)


def _parsed(text: str, where: str, example: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise InputError(f"{where}: is no JSON. Write one record per line, for example {example}.") from None


def is_database(path: Path) -> bool:
    """Whether a file is a SQLite database. Raises InputError where it can't be read."""
    if not path.is_file():
        return False
    with readable(path.name), path.open("rb") as file:
        return file.read(len(DATABASE_MAGIC_BYTES)) == DATABASE_MAGIC_BYTES


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """A JSON array, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """A string, or "" for anything else."""
    return value if isinstance(value, str) else ""
