"""Lines of an export: JSON objects with one key each, which says what the line holds; see this room's README."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from memkit.errors import InputError
from memkit.exported import ExportedBank, ExportedMemory
from memkit.models import ErasureReceipt, Exchange, FrozenModel
from memkit.protocols import Storage
from memkit.runtime.file_settings import DIMENSION_KEY, ENCODER_KEY
from memkit.settings import IndexSettings, KeepRule, ObserveSettings

FORMAT_VERSION = 1
LINK_FIELDS = {"sources", "superseded_by", "echo_of"}
UNVERSIONED_KEYS = {"bank", "zone", "memory"}  # of each line, before exports had a version


class ExportedEncoder(FrozenModel):
    """Identity of the encoder that made an export's vectors."""

    name: str
    dimension: int = Field(ge=1)


def stored_encoder(storage: Storage) -> ExportedEncoder:
    """The encoder whose vectors a store holds."""
    name, dimension = storage.get_meta(ENCODER_KEY), storage.get_meta(DIMENSION_KEY)
    return ExportedEncoder(name=name or "", dimension=int(dimension or 1))


class ExportHeader(FrozenModel):
    """First line: the format's version, the export's own id, and all that shapes what the file holds."""

    version: int
    id: str
    written_at: datetime
    encoder: ExportedEncoder
    vectors: bool
    erased_banks: int  # of which only receipts and fingerprints are left, which aren't in the file
    index: IndexSettings
    observe: ObserveSettings
    keep: tuple[KeepRule, ...]


class Fingerprints(FrozenModel):
    """Keyed digests of texts that were erased from a bank, in hexadecimal."""

    macs: tuple[str, ...]


class BankCounts(FrozenModel):
    """Last line of a bank: how much of each kind it has."""

    memories: dict[str, int]
    history: int = 0
    exchanges: int = 0
    receipts: int = 0
    fingerprints: int = 0
    vectors: int = 0


class ExportEnd(FrozenModel):
    """Last line of the file."""

    banks: int


LINE_TYPES: dict[str, type[FrozenModel]] = {
    "export": ExportHeader,
    "bank": ExportedBank,
    "memory": ExportedMemory,
    "exchange": Exchange,
    "receipt": ErasureReceipt,
    "fingerprints": Fingerprints,
    "counts": BankCounts,
    "end": ExportEnd,
}
OUTLINE_STARTS = (b'{"bank":', b'{"counts":', b'{"end":')
LINE_KEYS = {type_: key for key, type_ in LINE_TYPES.items()}


def as_line(record: FrozenModel) -> str:
    """A record as a line; of a memory, what is empty is left out, and its links stand beside its contents."""
    if isinstance(record, ExportedMemory):
        text = record.model_dump_json(exclude_none=True, exclude={"content": LINK_FIELDS})
    else:
        text = record.model_dump_json()
    return f'{{"{LINE_KEYS[type(record)]}":{text}}}\n'


def outline(line: bytes) -> FrozenModel | None:
    """The record of a line that tells of a bank as a whole, or of the file's end; None for any other."""
    is_outline = line.startswith(OUTLINE_STARTS)
    return _parsed(line, lambda: "a line") if is_outline else None


def read_lines(path: Path, start: int = 0) -> Iterator[tuple[int, FrozenModel]]:
    """Records from an offset on, each with the offset of its line. Raises InputError."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            offset = start
            for line in file:
                yield offset, _parsed(line, partial(_where, path, offset))
                offset += len(line)
    except OSError as error:
        raise InputError(f"load: {path} can't be read ({error.strerror}).") from error


def read_at(path: Path, offsets: Iterable[int]) -> Iterator[FrozenModel]:
    """Records of the lines at these offsets."""
    with path.open("rb") as file:
        for offset in offsets:
            file.seek(offset)
            yield _parsed(file.readline(), partial(_where, path, offset))


def line_error(path: Path, offset: int, problem: str) -> InputError:
    """The error for a line that can't be, in one sentence."""
    return InputError(f"load: {_where(path, offset)} {problem}, so nothing was loaded. Export again.")


def _where(path: Path, offset: int) -> str:
    with path.open("rb") as file:
        return f"{path.name}, line {file.read(offset).count(10) + 1}"


def _parsed(line: bytes, where: Callable[[], str]) -> FrozenModel:
    try:
        fields = json.loads(line, parse_constant=_refuse_constant)
        [(key, value)] = fields.items()
        if key == "export":
            _refuse_version(value, where)
        return LINE_TYPES[key].model_validate(value)
    except ValidationError as error:
        raise InputError(f"load: {where()}: {_fault(key, error)} Nothing was loaded.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"load: {where()} {_no_line(line)}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _refuse_version(header: Any, where: Callable[[], str]) -> None:
    version = header.get("version")
    if version != FORMAT_VERSION:
        raise InputError(
            f"load: {where()}: the format has version {version!r}, and this memkit reads {FORMAT_VERSION}. "
            "Nothing was loaded. Load it with the memkit that wrote it, or a newer one."
        )


def _fault(key: str, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, (key, *first["loc"])))
    return f"{place} can't be read ({first['msg'][:1].lower()}{first['msg'][1:]})."


def _no_line(line: bytes) -> str:
    """The fault of a line that is none of an export."""
    if not line.endswith(b"\n"):
        return "is cut off: the file is incomplete, and nothing was loaded. Export again."
    try:
        unversioned = json.loads(line).keys() >= UNVERSIONED_KEYS
    except (ValueError, AttributeError, RecursionError):
        unversioned = False
    if unversioned:
        return "is from a memkit whose exports had no version yet. Nothing was loaded. Load it with that memkit."
    return (
        f"is no line of an export: it holds one of {', '.join(LINE_TYPES)}. Nothing was loaded. "
        "Conversations are read with observe, not with load."
    )
