"""Erasure, planned: what goes, what rests on it, and which bytes must be nowhere afterwards."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import PrivateAttr

from memkit.errors import InputError, UnknownMemoryError
from memkit.identifiers import bank_path
from memkit.models import FrozenModel, Kind, Memory
from memkit.protocols import BankView
from memkit.text.terms.keys import date_terms
from memkit.text.terms.tokens import words

WINDOW_BYTES = 16  # bytes: what is shorter occurs by chance, what is longer holds one of these
WHOLLY_DERIVED_KINDS: tuple[Kind, ...] = ("summary", "portrait", "item")  # of which nothing is made again
MIN_NEEDLE_BYTES = 8  # bytes: a shorter text's bytes occur by chance


class PlannedMemory(FrozenModel):
    """One memory that an erasure touches. `remade`: it stays, made again from its other sources."""

    id: str
    kind: Kind
    why: Literal["chosen", "derived"]
    remade: bool = False

    def line(self, memory: Memory) -> str:
        """A line that says what it is, whose, of when, and its text."""
        who = f" of {memory.speaker}" if memory.speaker else ""
        again = " (made again)" if self.remade else ""
        return f"- {self.kind}{who}, {memory.occurred_at:%Y-%m-%d}{again}: {' '.join(memory.text.split())}"


ReadMemories = Callable[[Sequence[str]], Mapping[str, Memory]]


@dataclass(frozen=True)
class TextSource:
    """Source of the texts of a plan's memories. Plans that differ only in it are equal; pickled, it is left behind."""

    read: ReadMemories | None = field(default=None, compare=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return TextSource, ()


class ErasePlan(FrozenModel):
    """Effect that an erasure would have on a bank, as it was at one change number; holds no text.

    What is derived goes with what it rests on, unless all that it says stands in sources that stay. Summaries and
    portraits always go: the next reflection writes them again from what is left. So do items, and what they belong to.
    """

    bank: tuple[str, ...]
    change: int
    rows: tuple[PlannedMemory, ...]
    _texts: TextSource = PrivateAttr(default_factory=lambda: TextSource())

    def reading(self, read: ReadMemories) -> Self:
        """The same plan, which can be described."""
        plan = self.model_copy()
        plan._texts = TextSource(read)
        return plan

    def describe(self) -> str:
        """The plan with the texts of what it touches, one line each, read from the bank now. Raises InputError.

        What is gone meanwhile has no line.
        """
        if self._texts.read is None:
            raise InputError(
                "describe: this plan came without its bank. Make it again with bank.plan_erase(ids=plan.chosen)."
            )
        memories = self._texts.read([row.id for row in self.rows])
        rows = [row for row in self.rows if row.id in memories]
        return "\n".join([str(self), *(row.line(memories[row.id]) for row in rows)])

    @property
    def ids(self) -> tuple[str, ...]:
        """Everything that goes: the chosen ones in order, then the derived ones."""
        return tuple(row.id for row in self.rows if not row.remade)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Ids that were asked for."""
        return tuple(row.id for row in self.rows if row.why == "chosen")

    @property
    def derived(self) -> tuple[str, ...]:
        """Ids that go because they rest on the chosen ones."""
        return tuple(row.id for row in self.rows if row.why == "derived" and not row.remade)

    @property
    def remade(self) -> tuple[str, ...]:
        """Ids of derived memories that are made again from their other sources."""
        return tuple(row.id for row in self.rows if row.remade)

    @property
    def counts(self) -> dict[str, int]:
        """Number of memories that go, by kind."""
        return dict(sorted(Counter(row.kind for row in self.rows if not row.remade).items()))

    def stale(self, change: int) -> bool:
        """True where the bank is no longer at the change number that was planned for."""
        return change != self.change

    def __str__(self) -> str:
        """The plan in a sentence or two, without any text of the memories."""
        what = ", ".join(f"{count} {plural(kind, count)}" for kind, count in self.counts.items())
        parts = [f"Erase from {bank_path(self.bank)}: {what or 'nothing'}."]
        if self.derived:
            parts.append(f"{len(self.derived)} of them because they rest on what was chosen.")
        if self.remade:
            parts.append(f"{len(self.remade)} made again from what stays.")
        return " ".join(parts)


def plural(kind: str, count: int) -> str:
    """A kind's name for a number of memories."""
    if count == 1:
        return kind
    return "summaries" if kind == "summary" else f"{kind}s"


def plan(chosen: Sequence[str], view: BankView) -> ErasePlan:
    """Follow what was derived from the chosen memories. Raises UnknownMemoryError for ids not in the bank."""
    seqs = view.locate(chosen)
    missing = sum(name not in seqs for name in chosen)
    if missing:
        raise UnknownMemoryError(
            f"erase: {missing} of {len(chosen)} ids are in no memory of this bank. "
            "Ids hold within one bank; it may be gone already."
        )
    first = _with_partners(view, list(dict.fromkeys(seqs[name] for name in chosen)))
    rest = sorted(set(view.derived_from(first)) - set(first))
    memories_by_seq = view.memories([*first, *rest])
    fates = _Fates(view, memories_by_seq, first)
    rows = [
        PlannedMemory(id=memories_by_seq[seq].id, kind=memories_by_seq[seq].kind, why="chosen")
        for seq in first
        if seq in memories_by_seq
    ]
    derived = [(memories_by_seq[seq], fates.stays(seq)) for seq in rest if seq in memories_by_seq]
    derived.sort(key=lambda pair: pair[1])
    rows += [PlannedMemory(id=m.id, kind=m.kind, why="derived", remade=stays) for m, stays in derived]
    return ErasePlan(bank=view.state.name, change=view.state.change, rows=tuple(rows))


def plan_nothing(bank: tuple[str, ...], ids: Sequence[str] | None) -> ErasePlan:
    """The plan for a bank to which nothing was ever written. Raises UnknownMemoryError for ids, which it hasn't."""
    if ids:
        raise UnknownMemoryError(f"erase: {len(ids)} of {len(ids)} ids are not in this bank.")
    return ErasePlan(bank=bank, change=0, rows=())


def _with_partners(view: BankView, seqs: Sequence[int]) -> list[int]:
    """Memories, and those that chosen items belong to: what was written as one goes as one."""
    partners = [id for memory in view.memories(seqs).values() if memory.kind == "item" for id in memory.sources]
    return list(dict.fromkeys([*seqs, *view.locate(partners).values()]))


class _Fates:
    """Decides, in order of recording, which derived memories stay; what they rest on came before them."""

    def __init__(self, view: BankView, memories_by_seq: Mapping[int, Memory], first: Sequence[int]) -> None:
        self._view, self._memories_by_seq = view, memories_by_seq
        self._first, self._gone = first, set(first)
        self._remade: set[int] = set()
        self._seqs = view.locate(sorted({id for memory in memories_by_seq.values() for id in memory.sources}))
        self._zone = ZoneInfo(view.state.zone)

    def stays(self, seq: int) -> bool:
        """Whether a memory can be made again without what goes."""
        memory = self._memories_by_seq[seq]
        sources = [self._seqs[id] for id in memory.sources if id in self._seqs]
        left = remaining_sources(self._view, sources, self._gone)
        stays = bool(left) and memory.kind not in WHOLLY_DERIVED_KINDS and self._formed(memory, left)
        (self._remade if stays else self._gone).add(seq)
        return stays

    def _formed(self, memory: Memory, left: Sequence[int]) -> bool:
        untouched = self._view.memories([seq for seq in left if seq not in self._remade])
        erased = [self._memories_by_seq[seq] for seq in self._first if seq in self._memories_by_seq]
        return stands_in_sources(memory, list(untouched.values()), erased, self._zone)


def remaining_sources(view: BankView, sources: Iterable[int], gone: set[int]) -> list[int]:
    """The sources that stay; for those that go, what they had taken the place of and what holds again."""
    standing: set[int] = set()
    border = set(sources)
    while border:
        standing |= border - gone
        border = set(view.superseded_by_any(sorted(border & gone)))
    return sorted(standing)


def stands_in_sources(memory: Memory, sources: Sequence[Memory], erased: Sequence[Memory], zone: ZoneInfo) -> bool:
    """Whether all that a derived memory says stands in these sources, and no run of 16 bytes is from what goes alone.

    By its words: those of its text and of its relation, the speakers' names and the sources' dates aside.
    """
    statements = (memory.text, memory.head or "", memory.tail or "", *memory.key_phrases, *_leaves(memory.metadata))
    source_terms = {term for source in sources for term in (*_terms(source.text), *_terms(source.speaker or ""))}
    source_terms.update(term for source in sources for term in date_terms(source.occurred_at.astimezone(zone)))
    if not all(_terms(part) <= source_terms for part in statements):
        return False
    alone = _fragments(erased) - _fragments(sources)
    return not alone.intersection(_fragments([memory]))


def _terms(text: str) -> set[str]:
    return {word.term for word in words(text)}


def _fragments(memories: Iterable[Memory]) -> set[bytes]:
    return {window for memory in memories for window in windows(memory.text.encode(), 1)}


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _leaves(value.values())
    elif isinstance(value, Iterable):
        for part in value:
            yield from _leaves(part)


def windows(form: bytes, stride: int) -> Iterator[bytes]:
    """The whole form, its 16-byte windows at every `stride` bytes, and its last 16 bytes."""
    if len(form) >= MIN_NEEDLE_BYTES:
        yield form
    for start in range(0, len(form) - WINDOW_BYTES + 1, stride):
        yield form[start : start + WINDOW_BYTES]
    if len(form) > WINDOW_BYTES:
        yield form[-WINDOW_BYTES:]
