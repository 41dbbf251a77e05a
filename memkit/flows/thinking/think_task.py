"""Thinker's task: an exchange, and the thoughts near it that it may repeat, change or contradict."""

from collections.abc import Iterable, Sequence

import numpy as np

from memkit.flows.context import BankContext
from memkit.models import BankState, Memory
from memkit.protocols import BankView, FloatArray, Task, TellsHeads
from memkit.storage.core.checksums import corrupt_error

MAX_IN_GROUP = 50  # thoughts of one hash group, the newest
MAX_BY_HEAD = 400  # thoughts about one person, the newest
GROUP_PROBES = 4  # hash groups for each turn: its own (TiM's), and the next likeliest


def build_task(ctx: BankContext, state: BankState, turns: Sequence[Memory]) -> tuple[Task, int]:
    """Turns with the thoughts near them, the nearest first; and the change number that this was read at.

    Near is what shares a hash group with a turn, or has as its head entity one of the speakers or somebody whom, as
    the thinker can tell, the turns are about.
    """
    with ctx.storage.view(state.number) as view:
        seqs = list(view.locate([turn.id for turn in turns]).values())
        vectors = view.vectors(seqs)
        has_vector = vectors.any(axis=1) if vectors.size else np.zeros(0, bool)
        about = _thoughts_about(ctx, view, turns)
        thoughts_by_id = {m.id: m for m in [*about, *_same_groups(ctx, view, vectors[has_vector])]}
        thoughts = _nearest_first(view, list(thoughts_by_id.values()), vectors[has_vector])
        task = Task(turns, thoughts, state.zone, ctx.now(), _corrected(view, thoughts))
        return task, view.state.change


def _thoughts_about(ctx: BankContext, view: BankView, turns: Sequence[Memory]) -> list[Memory]:
    speakers = dict.fromkeys(m.speaker for m in turns if m.speaker is not None)
    thoughts = _about(view, speakers)
    thinker = ctx.services.thinker
    if not isinstance(thinker, TellsHeads):
        return thoughts
    called = view.matching({"called": list(names)}) if (names := thinker.names(turns)) else []
    thoughts += [thought for thought in view.memories(called).values() if thought.state == "active"]
    heads = thinker.heads(Task(turns, thoughts, view.state.zone, ctx.now()))
    return thoughts + _about(view, [head for head in heads if head not in speakers])


def _about(view: BankView, heads: Iterable[str]) -> list[Memory]:
    return [thought for head in heads for thought in view.about(head, ("thought",), MAX_BY_HEAD)]


def _same_groups(ctx: BankContext, view: BankView, vectors: FloatArray) -> list[Memory]:
    """None for vectors of another length: another encoder's, or damaged."""
    sketcher, groups = ctx.services.indexer.hashes()
    if not len(vectors) or vectors.shape[1] != sketcher.dimension:
        return []
    likely = dict.fromkeys(groups.probes(vectors, GROUP_PROBES).T.ravel().tolist())
    return [thought for group in likely for thought in view.in_group(group, ("thought",), MAX_IN_GROUP)]


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
