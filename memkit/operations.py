"""Operations: every change of a bank as a value, carried out by `storage.apply` alone."""

from dataclasses import dataclass, field
from datetime import datetime

from memkit.exported import ExportedMemory
from memkit.models import Author, Exchange, IndexEntry, Memory, Outcome, Placement


@dataclass(frozen=True, slots=True)
class Insert:
    """Store a new memory with its index entry, at its place in the flow."""

    memory: Memory
    entry: IndexEntry
    placement: Placement | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """Store an item's memory in the place of its earlier value, of which nothing is kept but when it was made."""

    memory: Memory
    entry: IndexEntry


@dataclass(frozen=True, slots=True)
class Discard:
    """Remove items that are there, without a receipt of erasure: values that were deleted, or whose time was over.

    `due_by`: of these only what has expired by then.
    """

    ids: tuple[str, ...]
    due_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expect:
    """Do what comes beside it only where an item is as it was read: last put at `updated_at`, None for not there."""

    id: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Extend:
    """Let an item live until another moment."""

    id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Merge:
    """Store `memory` in place of `ids`: they keep their history and point at it; sources are united."""

    ids: tuple[str, ...]
    memory: Memory
    entry: IndexEntry


@dataclass(frozen=True, slots=True)
class Supersede:
    """Store `memory` unless it is there, then close `id` (`valid_until`) and point it at `memory`; `others`, too.

    A turn in whose place another turn comes is forgotten: it was taken back, and never held.
    """

    id: str
    memory: Memory
    entry: IndexEntry
    reason: str | None = None
    placement: Placement | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Precede:
    """Store `memory` as what held before `by` began: closed then (`valid_until`), and pointing at it.

    `after`: what held before `memory`, which ends where that begins. A `by` without a beginning gets the moment at
    which it was said, since before that something else held.
    """

    by: str
    memory: Memory
    entry: IndexEntry
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """Keep a memory from fading (or no longer)."""

    id: str
    pinned: bool = True


@dataclass(frozen=True, slots=True)
class Forget:
    """Take a memory out of recall; its history stays. `archived` marks what the curve let go.

    `asked_in`: the turn in which a person asked for it.
    """

    id: str
    reason: str
    author: Author = "user"
    archived: bool = False
    asked_in: str | None = None


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring a forgotten or archived memory back into recall."""

    id: str


@dataclass(frozen=True, slots=True)
class Revert:
    """Bring a memory back to its state before these changes; one that they `added` is forgotten."""

    id: str
    changes: frozenset[int]
    added: bool = False


@dataclass(frozen=True, slots=True)
class Reinforce:
    """Strengthen a memory that was recalled: S grows by `growth`, t starts again at `at`.

    Commutative and outside history: growth is added, the latest `at` counts.
    """

    id: str
    at: datetime
    growth: float
    recalls: int = 1


@dataclass(frozen=True, slots=True)
class Erase:
    """Remove memories for good, with their index entries and histories; derived ones must be named, too.

    The first `chosen` of the ids were asked for, the others rest on them; without it, all were asked for.
    Memories that they superseded or merged become as they were before, or as a later change left them. The receipt
    names the memories that are `remade` in the same apply. `fingerprints`: keyed digests of the texts, to recognise
    them when they are brought in again.
    """

    ids: tuple[str, ...]
    chosen: int | None = None
    remade: tuple[str, ...] = ()
    requested_by: str | None = None
    fingerprints: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Remake:
    """Replace the contents of a derived memory, which are erased; its id, its place and its numbers stay."""

    memory: Memory
    entry: IndexEntry


@dataclass(frozen=True, slots=True)
class Rename:
    """Put a person's new name into a memory: its speaker, its head, what was written about them; all else stays.

    Its outcome is that of its index entry, which is made again.
    """

    memory: Memory
    entry: IndexEntry


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Rewrite what memkit itself derived from a memory; None leaves a part as it is.

    `entry`: its index entry. `placement` and `session`: its place in the flow, and the label of its session. An
    outcome only where there is an `entry`.
    """

    id: str
    entry: IndexEntry | None = None
    placement: Placement | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Cite:
    """Add sources to a thinker's thought that these memories say again.

    A thought written by hand rests on nothing and stays so. Skipped in the receipt: nothing new was stored.
    """

    id: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Put turns into the exchange `number` of the thinking queue (None: a new one); no outcome."""

    session: int
    turn_ids: tuple[str, ...]
    closed: bool
    at: datetime
    number: int | None = None


@dataclass(frozen=True, slots=True)
class CloseExchange:
    """Declare a waiting exchange complete; no outcome."""

    number: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim an exchange until a moment, or (None) release it; no outcome.

    A claim that was never released counts as an attempt when the exchange is claimed again.
    """

    number: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Settle:
    """Take an exchange out of the queue, once it was thought about; no outcome."""

    number: int


