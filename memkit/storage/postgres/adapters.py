"""Values as they are sent: each of one type, whatever its size, so that a statement is prepared once; lists as arrays.

psycopg chooses the smallest integer type for a number, and none for None; both would make other statements of one.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from psycopg import Connection
from psycopg.adapt import Buffer, Dumper, PyFormat
from psycopg.pq import Format
from psycopg.types.numeric import FloatBinaryDumper, Int8BinaryDumper
from psycopg.types.string import BytesBinaryDumper, StrBinaryDumper

INT8_OID, FLOAT8_OID, TEXT_OID, BYTEA_OID = 20, 701, 25, 17
ARRAY_OIDS = {INT8_OID: 1016, FLOAT8_OID: 1022, TEXT_OID: 1009, BYTEA_OID: 1001}
COLUMN_OIDS = {"BIGINT": INT8_OID, "DOUBLE PRECISION": FLOAT8_OID, "TEXT": TEXT_OID, "BYTEA": BYTEA_OID}
NULL_LENGTH = -1
_ARRAY_HEAD = struct.Struct("!iiiii")  # dimensions, whether there are nulls, type, length, first index
_LENGTH_FORMAT = struct.Struct("!i")


class Null:
    """NULL of a column's type."""

    oid = 0


class Array(list[Any]):
    """Values of one column's type, some of them None."""

    oid = 0


class NullDumper(Dumper):
    """Nothing, of a type."""

    format = Format.BINARY

    def __init__(self, cls: type, context: Any = None) -> None:
        super().__init__(cls, context)
        self.oid = cls.oid  # type: ignore[attr-defined]

    def dump(self, obj: Any) -> Buffer | None:
        return None


class ArrayDumper(NullDumper):
    """An array of a type, in PostgreSQL's binary form."""

    def dump(self, obj: Any) -> Buffer | None:
        """The array's bytes."""
        element = obj.element
        head = _ARRAY_HEAD.pack(1 if obj else 0, None in obj, element, len(obj), 1)
        return head[: 20 if obj else 12] + ARRAY_PACKERS[element](obj)


def _fixed(kind: str) -> Callable[[Sequence[Any]], bytes]:
    """Packer of numbers of eight bytes each."""
    record = np.dtype([("length", ">i4"), ("value", kind)])

    def pack(values: Sequence[Any]) -> bytes:
        if None in values:
            pair = struct.Struct("!iq" if kind == ">i8" else "!id")
            return b"".join(b"\xff\xff\xff\xff" if value is None else pair.pack(8, value) for value in values)
        rows = np.empty(len(values), record)
        rows["length"], rows["value"] = 8, values
        return rows.tobytes()

    return pack


def _pack_bytes(values: Sequence[bytes | None]) -> bytes:
    parts: list[bytes] = []
    for value in values:
        parts += (_LENGTH_FORMAT.pack(NULL_LENGTH),) if value is None else (_LENGTH_FORMAT.pack(len(value)), value)
    return b"".join(parts)


def _pack_texts(values: Sequence[str | None]) -> bytes:
    return _pack_bytes([None if value is None else _encoded(value) for value in values])


def _encoded(text: str) -> bytes:
    """A text in UTF-8. Raises UnicodeEncodeError for what isn't Unicode text."""
    return text.encode()


ARRAY_PACKERS: dict[int, Callable[[Any], bytes]] = {
    INT8_OID: _fixed(">i8"),
    FLOAT8_OID: _fixed(">f8"),
    TEXT_OID: _pack_texts,
    BYTEA_OID: _pack_bytes,
}
NULL_TYPES = {oid: type(f"Null{oid}", (Null,), {"oid": oid}) for oid in ARRAY_OIDS}
ARRAY_TYPES: dict[int, type[Array]] = {
    oid: type(f"Array{oid}", (Array,), {"oid": array_oid, "element": oid}) for oid, array_oid in ARRAY_OIDS.items()
}
NULL_VALUES = {oid: kind() for oid, kind in NULL_TYPES.items()}


class FlagDumper(Int8BinaryDumper):
    """A flag as 0 or 1."""

    def dump(self, obj: Any) -> Buffer | None:
        return super().dump(int(obj))


def register(connection: Connection[Any]) -> None:
    """Give a connection these types."""
    adapters = connection.adapters
    dumpers: tuple[tuple[type, Any], ...] = (
        (bool, FlagDumper),
        (int, Int8BinaryDumper),
        (float, FloatBinaryDumper),
        (str, StrBinaryDumper),
        (bytes, BytesBinaryDumper),
        *((kind, NullDumper) for kind in NULL_TYPES.values()),
        *((kind, ArrayDumper) for kind in ARRAY_TYPES.values()),
    )
    for python, dumper in dumpers:
        adapters.register_dumper(python, dumper)


__all__ = ["ARRAY_TYPES", "COLUMN_OIDS", "NULL_VALUES", "PyFormat", "register"]
