"""A thinker's task: the turns of an exchange, and the thoughts near them."""

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from memkit.flows.context import BankContext
from memkit.models import BankState, Exchange, Memory
from memkit.operations import Insert, Step
from memkit.protocols import BankView, FloatArray, Task, TellsHeads
from memkit.storage.core.checksums import corrupt_error
from memkit.storage.core.vectors import stack_vectors
from memkit.text.parts import without_recalled
from memkit.think.boundary import foreign_code
from memkit.think.revise import is_person

MAX_IN_GROUP = 50  # thoughts of one hash group, the newest
MAX_BY_HEAD = 400  # thoughts about one person, the newest
MAX_NEAR = 200  # thoughts that share a hash group with a turn, the nearest
MAX_READ_DEPTH = 4  # queries, one after the other, of which each follows from the one before
GROUP_PROBES = 4  # hash groups for each turn: its own (TiM's), and the next likeliest


def exchange_turns(view: BankView, exchanges: Sequence[Exchange]) -> list[Memory]:
    """The turns of exchanges in the order in which they were said, without what is no news.

    What a person says again may be news by now. What an assistant says again is none, unless these were its own words:
    a question that it asks again has another answer.
    """
    ids = [id for exchange in exchanges for id in exchange.turn_ids]
    turns = list(view.memories(sorted(view.locate(ids).values())).items())
    own = _said_by_assistants(view, [turn.echo_of for _, turn in turns if turn.echo_of is not None])
    said = [pair for pair in turns if pair[1].state == "active" and (is_person(pair[1]) or _is_fresh(pair[1], own))]
    return [m.model_copy(update={"text": without_recalled(m.text)}) for m in _in_time(said, exchanges)]


def _said_by_assistants(view: BankView, ids: Sequence[str]) -> set[str]:
    originals = view.memories(sorted(set(view.locate(ids).values()))) if ids else {}
    return {m.id for m in originals.values() if m.kind == "turn" and not is_person(m)}


def _is_fresh(turn: Memory, own: set[str]) -> bool:
    return turn.echo_of is None or turn.echo_of in own


def _in_time(turns: Sequence[tuple[int, Memory]], exchanges: Sequence[Exchange]) -> list[Memory]:
    """Exchange by exchange, the one that began first before others, each in time."""
    number = {id: exchange.number for exchange in exchanges for id in exchange.turn_ids}
    begun = {n: min(m.occurred_at for _, m in turns if number[m.id] == n) for n in {number[m.id] for _, m in turns}}
    return [
        m
        for _, m in sorted(
            turns, key=lambda pair: (begun[number[pair[1].id]], number[pair[1].id], pair[1].occurred_at, pair[0])
        )
    ]


def build_task(ctx: BankContext, state: BankState, turns: Sequence[Memory]) -> tuple[Task, int]:
    """Turns with the thoughts near them, the nearest first; and the change number that this was read at.

    Near is what shares a hash group with a turn, rests on one that says the same, or has as its head entity one of the
    speakers or somebody whom, as the thinker can tell, the turns are about.
    """
    names = _names(ctx, turns)
    originals = [turn.echo_of or turn.id for turn in turns]
    speakers = dict.fromkeys(m.speaker for m in turns if m.speaker is not None)
    with ctx.storage.view(state.number) as view:
        view.read_ahead(
            lambda view: _called(view, names),
            lambda view: _same_groups(ctx, view, _vectors_of(view, originals)),
            *(partial(_about, heads=[head]) for head in speakers),
            partial(_led_to_before, turns=turns),
            trips=MAX_READ_DEPTH,
        )
        vectors = _vectors_of(view, originals)
        about = [*_thoughts_about(ctx, view, turns, names), *_led_to_before(view, turns)]
        thoughts_by_id = {m.id: m for m in [*about, *_same_groups(ctx, view, vectors)]}
        thoughts = _nearest_first(view, list(thoughts_by_id.values()), vectors)
        task = Task(turns, thoughts, state.zone, ctx.now(), _corrected(view, thoughts))
        return task, view.state.change