@dataclass(frozen=True, slots=True)
class Postpone:
    """Leave an exchange in the queue after a failure, until a moment; no outcome."""

    number: int
    error: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Adopt:
    """Store an exported memory under its own number, with its history, in a bank that is still being loaded.

    Its links to greater numbers wait for `Relink`. `change`: the change number that the bank has in the export.
    """

    memory: ExportedMemory
    entry: IndexEntry
    change: int

    @property
    def ids(self) -> tuple[str | None, ...]:
        """Ids under which it will be known."""
        return self.memory.content.id, self.memory.uuid


@dataclass(frozen=True, slots=True)
class Relink:
    """Point an adopted memory at all that the exported one points at; no outcome."""

    memory: ExportedMemory
    change: int


@dataclass(frozen=True, slots=True)
class Requeue:
    """Put an exported exchange into the thinking queue, under its own number; no outcome."""

    exchange: Exchange
    change: int

    @property
    def turn_ids(self) -> tuple[str, ...]:
        """Ids of its turns."""
        return self.exchange.turn_ids


@dataclass(frozen=True, slots=True)
class SetZone:
    """Give the bank another IANA time zone, which says where its days begin; no outcome."""

    zone: str


Operation = (
    Insert
    | Put
    | Discard
    | Expect
    | Extend
    | Merge
    | Supersede
    | Precede
    | Pin
    | Forget
    | Restore
    | Revert
    | Reinforce
    | Erase
    | Remake
    | Rename
    | Rewrite
    | Cite
    | Enqueue
    | CloseExchange
    | Claim
    | Settle
    | Postpone
    | Adopt
    | Relink
    | Requeue
    | SetZone
)
Step = Operation | Outcome  # an outcome stands for an input that changes nothing: it goes into the receipt as it is


def targets(step: Step) -> tuple[str, ...]:
    """Ids of the thoughts that a thinker's operation takes out of recall."""
    if isinstance(step, Merge):
        return step.ids
    return (step.id,) if isinstance(step, Supersede | Forget) else ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that a thinker proposes for a bank's thoughts; `think/revise.py` checks it first.

    action "insert": `text` with head, relation, tail; "merge": `ids` become `text`; "supersede":
    `ids[0]` gives way to `text`; "forget": `ids` go, because of `reason`; "cite": `ids[0]` was said again.
    `source_ids`: the turns that it rests on. `speaker`: who said it.
    """

    action: str
    text: str = ""
    head: str | None = None
    relation: str | None = None
    tail: str | None = None
    ids: tuple[str, ...] = ()
    source_ids: tuple[str, ...] = ()
    speaker: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    reason: str | None = None
    extra: dict[str, str] = field(default_factory=dict)


@dataclass
class Usage:
    """Usage of a model: first calls, calls to repair an answer, calls after a failure; tokens."""

    calls: int = 0
    repairs: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0

    @property
    def total_calls(self) -> int:
        """All calls."""
        return self.calls + self.repairs + self.retries

    @property
    def tokens(self) -> int:
        """Tokens of prompts and answers."""
        return self.prompt_tokens + self.answer_tokens

    def add(self, other: "Usage") -> None:
        """Count what another one counted."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
