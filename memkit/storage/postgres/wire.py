"""Values in PostgreSQL's binary form: each of its column's type, lists as arrays.

Whatever a value is, its place in a statement has one type; so a statement is prepared once, and no type is guessed.
"""

import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format

INT8_OID, FLOAT8_OID, TEXT_OID, BYTEA_OID = 20, 701, 25, 17
COLUMN_OIDS = {"BIGINT": INT8_OID, "DOUBLE PRECISION": FLOAT8_OID, "TEXT": TEXT_OID, "BYTEA": BYTEA_OID}
ARRAY_OIDS = {INT8_OID: 1016, FLOAT8_OID: 1022, TEXT_OID: 1009, BYTEA_OID: 1001}
ESCAPE_CHARACTER = "\x01"
ESCAPED_NUL, ESCAPED_ESCAPE = "\x01\x01", "\x01\x02"
UNESCAPED_CHARACTERS = {ESCAPED_NUL: "\0", ESCAPED_ESCAPE: ESCAPE_CHARACTER}
ESCAPED_PATTERN = re.compile("|".join(UNESCAPED_CHARACTERS))
NULL_LENGTH = b"\xff\xff\xff\xff"
_ARRAY_FORMAT = struct.Struct("!iiiii")  # dimensions, whether there are nulls, type, length, first index
_EMPTY_FORMAT = struct.Struct("!iii")
_LENGTH_FORMAT = struct.Struct("!i")
_INT8_FORMAT, _FLOAT8_FORMAT = struct.Struct("!q"), struct.Struct("!d")

Pack = Callable[[Any], bytes]


def _encoded(text: str) -> bytes:
    """A text in UTF-8, without U+0000, which a server's text can't hold. Raises UnicodeEncodeError."""
    if "\0" in text or ESCAPE_CHARACTER in text:
        text = text.replace(ESCAPE_CHARACTER, ESCAPED_ESCAPE).replace("\0", ESCAPED_NUL)
    return text.encode()


class EscapedTextLoader(Loader):
    """Texts as they were given."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        """The text that was encoded so."""
        text = str(data, "utf-8")
        if ESCAPE_CHARACTER in text:
            return ESCAPED_PATTERN.sub(lambda match: UNESCAPED_CHARACTERS[match[0]], text)
        return text


VALUE_PACKERS: dict[int, Pack] = {
    INT8_OID: _INT8_FORMAT.pack,
    FLOAT8_OID: _FLOAT8_FORMAT.pack,
    TEXT_OID: _encoded,
    BYTEA_OID: bytes,
}


def packed(oid: int, value: Any) -> bytes | None:
    """A value, or a list of them as an array, by the type of its place."""
    if value is None:
        return None
    pack = VALUE_PACKERS.get(oid)
    return pack(value) if pack else packed_array(ELEMENT_OIDS[oid], value)


def packed_array(oid: int, values: Sequence[Any]) -> bytes:
    """Values of one type as an array, some of them None."""
    if not values:
        return _EMPTY_FORMAT.pack(0, 0, oid)
    head = _ARRAY_FORMAT.pack(1, None in values, oid, len(values), 1)
    if oid in _RECORD_TYPES and None not in values:
        rows = np.empty(len(values), _RECORD_TYPES[oid])
        rows["length"], rows["value"] = 8, values
        return head + rows.tobytes()
    return head + b"".join(_parts(VALUE_PACKERS[oid], values))


def _parts(pack: Pack, values: Sequence[Any]) -> list[bytes]:
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(NULL_LENGTH)
        else:
            data = pack(value)
            parts += (_LENGTH_FORMAT.pack(len(data)), data)
    return parts


ELEMENT_OIDS = {array: element for element, array in ARRAY_OIDS.items()}
_RECORD_TYPES = {
    INT8_OID: np.dtype([("length", ">i4"), ("value", ">i8")]),
    FLOAT8_OID: np.dtype([("length", ">i4"), ("value", ">f8")]),
}
