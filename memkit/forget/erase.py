"""Erasure, planned: what goes, what rests on it, and which bytes must be nowhere afterwards."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self

from memkit.errors import UnknownMemoryError
from memkit.models import Kind, Memory, Record
from memkit.protocols import BankView

WINDOW = 16  # bytes: what is shorter occurs by chance, what is longer holds one of these
STRIDE = 8
SHORTEST = 8  # bytes: a shorter text's bytes occur by chance

Holds = Callable[[bytes], bool]


class Planned(Record):
    """One memory that goes. `remade`: it also rests on what stays, so it should be made again from that."""

    id: str
    kind: Kind
    why: Literal["chosen", "derived"]
    remade: bool = False


class ErasePlan(Record):
    """What an erasure would remove from a bank, as the bank was at one change number; holds no text.

    What is derived goes with what it rests on, even where some of its sources stay: its words may come
    from what goes. Those are listed in `remade`, to be made again from the sources that stay.
    """

    bank: tuple[str, ...]
    change: int
    rows: tuple[Planned, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Everything that goes: the chosen ones in order, then the derived ones."""
        return tuple(row.id for row in self.rows)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Ids that were asked for."""
        return tuple(row.id for row in self.rows if row.why == "chosen")

    @property
    def derived(self) -> tuple[str, ...]:
        """Ids that go because they rest on the chosen ones."""
        return tuple(row.id for row in self.rows if row.why == "derived")

    @property
    def remade(self) -> tuple[str, ...]:
        """Ids of derived memories that other sources would still support."""
        return tuple(row.id for row in self.rows if row.remade)

    @property
    def counts(self) -> dict[str, int]:
        """How many go, by kind."""
        return dict(sorted(Counter(row.kind for row in self.rows).items()))

    def stale(self, change: int) -> bool:
        """True where the bank is no longer at the change number that was planned for."""
        return change != self.change

    def __str__(self) -> str:
        """What would happen, in a sentence or two, without any text of the memories."""
        what = ", ".join(f"{count} {plural(kind, count)}" for kind, count in self.counts.items())
        parts = [f"Erase from {'/'.join(self.bank)}: {what or 'nothing'}."]
        if self.derived:
            parts.append(f"{len(self.derived)} of them because they rest on what was chosen.")
        if self.remade:
            parts.append(f"{len(self.remade)} can be made again from what stays.")
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
    first = list(dict.fromkeys(seqs[name] for name in chosen))
    rest = [seq for seq in view.derived_from(first) if seq not in set(first)]
    found = view.memories([*first, *rest])
    going = {memory.id for memory in found.values()}
    rows = [Planned(id=found[seq].id, kind=found[seq].kind, why="chosen") for seq in first if seq in found]
    derived = [found[seq] for seq in rest if seq in found]
    rows += [_derived(memory, going, view) for memory in derived]
    return ErasePlan(bank=view.state.name, change=view.state.change, rows=tuple(rows))


def _derived(memory: Memory, going: set[str], view: BankView) -> Planned:
    staying = view.locate([source for source in memory.sources if source not in going])
    return Planned(id=memory.id, kind=memory.kind, why="derived", remade=bool(staying))


class ErasureReceipt(Record):
    """What an erasure removed, when and on whose request; holds no text and no digest of it.

    `bytes_pending`: rows are gone, but a file may still hold their bytes until its readers let go.
    """

    bank: tuple[str, ...]
    at: datetime
    change: int  # the plan's
    counts: dict[str, int]  # by kind
    chosen: int
    derived: tuple[str, ...]  # ids that went because they rested on what was chosen
    remade: tuple[str, ...]  # of those, what other sources would still support
    bytes_pending: bool
    requested_by: str | None = None

    @classmethod
    def of(cls, done: ErasePlan, *, at: datetime, bytes_pending: bool, requested_by: str | None = None) -> Self:
        """The receipt for a plan that was carried out."""
        return cls(
            bank=done.bank,
            at=at,
            change=done.change,
            counts=done.counts,
            chosen=len(done.chosen),
            derived=done.derived,
            remade=done.remade,
            bytes_pending=bytes_pending,
            requested_by=requested_by,
        )


def needles(memories: Iterable[Memory], retained: Holds | None = None, *, stride: int = STRIDE) -> list[bytes]:
    """Byte strings that no file may hold once these memories are erased, sorted.

    For each string of their content, in UTF-8, UTF-16 (both byte orders) and JSON's escapes: the whole,
    and its 16-byte windows at every `stride` bytes, so that any fragment of 15 + `stride` bytes is found.
    Left out is what `retained` says that the file rightly holds elsewhere, and wholes under 8 bytes,
    which occur by chance. Names of speakers and things are no content: other memories share them.
    """
    found: set[bytes] = set()
    for text in _contents(memories):
        for form in forms(text):
            found.update(windows(form, stride))
    return sorted(needle for needle in found if retained is None or not retained(needle))


def held_by(memories: Iterable[Memory]) -> Holds:
    """Whether remaining memories hold a byte string in any form; keeps a copy of their strings in RAM."""
    kept = list(memories)
    names = (name for m in kept for name in (m.speaker, m.head, m.relation) if name)
    held = b"\0\0\0\0".join(form for text in (*_contents(kept), *names) for form in forms(text))
    return lambda needle: needle in held


def _contents(memories: Iterable[Memory]) -> Iterator[str]:
    for memory in memories:
        yield memory.text
        yield from memory.key_phrases
        yield memory.tail or ""
        yield from _leaves(memory.metadata)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _leaves(value.values())
    elif isinstance(value, Iterable):
        for part in value:
            yield from _leaves(part)


def forms(text: str) -> list[bytes]:
    """The ways in which a text may lie in a file, without repeats."""
    escaped = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    utf8 = [form.encode() for form in (text, *escaped)]
    return list(dict.fromkeys([*utf8, text.encode("utf-16-le"), text.encode("utf-16-be")]))


def windows(form: bytes, stride: int = STRIDE) -> Iterator[bytes]:
    """The whole form, its 16-byte windows at every `stride` bytes, and its last 16 bytes."""
    if len(form) >= SHORTEST:
        yield form
    for start in range(0, len(form) - WINDOW + 1, stride):
        yield form[start : start + WINDOW]
    if len(form) > WINDOW:
        yield form[-WINDOW:]
