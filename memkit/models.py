"""The records that everything passes around: turns in, memories kept, receipts and hits out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict

from memkit.errors import InvalidNameError, InvalidTextError, InvalidTurnError, MemkitError
from memkit.times import Moment, as_utc, is_put_off

Kind = Literal["turn", "thought", "summary", "portrait", "item"]
Role = Literal["user", "assistant", "system", "tool"]
State = Literal["active", "superseded", "merged", "archived", "forgotten"]
Action = Literal[
    "added",
    "echoed",
    "merged",
    "superseded",
    "corrected",
    "pinned",
    "unpinned",
    "forgotten",
    "archived",
    "restored",
    "reinforced",
    "erased",
    "indexed",
    "skipped",
    "rejected",
]
Author = Literal["user", "thinker", "import", "observer", "decay"]
Order = Literal["recorded_at", "-recorded_at", "occurred_at", "-occurred_at"]

MEMORY_KINDS: tuple[Kind, ...] = get_args(Kind)
TURN_ROLES: tuple[str, ...] = get_args(Role)
MEMORY_STATES: tuple[State, ...] = get_args(State)
PAGE_ORDERS: tuple[Order, ...] = get_args(Order)
MAX_TEXT_CHARS = 1_000_000  # characters in one text
MAX_NAME_CHARS = 512  # characters in an id, a speaker or a session
MAX_PART_CHARS = 10_000  # characters in a part of a bank's name


def checked_text(text: object, *, where: str) -> str:
    """The text itself, if it can be stored: a string without NUL or lone surrogates, not enormous.

    Raises InvalidTextError; the message names the rule, never the text.
    """
    if not isinstance(text, str):
        raise InvalidTextError(f"{where}: text must be a string, not {type(text).__name__}.")
    if len(text) > MAX_TEXT_CHARS:
        raise InvalidTextError(
            f"{where}: {len(text)} characters, at most {MAX_TEXT_CHARS} are stored in one text. "
            "Split it into several turns."
        )
    if "\0" in text:
        raise InvalidTextError(f"{where}: holds a NUL character. Remove it: text.replace('\\0', '').")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidTextError(
            f"{where}: holds a lone surrogate, which is no Unicode text. Decode the source again with errors='replace'."
        ) from None
    return text


def checked_name(value: object, *, where: str) -> str:
    """A short, non-empty, storable string: an id, a speaker, a session."""
    text = checked_text(value, where=where)
    if not text.strip() or len(text) > MAX_NAME_CHARS:
        raise InvalidTurnError(f"{where}: must hold 1 to {MAX_NAME_CHARS} characters, and not only spaces.")
    return text


def checked_bank_name(names: Sequence[str]) -> tuple[str, ...]:
    """A bank's name: at least one part, each any string that isn't empty. Raises InvalidNameError."""
    if not names:
        raise InvalidNameError('bank: give at least one name, for example store.bank("acme", "ana").')
    for part in names:
        if not (isinstance(part, str) and 0 < len(part) <= MAX_PART_CHARS):
            raise InvalidNameError(f"bank: each part of a name must be a string of 1 to {MAX_PART_CHARS} characters.")
        checked_text(part.replace("\0", ""), where="bank")
    return tuple(names)


@dataclass(frozen=True)
class Turn:
    """One utterance as it came in.

    `at` takes an aware datetime, an ISO 8601 string with an offset or unix seconds; without it, the
    moment of observing. `id` is the caller's own name for the turn: giving it again is a repeat.
    `session` is the caller's own name of the conversation; without it, sessions are cut by time gaps.
    `reply_to` is the id of a person's turn that an assistant's answers: what answered it before gives way to this.
    """

    text: str
    speaker: str
    role: Role | None = None
    at: Moment | None = None
    id: str | None = None
    session: str | None = None
    metadata: Mapping[str, Any] | None = None
    reply_to: str | None = None

    def __post_init__(self) -> None:
        checked_text(self.text, where="Turn.text")
        checked_name(self.speaker, where="Turn.speaker")
        for name in ("id", "session", "reply_to"):
            if getattr(self, name) is not None:
                checked_name(getattr(self, name), where=f"Turn.{name}")
        if self.role is not None and self.role not in TURN_ROLES:
            raise InvalidTurnError(f"Turn.role: unknown role; known are {', '.join(TURN_ROLES)}.")
        if self.at is not None:
            object.__setattr__(self, "at", as_utc(self.at, field="Turn.at"))

    @property
    def moment(self) -> datetime | None:
        """`at` as aware UTC."""
        return None if self.at is None else as_utc(self.at)


class FrozenModel(BaseModel):
    """Base of memkit's immutable records. Unknown fields are errors; inputs stay out of messages."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Memory(FrozenModel):
    """One stored record.

    `id` is the caller's own id where one was given, else a UUIDv7. `occurred_at` is when it happened,
    `recorded_at` when it was stored. `strength` is MemoryBank's S (arXiv 2305.10250), 1 at first
    mention. `valid_from` and `valid_until` bound the time in which it was held true: the beginning and the end of the
    intervals that were named ("in 2024" begins on 1 January), in the bank's zone.
    """

    id: str
    kind: Kind
    text: str
    occurred_at: datetime
    recorded_at: datetime
    speaker: str | None = None
    role: Role | None = None
    session: str | None = None
    metadata: dict[str, Any] = {}
    sources: tuple[str, ...] = ()
    author: Author = "observer"
    state: State = "active"
    head: str | None = None
    relation: str | None = None
    tail: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    superseded_by: str | None = None
    echo_of: str | None = None
    strength: float = 1.0
    recalled_at: datetime | None = None
    recall_count: int = 0
    salience: float | None = None
    key_phrases: tuple[str, ...] = ()
    pinned: bool = False