def _vectors_of(view: BankView, ids: Sequence[str]) -> FloatArray:
    """Vectors of the turns that have one."""
    vectors = view.vectors(list(view.locate(ids).values()))
    return vectors[vectors.any(axis=1)] if vectors.size else vectors[:0]


def _names(ctx: BankContext, turns: Sequence[Memory]) -> list[str]:
    """Names of whom the turns are about, as the thinker can tell."""
    thinker = ctx.services.thinker
    if not isinstance(thinker, TellsHeads):
        return []
    with foreign_code("the thinker"):
        return list(thinker.names(turns))


def _called(view: BankView, names: Sequence[str]) -> list[Memory]:
    """Thoughts about people who are called so."""
    memories = view.memories(view.matching({"called": list(names)})) if names else {}
    return [thought for thought in memories.values() if thought.state == "active"]


def _thoughts_about(ctx: BankContext, view: BankView, turns: Sequence[Memory], names: Sequence[str]) -> list[Memory]:
    speakers = dict.fromkeys(m.speaker for m in turns if m.speaker is not None)
    thoughts = _about(view, speakers)
    thinker = ctx.services.thinker
    if not isinstance(thinker, TellsHeads):
        return thoughts
    thoughts += _called(view, names)
    with foreign_code("the thinker"):
        heads = list(thinker.heads(Task(turns, thoughts, view.state.zone, ctx.now())))
    return thoughts + _about(view, [head for head in heads if head not in speakers])


def _about(view: BankView, heads: Iterable[str]) -> list[Memory]:
    return [thought for head in heads for thought in view.about(head, ("thought",), MAX_BY_HEAD)]


def _led_to_before(view: BankView, turns: Sequence[Memory]) -> list[Memory]:
    """Thoughts that rest on the first of the turns that say the same."""
    firsts = view.locate([turn.echo_of for turn in turns if turn.echo_of is not None])
    derived = view.memories(view.derived_from(list(firsts.values()))) if firsts else {}
    return [m for m in derived.values() if m.kind == "thought" and m.state == "active"]


def _same_groups(ctx: BankContext, view: BankView, vectors: FloatArray) -> list[Memory]:
    """None for vectors of another length: another encoder's, or damaged."""
    sketcher, groups = ctx.services.indexer.hashes()
    if not len(vectors) or vectors.shape[1] != sketcher.dimension:
        return []
    likely = dict.fromkeys(groups.probes(vectors, GROUP_PROBES).T.ravel().tolist())
    seqs = view.in_groups(list(likely), ("thought",), MAX_IN_GROUP)
    if len(seqs) > MAX_NEAR:
        cosines = (view.vectors(seqs) @ vectors.T).max(axis=1)
        seqs = [seqs[i] for i in np.argsort(-cosines, kind="stable")[:MAX_NEAR]]
    return list(view.memories(seqs).values())


def near_headless(ctx: BankContext, view: BankView, operations: Sequence[Step]) -> list[Memory]:
    """Thoughts near those that are to be stored and name nobody whom they are about."""
    headless = (o.entry.vector for o in operations if isinstance(o, Insert) and o.memory.head is None)
    return _same_groups(ctx, view, stack_vectors([vector for vector in headless if vector is not None]))


def _nearest_first(view: BankView, thoughts: list[Memory], vectors: FloatArray) -> list[Memory]:
    """Thoughts by exact cosine to the turns; those without a vector last, as they came."""
    if not thoughts or not len(vectors):
        return thoughts
    seqs = view.locate([thought.id for thought in thoughts])
    if len(seqs) < len(thoughts):
        raise corrupt_error("an index of the file")
    own = view.vectors([seqs[thought.id] for thought in thoughts])
    if own.shape[1] != vectors.shape[1]:
        return thoughts
    order = np.argsort(-(own @ vectors.T).max(axis=1), kind="stable")
    return [thoughts[i] for i in order]


def _corrected(view: BankView, thoughts: Sequence[Memory]) -> list[Memory]:
    """Thoughts that the user's own corrections among these replaced."""
    by_user = view.locate([thought.id for thought in thoughts if thought.author == "user"])
    return list(view.memories(view.superseded_by_any(list(by_user.values()))).values()) if by_user else []
