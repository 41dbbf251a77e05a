"""Every seam of memkit, in one place: what can be replaced, and what it must then do."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from memkit.batches import PassageBatch, QuantisedBatch, RowBatch, SketchBatch, TermBatch
from memkit.models import (
    BankState,
    CountedSegment,
    ErasureReceipt,
    Exchange,
    HistoryEntry,
    IndexEntry,
    IndexRow,
    Kind,
    Memory,
    PastState,
    Receipt,
    Usage,
)
from memkit.operations import Operation, Proposal

FloatArray = npt.NDArray[np.float32]
BankName = tuple[str, ...]


@runtime_checkable
class Encoder(Protocol):
    """Text to vectors. `name` identifies the vectors: another name never shares a file."""

    @property
    def name(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension)."""
        ...


class Token(NamedTuple):
    """A token of a text: its span in characters and its surprisal, -ln P, in nats."""

    start: int
    end: int
    surprisal: float


@runtime_checkable
class SurprisalModel(Protocol):
    """How unexpected each token of a text is, given what came before (SirLLM, arXiv 2405.12528).

    A bank's model is asked by one thread at a time; one that several banks share has to be thread-safe.
    """

    def score(self, text: str) -> list[Token]:
        """Tokens in order, each with -ln P(token | what came before), in nats; does not learn.

        Raises SurprisalError where it can't tell, SurprisalUnavailableError where it can't be asked at all: the
        turn is then stored without salience.
        """
        ...

    def learn(self, text: str) -> None:
        """Adapt to a text that was read."""
        ...


class Task(NamedTuple):
    """What a thinker is asked about: an exchange's turns, and the thoughts that lie near it, the nearest first.

    `corrected`: what the user's own corrections among those thoughts replaced.
    """

    turns: Sequence[Memory]
    thoughts: Sequence[Memory]
    zone: str
    now: datetime
    corrected: Sequence[Memory] = ()


@runtime_checkable
class Thinker(Protocol):
    """Post-thinking (TiM, arXiv 2311.08719): an exchange and the thoughts near it to proposals."""

    @property
    def name(self) -> str: ...
    def think(self, task: Task) -> list[Proposal]:
        """Raises ThinkerError where it can't; the exchange then stays queued."""
        ...


@runtime_checkable
class TellsHeads(Protocol):
    """A thinker that can say beforehand whom an exchange tells of, so that what is known of them is at hand."""

    def names(self, turns: Sequence[Memory]) -> Sequence[str]:
        """Names in the turns: thoughts whose metadata say "called" one of them are put at hand first."""
        ...

    def heads(self, task: Task) -> Sequence[str]:
        """Head entities of the thoughts that the turns may lead to; the task holds those about the speakers."""
        ...


@runtime_checkable
class ModelThinker(Thinker, Protocol):
    """A thinker that asks a model: what it asks is counted in `usage`, and can be awaited."""

    def ask(self, task: Task, usage: Usage) -> list[Proposal]:
        """As `think`; counts what was asked, also where it then raises."""
        ...

    async def aask(self, task: Task, usage: Usage) -> list[Proposal]:
        """The same, awaiting the model."""
        ...


class VectorSource(Protocol):
    """Where stored vectors are read from; see `BankView`."""

    def vectors(self, seqs: Sequence[int]) -> FloatArray: ...
    def quantised(self, seqs: Sequence[int], dimension: int) -> tuple[QuantisedBatch, QuantisedBatch]: ...
    def with_passages(self, seqs: Sequence[int]) -> tuple[FloatArray, PassageBatch]: ...


class Position(NamedTuple):
    """The last turn of a session: where the next one may join."""

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


