"""Protocols of everything that can be replaced: encoder, surprisal model, thinker, reflector, storage."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from memkit.batches import PassageBatch, QuantisedBatch, RowBatch, SketchBatch, TermBatch, TurnBatch
from memkit.exported import ExportedBank, ExportedMemory
from memkit.models import (
    BankState,
    ErasureReceipt,
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
    Receipt,
)
from memkit.operations import Proposal, Step, Usage

FloatArray = npt.NDArray[np.float32]
BankName = tuple[str, ...]
Span = tuple[datetime | None, datetime | None]  # from, until; None: open


@runtime_checkable
class Encoder(Protocol):
    """Encoder of texts as vectors. `name` identifies the vectors: a file holds those of one name."""

    @property
    def name(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension)."""


@runtime_checkable
class LoadsAhead(Protocol):
    """An encoder that can be loaded before its first text; loading is no part of the time that its texts may take."""

    def load(self) -> None:
        """Load what `encode` needs; harmless to repeat, and from several threads. `encode` works without it, too."""


class Token(NamedTuple):
    """A token of a text: its span in characters and its surprisal, -ln P, in nats."""

    start: int
    end: int
    surprisal: float


@runtime_checkable
class SurprisalModel(Protocol):
    """Surprisal of each token of a text, given the text before it (SirLLM, arXiv 2405.12528).

    A bank's model is asked by one thread at a time; a model that several banks share has to be thread-safe.
    """

    def score(self, text: str) -> list[Token]:
        """Tokens in order, each with -ln P(token | tokens before it), in nats; does not learn.

        Raises SurprisalError where this text can't be scored, SurprisalUnavailableError where none can.
        """

    def learn(self, text: str) -> None:
        """Adapt to a text."""


class Task(NamedTuple):
    """A thinker's task: the turns of an exchange, and the thoughts nearest to it, the nearest first.

    `corrected`: memories that the user's own corrections among those thoughts replaced.
    """

    turns: Sequence[Memory]
    thoughts: Sequence[Memory]
    zone: str
    now: datetime
    corrected: Sequence[Memory] = ()


@runtime_checkable
class Thinker(Protocol):
    """Post-thinking (TiM, arXiv 2311.08719): proposals for an exchange and the thoughts near it."""

    @property
    def name(self) -> str: ...
    def think(self, task: Task) -> list[Proposal]:
        """Proposals for the task. Raises ThinkerError; the exchange then stays queued."""


@runtime_checkable
class TellsHeads(Protocol):
    """A thinker that can name beforehand whom an exchange is about, so that its task holds the thoughts about them."""

    def names(self, turns: Sequence[Memory]) -> Sequence[str]:
        """Names in the turns; thoughts whose metadata say "called" one of them come first in the task."""

    def heads(self, task: Task) -> Sequence[str]:
        """Head entities of the thoughts that the turns may lead to; the given task holds those about the speakers."""


@runtime_checkable
class ModelThinker(Thinker, Protocol):
    """A thinker that asks a model: its requests are counted in `usage`, and can be awaited."""

    def ask(self, task: Task, usage: Usage) -> list[Proposal]:
        """The same as `think`; counts its requests, also where it then raises."""

    async def aask(self, task: Task, usage: Usage) -> list[Proposal]:
        """The same as `ask`, awaiting the model."""


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


class Reflection(NamedTuple):
    """A reflector's task: a summary of a day, a week, a month ("2024-03-09", "2024-W10", "2024-03"), or a portrait.

    `lines`: what was said then, or the summaries of its parts; for a portrait, thoughts about the people.
    """

    level: str
    period: str
    lines: Sequence[str]


@runtime_checkable
class Reflector(Protocol):
    """Writes summaries and portraits (MemoryBank, arXiv 2305.10250). A Thinker may be one, too."""

    @property
    def name(self) -> str: ...
    def reflect(self, task: Reflection) -> str:
        """The text. Raises ThinkerError; the extractive summary is then taken."""


