"""Operations: every change of a bank as a value. `storage.apply` is the only thing that does them."""

from dataclasses import dataclass, field
from datetime import datetime

from memkit.errors import MemkitError
from memkit.models import Author, CountedSegment, IndexEntry, Memory, Placement


@dataclass(frozen=True, slots=True)
class Insert:
    """Store a new memory, with everything that the indexes keep of it, at its place in the flow."""

    memory: Memory
    entry: IndexEntry
    placement: Placement | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """Store `memory` in place of `ids`: they keep their history and point at it; sources are united."""

    ids: tuple[str, ...]
    memory: Memory
    entry: IndexEntry


@dataclass(frozen=True, slots=True)
class Supersede:
    """Store `memory` unless it is there, then close `id` (`valid_until`) and point it at what replaced it."""

    id: str
    memory: Memory
    entry: IndexEntry
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """Keep a memory from fading (or no longer)."""

    id: str
    pinned: bool = True


@dataclass(frozen=True, slots=True)
class Forget:
    """Take a memory out of recall; its history stays. `archived` marks what the curve let go."""

    id: str
    reason: str
    author: Author = "user"
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring a forgotten or archived memory back into recall."""

    id: str


@dataclass(frozen=True, slots=True)
class Revert:
    """Bring a memory back to how it was before these changes; one that they `added` is forgotten."""

    id: str
    changes: frozenset[int]
    added: bool = False


@dataclass(frozen=True, slots=True)
class Reinforce:
    """Note that a memory was used: S becomes `strength` growth's next value, t starts again at `at`.

    Commutative and outside history: `strength` is added, `at` is taken where it is later.
    """

    id: str
    at: datetime
    growth: float
    recalls: int = 1


@dataclass(frozen=True, slots=True)
class Erase:
    """Remove memories for good, with every trace of them; derived ones must be named, too.

    The first `chosen` of the ids were asked for, the others rest on them; without it, all were asked for.
    What they superseded or merged is as it was before, or as what came after them left it. The receipt
    names what is `remade` in the same apply. `fingerprints`: keyed digests by which the texts are known when
    they are brought in again.
    """

    ids: tuple[str, ...]
    chosen: int | None = None
    remade: tuple[str, ...] = ()
    requested_by: str | None = None
    fingerprints: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Remake:
    """Put other contents in the place of a derived memory's, which are erased: its id and its place stay."""

    memory: Memory
    entry: IndexEntry


@dataclass(frozen=True, slots=True)
class Place:
    """Give a turn another place in the flow, and its session another label where one is given; no outcome."""

    id: str
    placement: Placement
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Weigh:
    """Give a turn another salience and other key phrases; no outcome."""

    id: str
    salience: float | None
    key_phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reindex:
    """Give a memory the trace that it still lacked, or a new one."""

    id: str
    entry: IndexEntry


@dataclass(frozen=True, slots=True)
class Skip:
    """Do nothing; say why in the receipt."""

    id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Cite:
    """Note that these memories say the same as a thought that a thinker made: it rests on them, too.

    A thought by hand rests on nothing and stays so. Skipped in the receipt: nothing new was stored.
    """

    id: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse one input; the rest of its batch goes through."""

    error: MemkitError
    id: str | None = None


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
class Learn:
    """Keep these segments of the bank's surprisal model, and drop those with numbers below `oldest`; no outcome."""

    segments: tuple[CountedSegment, ...]
    oldest: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Keep an exchange for oneself until then, or (None) no longer; no outcome.

    A claim that never ended counts as an attempt when the exchange is claimed again.
    """

    number: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Settle:
    """Take an exchange out of the queue: it was thought about; no outcome."""

    number: int


@dataclass(frozen=True, slots=True)
class Postpone:
    """Leave an exchange in the queue after a failure, not to be tried before `until`; no outcome."""

    number: int
    error: str
    until: datetime


Operation = (
    Insert
    | Merge
    | Supersede
    | Pin
    | Forget
    | Restore
    | Revert
    | Reinforce
    | Erase
    | Remake
    | Place
    | Weigh
    | Reindex
    | Skip
    | Cite
    | Reject
    | Enqueue
    | CloseExchange
    | Learn
    | Claim
    | Settle
    | Postpone
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a thinker wants done with a bank's thoughts; `think/revise.py` checks it first.

    action "insert": `text` with head, relation, tail; "merge": `ids` become `text`; "supersede":
    `ids[0]` gives way to `text`; "forget": `ids` go, because of `reason`; "cite": `ids[0]` was said again.
    `source_ids` name the turns that it rests on; `speaker` who said it.
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
