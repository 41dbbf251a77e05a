"""Flaws of a bank: copies, contradictions, thoughts that rest on nothing, loops, junk. Pure."""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from memkit.models import FrozenModel, Memory
from memkit.text.near_copies import CopyKey, band_keys, copy_key, is_near_copy
from memkit.think.extractive.contradictions import contradictions

Flaw = Literal["copies", "near copies", "contradictions", "orphans", "without sources", "recall loops", "junk"]
FLAW_DESCRIPTIONS: dict[Flaw, str] = {
    "copies": "thoughts that say the same in the same words",
    "near copies": "thoughts that share most of their words, and every number, name and negation",
    "contradictions": "thoughts that hold two values where a person has one, or affirm what others deny",
    "orphans": "thoughts and summaries of which every source was forgotten",
    "without sources": "extracted thoughts that name no source",
    "recall loops": "memkit's own texts, or an assistant's, that come back as turns again and again",
    "junk": "thoughts from turns that tell next to nothing",
}
MIN_LOOP_ECHOES = 3
MAX_IN_BAND = 32  # thoughts that one is compared with for each key; of thoughts of one pattern, thousands share one


class Finding(FrozenModel):
    """One flaw, and the memories that have it together; the oldest first."""

    flaw: Flaw
    ids: tuple[str, ...]


@dataclass(frozen=True)
class AuditedMemories:
    """Active thoughts and other derived memories, echoes, and (`by_id`) the memories that they rest on."""

    derived: Sequence[Memory]
    echoes: Sequence[Memory]
    by_id: Mapping[str, Memory]
    junk_salience: float  # nats per token; below it, a turn tells next to nothing

    @property
    def thoughts(self) -> list[Memory]:
        return [memory for memory in self.derived if memory.kind == "thought"]


def audit(memories: AuditedMemories) -> list[Finding]:
    """Every flaw, in the order of `FLAW_DESCRIPTIONS`."""
    copies = list(_copies(memories.thoughts))
    distinct = _without_repeats(memories.thoughts, copies)
    near_copies = list(_near_copies(distinct))
    groups_by_flaw: dict[Flaw, Iterable[tuple[str, ...]]] = {
        "copies": copies,
        "near copies": near_copies,
        "contradictions": _contradictions(_without_repeats(distinct, near_copies)),
        "orphans": _orphans(memories),
        "without sources": ((m.id,) for m in memories.thoughts if m.author == "thinker" and not m.sources),
        "recall loops": _loops(memories),
        "junk": _junk(memories),
    }
    return [Finding(flaw=flaw, ids=ids) for flaw, groups in groups_by_flaw.items() for ids in groups]


def _without_repeats(thoughts: Sequence[Memory], groups: Iterable[tuple[str, ...]]) -> list[Memory]:
    """Thoughts that are in no group, and the first one of each group."""
    repeats = {id for ids in groups for id in ids[1:]}
    return [thought for thought in thoughts if thought.id not in repeats]


def _copies(thoughts: Sequence[Memory]) -> Iterator[tuple[str, ...]]:
    ids_by_key: dict[object, list[str]] = defaultdict(list)
    for thought in thoughts:
        ids_by_key[copy_key(thought.text)].append(thought.id)
    return (tuple(ids) for ids in ids_by_key.values() if len(ids) > 1)


def _near_copies(thoughts: Sequence[Memory]) -> Iterator[tuple[str, ...]]:
    """Groups of near copies: MinHash proposes; each thought belongs to the first one that it is near to."""
    newest_by_band: dict[Hashable, deque[tuple[str, CopyKey]]] = defaultdict(lambda: deque(maxlen=MAX_IN_BAND))
    groups: dict[str, list[str]] = {}
    for thought in thoughts:
        key, bands = copy_key(thought.text), band_keys(thought.text)
        others = dict(other for band in bands for other in newest_by_band[band])
        first = next((id for id, other in others.items() if is_near_copy(key, other)), None)
        if first is not None:
            groups.setdefault(first, [first]).append(thought.id)
        for band in bands if first is None else ():
            newest_by_band[band].append((thought.id, key))
    return (tuple(ids) for ids in groups.values())


def _contradictions(thoughts: Sequence[Memory]) -> Iterator[tuple[str, ...]]:
    for group in contradictions(thought for thought in thoughts if thought.valid_until is None):
        yield tuple(m.id for m in sorted(group, key=lambda m: m.occurred_at))


def _orphans(memories: AuditedMemories) -> Iterator[tuple[str, ...]]:
    by_id = memories.by_id
    return (
        (memory.id,)
        for memory in memories.derived
        if memory.author != "user" and {by_id[id].state for id in memory.sources if id in by_id} == {"forgotten"}
    )


def _loops(memories: AuditedMemories) -> Iterator[tuple[str, ...]]:
    echoes_by_origin: dict[str, list[str]] = defaultdict(list)
    for echo in memories.echoes:
        origin = memories.by_id.get(echo.echo_of or "")
        if origin is not None and (origin.kind != "turn" or echo.role == "assistant"):
            echoes_by_origin[origin.id].append(echo.id)
    return (tuple(ids) for ids in echoes_by_origin.values() if len(ids) >= MIN_LOOP_ECHOES)


def _junk(memories: AuditedMemories) -> Iterator[tuple[str, ...]]:
    for thought in memories.thoughts:
        sources = [memories.by_id[id] for id in thought.sources if id in memories.by_id]
        saliences = [source.salience for source in sources if source.salience is not None]
        is_weighed = bool(saliences) and len(saliences) == len(sources)
        if thought.author == "thinker" and is_weighed and max(saliences) < memories.junk_salience:
            yield (thought.id,)
