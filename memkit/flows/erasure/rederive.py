"""Derived data that an erasure makes again: memories from their other sources, an heir's entry, episodes' borders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from memkit.flows.context import BankContext
from memkit.forget.erasure_plan import ErasePlan, remaining_sources
from memkit.models import IndexEntry, IndexRow, Memory, Placement
from memkit.observe.episodes import UNNAMED_PREFIX, OpenSession, next_placement, unnamed_label
from memkit.operations import Enqueue, Operation, Remake, Rewrite
from memkit.protocols import BankView
from memkit.runtime.indexer import IndexableText
from memkit.settings import ObserveSettings
from memkit.text.terms.keys import encoded_text
from memkit.times import from_micros


@dataclass(frozen=True)
class Rederivation:
    """Everything that is made again, worked out from the bank as it was planned for; vectors are still to come."""

    memories: list[Memory]  # derived ones, with their new contents
    heirs: list[tuple[Memory, IndexEntry | None]]  # each with the erased original's entry, where it fits
    placements: list[Rewrite]
    queued: list[Enqueue]


def rederive(view: BankView, plan: ErasePlan, settings: ObserveSettings, at: datetime) -> Rederivation:
    """Everything that is to be made again once a plan is carried out."""
    gone = set(view.locate(plan.ids).values())
    heirs = list(_heirs(view, gone))
    return Rederivation(
        memories=list(_remade(view, plan, gone)),
        heirs=heirs,
        placements=list(_recut_episodes(view, gone, settings)),
        queued=[*_queued(view, [memory for memory, _ in heirs], at), *_thought_again(view, plan, gone, at)],
    )


def rederive_operations(ctx: BankContext, rederived: Rederivation) -> list[Operation]:
    """The drafts as operations, with their index entries; slow, since it encodes."""
    state, indexer = ctx.ensure(), ctx.services.indexer
    entries = indexer.entry(state, rederived.memories)
    texts = [IndexableText.of(memory) for memory, _ in rederived.heirs]
    word_entries = [indexer.words(state, text) for text in texts]
    without_origin = [i for i, (_, origin) in enumerate(rederived.heirs) if origin is None]
    encoded = dict(
        zip(
            without_origin,
            indexer.encode([word_entries[i] for i in without_origin], [texts[i] for i in without_origin]),
            strict=True,
        )
    )
    heir_entries = [
        encoded[i] if o is None else _inherited(word_entries[i], o) for i, (_, o) in enumerate(rederived.heirs)
    ]
    return [
        *(Remake(memory, entry) for memory, entry in zip(rederived.memories, entries, strict=True)),
        *(Rewrite(memory.id, entry) for (memory, _), entry in zip(rederived.heirs, heir_entries, strict=True)),
        *rederived.placements,
        *rederived.queued,
    ]


def _inherited(own: IndexEntry, origin: IndexEntry) -> IndexEntry:
    """An heir's own words, with all that was encoded of the original."""
    return replace(
        own,
        vector=origin.vector,
        passages=origin.passages,
        tokens=origin.tokens,
        sketch=origin.sketch,
        group=origin.group,
        wanted=origin.wanted,
    )


# derived memories


def _remade(view: BankView, plan: ErasePlan, gone: set[int]) -> Iterator[Memory]:
    """The derived memories that stay, in order of recording, each made from those before it."""
    remade_by_id: dict[str, Memory] = {}
    for _, memory in sorted(view.memories(list(view.locate(plan.remade).values())).items()):
        read = view.memories(remaining_sources(view, view.locate(memory.sources).values(), gone)).values()
        remade_by_id[memory.id] = _with_sources(memory, [remade_by_id.get(source.id, source) for source in read])
        yield remade_by_id[memory.id]


def _with_sources(memory: Memory, sources: Sequence[Memory]) -> Memory:
    times = sorted(source.occurred_at for source in sources)
    said = max((at for at in times if at <= memory.occurred_at), default=times[0])  # later ones only said it again
    fields: dict[str, object] = {"sources": tuple(source.id for source in sources), "occurred_at": said}
    if memory.valid_from == memory.occurred_at:
        fields["valid_from"] = said
    return memory.model_copy(update=fields)


# echoes of what goes


