"""Protocol of one bank as it is read."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from memkit.batches import PassageBatch, QuantisedBatch, RowBatch, SketchBatch, TermBatch, TurnBatch
from memkit.exported import ExportedBank, ExportedMemory
from memkit.models import (
    BankState,
    Exchange,
    HistoryEntry,
    IndexEntry,
    IndexRow,
    Kind,
    Memory,
    Mention,
    MentionKind,
    Order,
    PastState,
)
from memkit.protocols.values import FloatArray, Span

T = TypeVar("T")


class VectorSource(Protocol):
    """Reader of what is stored beside texts: vectors, words, mentions. Unknown seqs are absent from the results."""

    def vectors(self, seqs: Sequence[int]) -> FloatArray:
        """Stored vectors as float32 (n, dimension), in the order of `seqs`; zeros where none is."""

    def quantised(self, seqs: Sequence[int], dimension: int) -> tuple[QuantisedBatch, QuantisedBatch]:
        """The stored vectors of those seqs that have one of this dimension, and those of their passages."""

    def with_passages(self, seqs: Sequence[int]) -> tuple[FloatArray, PassageBatch]:
        """Stored vectors, and those of the passages of the texts that are long enough to have any."""

    def tokens(self, seqs: Sequence[int]) -> dict[int, bytes]:
        """Signs of the words' vectors of those seqs that have any, as `IndexEntry` holds them."""

    def mentions(self, kinds: Sequence[MentionKind], span: Span = (None, None)) -> list[tuple[int, Mention]]:
        """Mentions of these kinds that end after the span's beginning and begin before its end, with seqs, in order."""


class Position(NamedTuple):
    """Last turn of a session, which the next turn may join."""

    seq: int
    id: str
    label: str | None  # the session's name, where the caller gave one
    session: int
    episode: int
    episode_turns: int  # turns in that episode so far
    episode_characters: int
    at: datetime
    speaker: str | None
    role: str | None
    exchange: int | None  # the open exchange of the session, if there is one
    exchange_turns: int


class Bookmark(NamedTuple):
    """Place of a memory in every order: a page goes on behind it, whether it is still there or not."""

    occurred_at: int  # microseconds since 1970, UTC
    seq: int


@dataclass(frozen=True, slots=True)
class PageOptions:
    """Choice of a page: at most `limit` memories behind `after`, of these kinds (None: all) and states.

    `since` <= occurred_at < `until`. `among`: only these seqs. A "-" before an order turns it round.
    """

    kinds: Sequence[Kind] | None = None
    states: Sequence[str] = ("active",)
    after: Bookmark | None = None
    limit: int = 100
    order: Order = "recorded_at"
    since: datetime | None = None
    until: datetime | None = None
    among: Collection[int] | None = None