class MemoryPage(list[Memory]):
    """Memories of one page. `next`: where the next page goes on, even if all of this one is erased; None at the end."""

    next: str | None = None


class Placement(NamedTuple):
    """Session and episode in which a memory lies, numbered from 0 within the bank.

    Memories without a place in a conversation (thoughts, summaries, items) have none.
    """

    session: int
    episode: int


TimeUnit = Literal[
    "day", "week", "weekend", "month", "season", "year", "early", "mid", "late", "days", "months", "years", "vague"
]
TIME_UNITS: tuple[TimeUnit, ...] = get_args(TimeUnit)
MentionKind = Literal[TimeUnit, "standing", "change"]


class Mention(NamedTuple):
    """Mention in a turn's own words: of a time, in the unit in which it is told, `start` <= moment < `end`.

    Or, from the moment at which it was said, a standing instruction ("standing"), or that plans changed ("change").
    Both moments are microseconds since 1970, UTC.
    """

    kind: MentionKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """Index entry of a memory's text; nothing in it can be read back as words.

    `text_key` and the keys of `terms` are signed 64-bit hashes under the bank's own key. `vector` is float16, little-
    endian, unit norm; None while it is to be made, or where none is wanted (`wanted`: False without words, or of an
    echo). `passages`: of a long text's parts; `tokens`: signs of its words' vectors; `mentions`: of a turn's own words.
    """

    text_key: int
    terms: Mapping[int, int] = field(default_factory=dict)
    vector: bytes | None = None
    sketch: bytes | None = None
    group: int | None = None
    wanted: bool = True
    passages: bytes | None = None
    tokens: bytes | None = None
    mentions: tuple[Mention, ...] = ()

    def as_echo(self) -> "IndexEntry":
        """The entry of an echo: words and vector are the original's, but its times are counted from its own date."""
        return IndexEntry(self.text_key, wanted=False, mentions=self.mentions)


class IndexRow(NamedTuple):
    """The numbers that recall keeps in RAM for each memory. `seq` numbers the bank's memories from 1."""

    seq: int
    kind: Kind
    state: State
    speaker: int | None  # hash of the name under the bank's key
    role: Role | None
    session: int | None
    episode: int | None
    occurred_at: int  # microseconds since 1970, UTC
    recorded_at: int
    valid_from: int | None
    valid_until: int | None
    strength: float
    recalled_at: int | None
    salience: float | None
    pinned: bool
    length: int  # characters of text
    asks: bool  # the text ends in a question mark
    superseded_by: int | None  # seq
    echo_of: int | None  # seq
    sources: tuple[int, ...]  # seqs


class PastState(NamedTuple):
    """State of a memory at an earlier moment, before a later change."""

    state: State
    valid_until: int | None  # microseconds since 1970, UTC
    superseded_by: int | None  # seq


class Outcome(FrozenModel):
    """Outcome of one input. `id` is None only where no memory was stored or matched."""

    id: str | None
    action: Action
    reason: str | None = None
    error: str | None = None  # class of the error, where the input was rejected
    change: int | None = None  # the bank's change number that did it; None where nothing was done

    @classmethod
    def skipped(cls, id: str | None, reason: str) -> Self:
        return cls(id=id, action="skipped", reason=reason)

    @classmethod
    def rejected(cls, error: MemkitError, id: str | None = None) -> Self:
        return cls(id=id, action="rejected", reason=str(error), error=type(error).__name__)