def _heirs(view: BankView, gone: set[int]) -> Iterator[tuple[Memory, IndexEntry | None]]:
    """The oldest remaining echo of each erased original.

    It inherits the original's entry where both are encoded alike, or where that was small talk without a vector."""
    echoes = view.memories([seq for seq in view.echoes(sorted(gone)) if seq not in gone])
    first: dict[str, Memory] = {}
    for _, echo in sorted(echoes.items()):
        first.setdefault(echo.echo_of or "", echo)
    seqs = view.locate(list(first))
    origins, entries = view.memories(list(seqs.values())), view.entries(list(seqs.values()))
    for id, echo in first.items():
        entry = entries[seqs[id]]
        alike = _encoded(origins[seqs[id]]) == _encoded(echo) and entry.vector is not None
        yield echo, entry if alike or not entry.wanted else None


def _encoded(memory: Memory) -> str:
    return encoded_text(memory.speaker, memory.text)


def _queued(view: BankView, heirs: Sequence[Memory], at: datetime) -> Iterator[Enqueue]:
    """An echo was never thought about; what is now the first of its kind is."""
    seqs = view.locate([heir.id for heir in heirs])
    for heir in heirs:
        sessions = view.sessions_of([seqs[heir.id]]) if heir.state == "active" else []
        if sessions:
            yield Enqueue(sessions[0], (heir.id,), closed=True, at=at)


def _thought_again(view: BankView, plan: ErasePlan, gone: set[int], at: datetime) -> Iterator[Enqueue]:
    """Other turns that an erased thought rested on may say as much: each is thought about again."""
    thoughts = view.memories(list(view.locate(plan.derived).values())).values()
    sources = {id for thought in thoughts if thought.kind == "thought" for id in thought.sources}
    left = [seq for seq in view.locate(sorted(sources)).values() if seq not in gone]
    turns = (m for m in view.memories(sorted(left)).values() if m.kind == "turn" and m.echo_of is None)
    yield from _queued(view, list(turns), at)


# borders of episodes


def _recut_episodes(view: BankView, gone: set[int], settings: ObserveSettings) -> Iterator[Rewrite]:
    """Episodes as they would have been cut without what goes; sessions stay as they are.

    Only the label of a session that nobody named follows: it told when the first turn was said.
    """
    by_session: dict[int, list[IndexRow]] = {}
    for row in view.rows_of_sessions(view.sessions_of(sorted(gone))):
        if row.session is not None:
            by_session.setdefault(row.session, []).append(row)
    for session, every in by_session.items():
        rows = [row for row in every if row.seq not in gone]
        if rows:
            yield from _replaced(view, session, rows, settings, relabelled=every[0].seq in gone)


def _replaced(
    view: BankView, session: int, rows: Sequence[IndexRow], settings: ObserveSettings, *, relabelled: bool
) -> Iterator[Rewrite]:
    places = dict(_moved(session, rows, settings))
    touched = [row for row in rows if relabelled or row.seq in places]
    memories = view.memories([row.seq for row in touched]).values()
    label = unnamed_label(from_micros(rows[0].occurred_at))
    for row, memory in zip(touched, memories, strict=True):
        named = not relabelled or not (memory.session or "").startswith(UNNAMED_PREFIX)
        place = places.get(row.seq, Placement(session, row.episode or 0))
        if row.seq in places or not named:
            yield Rewrite(memory.id, placement=place, session=None if named else label)


def _moved(session: int, rows: Sequence[IndexRow], settings: ObserveSettings) -> Iterator[tuple[int, Placement]]:
    """Turns of a session that get another episode; one that begins where an old one does keeps its number."""
    firsts = {row.episode: row.seq for row in reversed(rows)}
    numbers = _numbers(rows, firsts, settings)
    for row, episode in zip(rows, numbers, strict=True):
        if episode != row.episode:
            yield row.seq, Placement(session, episode)


def _numbers(rows: Sequence[IndexRow], firsts: Mapping[int | None, int], settings: ObserveSettings) -> Iterator[int]:
    open = OpenSession(0, -1, None, from_micros(rows[0].occurred_at))
    begun, number = -1, -1
    for row in rows:
        place = next_placement(open, row.length, from_micros(row.occurred_at), row.seq, settings)
        if place.episode != begun or number == -1:
            begun = place.episode
            number = row.episode if row.episode is not None and firsts[row.episode] == row.seq else row.seq
        yield number
