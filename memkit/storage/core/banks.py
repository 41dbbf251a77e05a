"""Banks as they are stored: their names, their time zones, and the row with their state and counters."""

import json
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from memkit.errors import BankGoneError, BankMovedError, ConflictError, InvalidNameError, UnknownOptionError
from memkit.identifiers import bank_path
from memkit.models import BankState
from memkit.storage.core.checksums import corrupt_error, decoding
from memkit.times import from_micros

if TYPE_CHECKING:
    from memkit.protocols import BankName, Storage

LOADING_MARK = ""  # begins the name of a bank that is being loaded, and none that a caller gives
MOVING_ID = "move"  # in the name of a bank that is being moved, in the place of an export's id
META_NAMES = ("terms", "thinking")  # of the store's notes on a bank
CACHED_STATES = 1024  # banks
REST_SIGN = "rest:"  # begins the owner of a lease that is a rest: nobody's


def checked_name(name: "BankName") -> "BankName":
    """A tuple of at least one storable string. Raises InvalidNameError."""
    parts = tuple(name)
    own = parts[1:] if parts[:1] == (LOADING_MARK,) else parts
    if not own or not all(isinstance(part, str) and part for part in own):
        raise InvalidNameError('a bank\'s name is one or more non-empty strings, for example ("acme", "ana").')
    try:
        "".join(parts).encode()
    except UnicodeEncodeError:
        raise InvalidNameError("a bank's name holds a lone surrogate, which is no Unicode text.") from None
    return parts


def bank_gone(bank: "int | BankName", place: str) -> BankGoneError:
    """The error for a bank that isn't there; `place`: the store's."""
    called = f"number {bank}" if isinstance(bank, int) else "of this name"
    return BankGoneError(f"{place}: there is no bank {called} (any more). Open it by its name.")


def moved_key(name: "BankName") -> str:
    """Key of the note that a bank was moved elsewhere, or is about to be, with its version then."""
    return f"moved.{name_key(name)}"


def refuse_moved(name: "BankName", moved: str | None, place: str) -> None:
    """Raises BankMovedError where there is such a note; `place`: the store's."""
    if moved:
        raise BankMovedError(
            f"{place}: bank {bank_path(name)} was moved to another database. Open that one, or move the bank back."
        )


def checked_zone(zone: str) -> str:
    """An IANA zone that exists here. Raises UnknownOptionError."""
    try:
        return ZoneInfo(zone).key
    except (ValueError, OSError, KeyError):
        raise UnknownOptionError(
            f"zone: {zone!r} is no time zone known here. Give an IANA name, for example 'Europe/Lisbon'."
        ) from None


def term_rules_meta(bank: int) -> dict[str, str]:
    """The entry of a new bank, whose terms follow today's rules."""
    from memkit.text.terms.keys import TERM_RULES, TERM_RULES_META

    return {TERM_RULES_META.format(bank): json.dumps({"rules": TERM_RULES})}


def bank_meta(bank: int) -> list[str]:
    """Keys of the store's notes on a bank."""
    return [f"{name}.{bank}" for name in META_NAMES]


def loading_name(name: "BankName", export: str) -> "BankName":
    """The name of a bank while it is being loaded from an export: none that a caller can give."""
    return (LOADING_MARK, export, *name)


def is_loading(name: "BankName") -> bool:
    """Whether a bank is still being loaded."""
    return name[0] == LOADING_MARK


def is_moving(state: BankState) -> bool:
    """Whether a bank that is being loaded comes from another storage, row by row."""
    return state.name[1] == MOVING_ID


def target_name(state: BankState) -> "BankName":
    """The name that a bank gets once all of it is loaded."""
    return state.name[2:]


def unpublished(storage: "Storage", under: "BankName" = ()) -> list[BankState]:
    """Banks whose loading was cut off, or still goes on, and that get a name that starts so."""
    states = storage.banks((LOADING_MARK,))
    return [state for state in states if target_name(state)[: len(under)] == tuple(under)]


def listed(states: Iterable[BankState], prefix: "BankName") -> list[BankState]:
    """Banks in order of name; those that are being loaded only where the prefix asks for them."""
    chosen = (s for s in states if not is_loading(s.name) or LOADING_MARK in prefix[:1])
    return sorted(chosen, key=lambda state: state.name)


def rest_owner(mark: str) -> str:
    """Owner, but for the change number at its end, of a lease that is a bank's rest under a mark."""
    return f"{REST_SIGN}{mark}:"


def refuse_written(state: BankState) -> None:
    """Raises ConflictError where a bank is more than a name."""
    if state.change:
        raise ConflictError(
            f"load: bank {bank_path(state.name)} was written to while it was being loaded, so it stays as it is. Load "
            "into a new database."
        )


def name_key(name: "BankName") -> str:
    """A bank's name as one string: a JSON array."""
    return json.dumps(list(name), ensure_ascii=False, separators=(",", ":"))


def name_hash(key: str) -> int:
    """A hash of 63 bits of a bank's name as one string."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") >> 1


@lru_cache(maxsize=1024)
def name_parts(key: str) -> "BankName":
    """The inverse of `name_key`."""
    return tuple(json.loads(key))


def prefix_range(prefix: "BankName") -> tuple[str, str]:
    """Lower and upper bound of the keys of all names that start with these parts."""
    start = name_key(prefix)[:-1]
    return start, start + "\U0010ffff"


class BankRow(NamedTuple):
    """A bank's row: its state and its counters."""

    bank: int
    name: str
    zone: str
    key: bytes
    change: int
    epoch: int
    created_at: int
    size: int
    next_seq: int
    next_history: int
    next_exchange: int
    next_block: int
    next_content: int
    unsealed_sketches: int
    unsealed_terms: int

    def checked(self) -> "BankRow":
        """The row, if its size and counters are whole numbers. Raises CorruptError."""
        if not all(isinstance(count, int) for count in self[COUNTERS_START:]):
            raise corrupt_error("a bank's row")
        return self

    def to_state(self) -> BankState:
        """The bank's state. Raises CorruptError."""
        return _decoded_state(self)


COUNTERS_START = BankRow._fields.index("size")


@lru_cache(maxsize=CACHED_STATES)
@decoding("a bank's row")
def _decoded_state(row: BankRow) -> BankState:
    return BankState(
        number=row.bank,
        name=name_parts(row.name),
        zone=row.zone,
        key=row.key,
        change=row.change,
        epoch=row.epoch,
        created_at=from_micros(row.created_at),
        size=row.size,
    )