class BankView(Protocol):
    """One bank, read in one consistent snapshot. All ids and seqs are this bank's own.

    Unknown ids and seqs are simply absent from what a method gives back.
    """

    @property
    def state(self) -> BankState: ...
    def locate(self, ids: Sequence[str]) -> dict[str, int]:
        """Seqs of memories by id (a caller's own id, or the UUIDv7)."""
        ...

    def memories(self, seqs: Sequence[int]) -> dict[int, Memory]:
        """Whole records, by seq."""
        ...

    def later(self, seqs: Sequence[int]) -> Callable[[], dict[int, Memory]]:
        """The same for what may never be asked for: read now, made when it is called, if it is."""
        ...

    def rows(self, since: int = 0) -> Iterator[IndexRow]:
        """Rows added or changed after the change number `since`, in order of seq."""
        ...

    def row_batches(self, since: int = 0) -> Iterator[RowBatch]:
        """The same rows as arrays."""
        ...

    def sketches(self, since: int = 0) -> Iterator[SketchBatch]:
        """Sketches written after the change number `since`."""
        ...

    def terms(self, since: int = 0) -> Iterator[TermBatch]:
        """Lexical terms written after the change number `since`."""
        ...

    def vectors(self, seqs: Sequence[int]) -> FloatArray:
        """Stored vectors as float32 (n, dimension), in the order of `seqs`; zeros where none is."""
        ...

    def quantised(self, seqs: Sequence[int], dimension: int) -> tuple[QuantisedBatch, QuantisedBatch]:
        """The stored vectors of those seqs that have one of this dimension, and those of their passages."""
        ...

    def with_passages(self, seqs: Sequence[int]) -> tuple[FloatArray, PassageBatch]:
        """Stored vectors, and those of the passages of the texts that are long enough to have any."""
        ...

    def unencoded(self, limit: int) -> list[Memory]:
        """Memories whose vector is wanted and still missing, oldest first."""
        ...

    def same_text(self, keys: Sequence[int]) -> dict[int, str]:
        """For each text key that occurs, the id of the oldest active memory with it that is no echo."""
        ...

    def near(self, bands: Sequence[int], kinds: Sequence[Kind]) -> list[Memory]:
        """Active memories that share a MinHash band key."""
        ...

    def in_group(self, group: int, kinds: Sequence[Kind], limit: int) -> list[Memory]:
        """Active memories with TiM's hash group `group`, newest first."""
        ...

    def about(self, head: str, kinds: Sequence[Kind], limit: int) -> list[Memory]:
        """Active memories with the head entity `head` (casefolded), newest first."""
        ...

    def speakers(self) -> dict[str, int]:
        """Names of the bank's speakers, with the keyed hash that rows carry (`IndexRow.speaker`)."""
        ...

    def matching(self, where: Mapping[str, Any]) -> list[int]:
        """Seqs of memories whose metadata hold every key of `where` with an equal value.

        A list as value means: equal to any of its members.
        """
        ...

    def position(self, label: str | None) -> Position | None:
        """The last turn of the session called `label`, or of the bank where it is None."""
        ...

    def turns_of(self, session: int, after: int = 0) -> list[int]:
        """Seqs of a session's turns above the seq `after`, in order."""
        ...

    def derived_from(self, seqs: Sequence[int]) -> list[int]:
        """Seqs of memories that rest on any of these, directly or through others."""
        ...

    def page(self, kinds: Sequence[Kind] | None, after: str | None, limit: int, states: Sequence[str]) -> list[Memory]:
        """Memories in order of recording, after the id `after`."""
        ...

    def rows_of_sessions(self, sessions: Sequence[int]) -> list[IndexRow]:
        """Rows of all turns of these sessions, by their numbers, in order of seq; without sources."""
        ...

    def sessions_of(self, seqs: Sequence[int]) -> list[int]:
        """Numbers of the sessions that these memories lie in."""
        ...

    def closed_by(self, seqs: Sequence[int]) -> list[int]:
        """Seqs of what any of these superseded or merged."""
        ...

    def echoes(self, seqs: Sequence[int]) -> list[int]:
        """Seqs of the echoes of any of these."""
        ...

    def entries(self, seqs: Sequence[int]) -> dict[int, IndexEntry]:
        """Whole traces, by seq."""
        ...

    def gone(self, since: int) -> list[list[int]]:
        """Seqs that were erased after the change number `since`, a list for each erasure."""
        ...

    def states_at(self, moment: datetime) -> dict[int, PastState]:
        """For memories whose state changed after a moment: their state at that moment, by seq."""
        ...

    def history(self, id: str) -> list[HistoryEntry]:
        """Every change of a memory, oldest first."""
        ...

    def segments(self) -> list[CountedSegment]:
        """What is kept of the bank's surprisal model, in order of number."""
        ...

    def replaced_by(self, seqs: Sequence[int]) -> list[int]:
        """Seqs of memories that any of these superseded or took up in a merge."""
        ...

    def exchanges(self, *, due_at: datetime | None = None, numbers: Sequence[int] | None = None) -> list[Exchange]:
        """The thinking queue, oldest first, or those of it with these numbers.

        With `due_at`, only what may be tried by then.
        """
        ...