@runtime_checkable
class CountedReflector(Reflector, Protocol):
    """A reflector that asks a model: its requests are counted in `usage`, and limited by the day's budgets."""

    def write(self, task: Reflection, usage: Usage) -> str:
        """The same as `reflect`; counts its requests, also where it then raises."""


Decision = Callable[[BankView], Sequence[Step]]


class Storage(Protocol):
    """Storage of banks. Every call is one transaction of its own; safe to use from several threads."""

    def open_bank(self, name: BankName, *, zone: str | None = None) -> BankState:
        """The bank of this name, created if it isn't there. `zone` is an IANA name, stored with it."""

    def find_bank(self, name: BankName) -> BankState | None:
        """The bank of this name, if it is there; writes nothing."""

    def banks(self, prefix: BankName = (), *, items_at: datetime | None = None) -> list[BankState]:
        """Banks whose name starts so, in order, not published ones only if asked for; those that hold items then."""

    def apply(self, bank: int | BankName, decide: Sequence[Step] | Decision, *, at: datetime) -> Receipt:
        """Apply operations in one transaction, all or none; the only way to change a bank. Raises BankGoneError.

        `decide` may be a function: it is called inside the transaction with a view of the bank, again where that had to
        be retried. An outcome among the operations stands for an input that changes nothing; the receipt holds it.
        """

    def view(self, bank: int | BankName) -> AbstractContextManager[BankView]:
        """A consistent snapshot for reading; don't hold it open during slow work. Raises BankGoneError."""

    def unencoded_banks(self) -> list[BankState]:
        """Banks that hold memories whose vector is wanted and still missing, in order of name."""

    def drop_bank(
        self, bank: int, *, at: datetime, requested_by: str | None = None, fingerprints: Sequence[bytes] = ()
    ) -> ErasureReceipt | None:
        """Erase a bank and everything in it; None where it isn't there. `fingerprints`: see `Erase`."""

    def discard(self, bank: int) -> None:
        """Take away a bank that was not published, without a receipt."""

    def publish(
        self, bank: int, exported: ExportedBank, receipts: Sequence[ErasureReceipt], fingerprints: Sequence[bytes]
    ) -> BankState:
        """Make a bank that was loaded the one that the export names, with its counters, receipts and fingerprints.

        An untouched bank of that name gives way; receipts of that name that are here already go first. Raises
        ConflictError where there is a bank that was written to.
        """

    def receipts(self, after: int = 0) -> list[ErasureReceipt]:
        """Receipts of all erasures in order of time, those with greater numbers than `after` in their banks."""

    def receipt(self, bank: int, change: int) -> ErasureReceipt | None:
        """The receipt of the erasure that led a bank to a change number."""

    def fingerprinted(self, bank: int, macs: Sequence[bytes]) -> set[bytes]:
        """Those of these keyed digests that belong to texts erased from a bank, or from an earlier one of its name."""

    def fingerprints(self, name: BankName) -> list[bytes]:
        """All keyed digests of texts erased from the banks of this name."""

    def get_meta(self, key: str) -> str | None: ...
    def set_meta(self, values: dict[str, str]) -> None: ...
    def lease(self, bank: int, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew the right to maintain a bank; False while another owner holds it."""

    def release(self, bank: int, owner: str) -> None: ...
    def audit(self, *, repair: bool = False) -> list[str]:
        """Problems of the stored data, in words without memory text; repaired on request."""

    def sizes(self, bank: int | None = None) -> dict[str, int]:
        """Bytes by part: text, vectors, sketches, terms, history, free, total."""

    def purge(self, *, thorough: bool = True, wait: float = 0.0) -> bool:
        """Drive erased bytes out of the log and the free pages, and check that none is left in the files.

        False if readers were in the way; and, unless `thorough`, in a file that is too large to be searched while
        somebody waits. For `wait` seconds it lets readers finish. Receipts whose bytes are gone stop pending.
        """

    def backup(self, path: str) -> None: ...
    def close(self) -> None: ...