class BankView(VectorSource, Protocol):
    """One bank, read in one consistent snapshot. All ids and seqs are this bank's own.

    Unknown ids and seqs are absent from the results.
    """

    state: BankState

    def locate(self, ids: Sequence[str]) -> dict[str, int]:
        """Seqs of memories by id (a caller's own id, or the UUIDv7)."""

    def memories(self, seqs: Sequence[int]) -> dict[int, Memory]:
        """Whole memories, by seq."""

    def lazy_memories(self, seqs: Sequence[int]) -> Mapping[int, Memory]:
        """The same, for memories that may not be needed: all are read now, each is decoded when it is looked at."""

    def rows(self, since: int = 0) -> Iterator[IndexRow]:
        """Rows added or changed after the change number `since`, in order of seq."""

    def row_batches(self, since: int = 0) -> Iterator[RowBatch]:
        """The same rows as arrays."""

    def sketches(self, since: int = 0) -> Iterator[SketchBatch]:
        """Sketches written after the change number `since`."""

    def terms(self, since: int = 0) -> Iterator[TermBatch]:
        """Lexical terms written after the change number `since`."""

    def expiring(self, until: datetime, limit: int) -> list[int]:
        """Seqs of items whose time is over by then, in order of their ends."""

    def unencoded(self, limit: int) -> list[Memory]:
        """Memories whose vector is wanted and still missing, oldest first."""

    def same_text(self, keys: Sequence[int]) -> dict[int, str]:
        """For each text key that occurs, the id of the oldest active memory with it that is no echo."""

    def same_thoughts(self, keys: Sequence[int], speaker: str | None) -> dict[int, Memory]:
        """For each text key that occurs, the oldest active thought of this speaker with it."""

    def in_groups(self, groups: Sequence[int], kinds: Sequence[Kind], limit: int) -> list[int]:
        """Seqs of active memories but turns with one of TiM's hash groups, group by group; of each the newest first."""

    def about(self, head: str, kinds: Sequence[Kind], limit: int) -> list[Memory]:
        """Active memories with the head entity `head` (casefolded), newest first."""

    def speakers(self) -> dict[str, int]:
        """Names of the bank's speakers, with the keyed hash that rows carry (`IndexRow.speaker`)."""

    def matching(self, where: Mapping[str, Any]) -> list[int]:
        """Seqs of memories whose metadata hold every key of `where` with an equal value, or with one of a list."""

    def position(self, label: str | None) -> Position | None:
        """The last turn of the session called `label`, or of the bank where it is None."""

    def labelled(self, session: str, newest: int | None = None) -> list[int]:
        """Seqs of memories that name this session, in order; or its newest turns, the forgotten ones aside."""

    def turns_of(self, session: int, after: int = 0) -> list[int]:
        """Seqs of a session's turns above the seq `after`, in order."""

    def visible_turns(self, session: int) -> TurnBatch:
        """A session's turns without those that were forgotten, or in whose place others came."""

    def derived_from(self, seqs: Sequence[int]) -> list[int]:
        """Seqs of memories that rest on any of these, directly or through others."""

    def page(self, options: PageOptions) -> list[Memory]:
        """The memories of a page, in its order."""

    def rows_of_sessions(self, sessions: Sequence[int]) -> list[IndexRow]:
        """Rows of all turns of these sessions, by their numbers, in order of seq; without sources."""

    def sessions_of(self, seqs: Sequence[int]) -> list[int]:
        """Numbers of the sessions that these memories lie in."""

    def echoes(self, seqs: Sequence[int]) -> list[int]:
        """Seqs of the echoes of any of these."""

    def entries(self, seqs: Sequence[int]) -> dict[int, IndexEntry]:
        """Whole index entries, by seq."""

    def read_ahead(self, *reads: "Callable[[BankView], object]", trips: int = 1) -> None:
        """Read together what these functions read first, where that saves round trips to a server; nothing elsewhere.

        With more `trips`, what each reads next, too. The functions are called several times, and read alone.
        """

    def read_last(self, read: "Callable[[BankView], T]") -> T:
        """Value of the last read of this view: nothing is read through it afterwards."""

    def read_ahead_since(self, since: int) -> None:
        """The same for what an index reads to be brought up from a change number; from 0 on it is built."""

    def erased_since(self, since: int) -> list[list[int]]:
        """Seqs erased after the change number `since`, a list for each erasure."""

    def states_at(self, moment: datetime) -> dict[int, PastState]:
        """For memories whose state changed after a moment: their state at that moment, by seq."""

    def outline(self) -> ExportedBank:
        """The bank without its memories."""

    def exported(self, seqs: Sequence[int]) -> list[ExportedMemory]:
        """Memories with everything that is known of them, in order of seq."""

    def history(self, id: str) -> list[HistoryEntry]:
        """Every change of a memory, oldest first."""

    def last_saliences(self, limit: int) -> list[float]:
        """Saliences of the bank's last `limit` turns, in order, without those that have none."""

    def superseded_by_any(self, seqs: Sequence[int]) -> list[int]:
        """Seqs of memories that any of these superseded or took up in a merge."""

    def exchanges(self, *, due_at: datetime | None = None, numbers: Sequence[int] | None = None) -> list[Exchange]:
        """The thinking queue, oldest first; those of it with these numbers, or that may be tried by `due_at`."""