class Receipt(FrozenModel):
    """Receipt of applied operations: one outcome per input, in order.

    `unencoded`: texts that the encoder did not make vectors of in time, or was not asked to yet. Words find them
    meanwhile; the vectors follow without being asked for.
    """

    bank: tuple[str, ...]
    change: int
    outcomes: tuple[Outcome, ...]
    unencoded: int = 0

    @classmethod
    def joined(cls, bank: tuple[str, ...], receipts: Sequence["Receipt"]) -> Self:
        """One receipt for what was applied in several parts."""
        change = max((receipt.change for receipt in receipts), default=0)
        outcomes = tuple(outcome for receipt in receipts for outcome in receipt.outcomes)
        return cls(bank=bank, change=change, outcomes=outcomes, unencoded=sum(r.unencoded for r in receipts))

    @property
    def ids(self) -> list[str]:
        """The ids of the memories that were added, merged into or otherwise touched, in order."""
        return [o.id for o in self.outcomes if o.id is not None and o.action != "rejected"]

    def count(self, action: Action) -> int:
        """Number of inputs that came to this outcome."""
        return sum(o.action == action for o in self.outcomes)

    @property
    def remark(self) -> str:
        """The line that tells what is still to follow; "" where nothing is."""
        line = (
            f"Not encoded yet: {self.unencoded:,}. Words find them meanwhile, and their vectors follow by themselves."
        )
        return line if self.unencoded else ""


class ErasureReceipt(FrozenModel):
    """Receipt of an erasure: how much went, when and on whose request; holds no text and no digest of it.

    Receipts are kept, numbered from 1 and chained: `hash` is SHA-256 in hexadecimal over the other fields but those
    on bytes; `previous` is that of the receipt before, or "". Number 0: nothing was chosen. Ids are UUIDs always.
    """

    number: int
    bank: tuple[str, ...]
    at: datetime
    change: int  # the bank's change number that it led to
    counts: dict[str, int]  # how many went, by kind
    chosen: int  # of them, how many were asked for
    erased: tuple[str, ...] = ()  # all that went; not listed where the bank went as a whole
    derived: tuple[str, ...] = ()  # of them, those that rested on the chosen ones alone
    remade: tuple[str, ...] = ()  # what rested on them and was made again from its other sources
    whole: bool = False  # the bank itself went
    born: datetime | None = None  # when the bank was made that went as a whole
    requested_by: str | None = None
    previous: str = ""
    hash: str = ""
    bytes_pending: bool = False  # rows are gone; the files weren't found free of their bytes yet
    bytes_checkable: bool = True  # False: it can't be told from here, as some of a server's files are out of sight


class HistoryEntry(FrozenModel):
    """One change of one memory. `before` holds what the change replaced, as it was."""

    id: str
    event: Action
    at: datetime
    author: Author
    reason: str | None = None
    before: Memory | None = None
    change: int = 0  # the bank's change number; 0 for how it came to be


class Exchange(FrozenModel):
    """A run of turns waiting to be thought about; it never holds text.

    `due_at`: not to be tried before then, because it failed (`error`), or because somebody is at it.
    """

    number: int
    session: int
    turn_ids: tuple[str, ...]
    closed: bool
    attempts: int = 0
    error: str | None = None
    last_at: datetime
    due_at: datetime | None = None

    def leased(self, now: datetime) -> bool:
        """Whether a worker is thinking about it."""
        return self.error is None and is_put_off(self.due_at, now)


class BankState(FrozenModel):
    """State of a bank at one change number."""

    number: int
    name: tuple[str, ...]
    zone: str
    key: bytes
    change: int
    epoch: int  # raised when rows vanish: caches start again
    created_at: datetime
    size: int


class Hit(FrozenModel):
    """One result of a recall: the memory, its score, and what the score is made of.

    `last_said`: when a person said the same again for the last time; None for what was said once.
    """

    memory: Memory
    score: float
    why: dict[str, float | str | list[str]]
    bank: tuple[str, ...] = ()
    around: tuple[Memory, ...] = ()
    thoughts: tuple[Memory, ...] = ()
    last_said: datetime | None = None


class RejectedTurn(NamedTuple):
    """An input of `observe` that could not be read as a turn."""

    error: MemkitError
