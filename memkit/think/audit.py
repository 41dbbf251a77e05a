"""What a bank should not hold: copies, contradictions, thoughts that rest on nothing, loops, junk. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from memkit.models import FrozenModel, Memory, State
from memkit.text.near_copies import band_keys, copy_key, is_near_copy
from memkit.think.extractive.functional_relations import is_single

Flaw = Literal["copies", "near copies", "contradictions", "orphans", "without sources", "recall loops", "junk"]
FLAWS: dict[Flaw, str] = {
    "copies": "thoughts that say the same in the same words",
    "near copies": "thoughts that share most of their words, and every number, name and negation",
    "contradictions": "thoughts that hold two values where a person has one",
    "orphans": "thoughts and summaries of which every source was forgotten",
    "without sources": "extracted thoughts that name no source",
    "recall loops": "memkit's own texts, or an assistant's, that come back as turns again and again",
    "junk": "thoughts from turns that tell next to nothing",
}
LOOP = 3  # times that a text has to come back
KEY = b"audit"


class Finding(FrozenModel):
    """One flaw, and the memories that have it together; the oldest first."""

    flaw: Flaw
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Holdings:
    """What is looked at: active thoughts and other derived memories, echoes, and what all of them rest on."""

    derived: Sequence[Memory]
    echoes: Sequence[Memory]
    known: Mapping[str, Memory]
    floor: float  # nats per token; below it, a turn tells next to nothing

    @property
    def thoughts(self) -> list[Memory]:
        return [memory for memory in self.derived if memory.kind == "thought"]


def audit(holdings: Holdings) -> list[Finding]:
    """Every flaw, in the order of `FLAWS`."""
    copies = list(_copies(holdings.thoughts))
    twice = {id for ids in copies for id in ids[1:]}
    single = [thought for thought in holdings.thoughts if thought.id not in twice]
    near = list(_near_copies(single))
    apart = {id for ids in near for id in ids[1:]}
    found: dict[Flaw, Iterable[tuple[str, ...]]] = {
        "copies": copies,
        "near copies": near,
        "contradictions": _contradictions([t for t in single if t.id not in apart]),
        "orphans": _orphans(holdings),
        "without sources": ((m.id,) for m in holdings.thoughts if m.author == "thinker" and not m.sources),
        "recall loops": _loops(holdings),
        "junk": _junk(holdings),
    }
    return [Finding(flaw=flaw, ids=ids) for flaw, every in found.items() for ids in every]


def _copies(thoughts: Sequence[Memory]) -> Iterator[tuple[str, ...]]:
    same: dict[object, list[str]] = defaultdict(list)
    for thought in thoughts:
        same[copy_key(thought.text)].append(thought.id)
    return (tuple(ids) for ids in same.values() if len(ids) > 1)


def _near_copies(thoughts: Sequence[Memory]) -> Iterator[tuple[str, ...]]:
    """MinHash proposes; each thought belongs to the first one that it is near to."""
    banded: dict[int, list[Memory]] = defaultdict(list)
    groups: dict[str, list[str]] = {}
    for thought in thoughts:
        bands = band_keys(thought.text, KEY)
        met = {m.id: m for band in bands for m in banded[band]}.values()
        first = next((m for m in met if is_near_copy(m.text, thought.text)), None)
        if first is not None:
            groups.setdefault(first.id, [first.id]).append(thought.id)
            continue
        for band in bands:
            banded[band].append(thought)
    return (tuple(ids) for ids in groups.values())


def _contradictions(thoughts: Sequence[Memory]) -> Iterator[tuple[str, ...]]:
    held: dict[tuple[str, str], list[Memory]] = defaultdict(list)
    for thought in thoughts:
        if is_single(thought.relation) and thought.head and thought.valid_until is None:
            held[thought.head.casefold(), (thought.relation or "").casefold()].append(thought)
    for same in held.values():
        if len({(m.tail or m.text).casefold() for m in same}) > 1:
            yield tuple(m.id for m in sorted(same, key=lambda m: m.occurred_at))


def _orphans(holdings: Holdings) -> Iterator[tuple[str, ...]]:
    for memory in holdings.derived:
        states: set[State] = {holdings.known[id].state for id in memory.sources if id in holdings.known}
        if memory.author != "user" and states == {"forgotten"}:
            yield (memory.id,)


def _loops(holdings: Holdings) -> Iterator[tuple[str, ...]]:
    again: dict[str, list[str]] = defaultdict(list)
    for echo in holdings.echoes:
        origin = holdings.known.get(echo.echo_of or "")
        if origin is not None and (origin.kind != "turn" or echo.role == "assistant"):
            again[origin.id].append(echo.id)
    return (tuple(ids) for ids in again.values() if len(ids) >= LOOP)


def _junk(holdings: Holdings) -> Iterator[tuple[str, ...]]:
    for thought in holdings.thoughts:
        told = [holdings.known[id].salience for id in thought.sources if id in holdings.known]
        weighed = [salience for salience in told if salience is not None]
        if thought.author == "thinker" and weighed and len(weighed) == len(told) and max(weighed) < holdings.floor:
            yield (thought.id,)