class Reflection(NamedTuple):
    """What is to be summed up: a day, a week, a month ("2024-03-09", "2024-W10", "2024-03"), or a portrait.

    `lines`: what was said then, or the summaries of its parts; of a portrait, what is known of the people.
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
        """The text. Raises ThinkerError where it can't: then the extractive summary is taken."""
        ...


@runtime_checkable
class CountedReflector(Reflector, Protocol):
    """A reflector that asks a model: what it asks is counted in `usage`, and held to the day's budgets."""

    def write(self, task: Reflection, usage: Usage) -> str:
        """As `reflect`; counts what was asked, also where it then raises."""
        ...


Decision = Callable[[BankView], Sequence[Operation]]


class Storage(Protocol):
    """Where banks live. Every call is one transaction of its own; safe to use from several threads."""

    def open_bank(self, name: BankName, *, zone: str | None = None) -> BankState:
        """The bank of this name, made if it isn't there. `zone` is an IANA name, kept with it."""
        ...

    def find_bank(self, name: BankName) -> BankState | None:
        """The bank of this name, if it is there; writes nothing."""
        ...

    def banks(self, prefix: BankName = ()) -> list[BankState]:
        """Banks whose name starts with these parts, in order of name."""
        ...

    def apply(self, bank: int, decide: Sequence[Operation] | Decision, *, at: datetime) -> Receipt:
        """Do operations in one transaction, all or none; the only way to change a bank.

        `decide` may be a function: it is called inside the transaction with a view of the bank as it
        is then, and may be called again where the transaction had to be retried.
        """
        ...

    def view(self, bank: int) -> AbstractContextManager[BankView]:
        """A consistent snapshot for reading; don't keep it open over slow work."""
        ...

    def drop_bank(
        self, bank: int, *, at: datetime, requested_by: str | None = None, fingerprints: Sequence[bytes] = ()
    ) -> ErasureReceipt | None:
        """Erase a bank and everything in it; None where it isn't there. `fingerprints`: see `Erase`."""
        ...

    def receipts(self, after: int = 0) -> list[ErasureReceipt]:
        """Receipts of all erasures, those with greater numbers than `after`, in order."""
        ...

    def receipt(self, bank: int, change: int) -> ErasureReceipt | None:
        """The receipt of the erasure that led a bank to a change number."""
        ...

    def fingerprinted(self, macs: Sequence[bytes]) -> set[bytes]:
        """Which of these keyed digests belong to erased texts."""
        ...

    def get_meta(self, key: str) -> str | None: ...
    def set_meta(self, values: dict[str, str]) -> None: ...
    def lease(self, bank: int, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew the right to maintain a bank; False while somebody else holds it."""
        ...

    def release(self, bank: int, owner: str) -> None: ...
    def audit(self, *, repair: bool = False) -> list[str]:
        """Problems of the stored data, in words without memory text; repaired on request."""
        ...

    def sizes(self, bank: int | None = None) -> dict[str, int]:
        """Bytes by part: text, vectors, sketches, terms, history, free, total."""
        ...

    def scan(self, needles: Iterable[bytes]) -> list[str]:
        """Names of the database's files that hold any of these byte strings."""
        ...

    def purge(self, *, thorough: bool = True, wait: float = 0.0) -> bool:
        """Push erased bytes out of the log and the free pages, and look whether any is left in the files.

        False if readers were in the way; and, where it needn't be `thorough`, in a file that is too large to be
        searched while somebody waits. For `wait` seconds it lets readers finish. Receipts that it made clean are no
        longer pending.
        """
        ...

    def backup(self, path: str) -> None: ...
    def close(self) -> None: ...
