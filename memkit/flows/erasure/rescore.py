"""Saliences that rested on what was erased: the turns after it are weighed again, by a model that never read it."""

from collections.abc import Iterator
from itertools import chain

from memkit.flows.context import BankContext
from memkit.models import Memory
from memkit.operations import Rewrite
from memkit.protocols import BankView
from memkit.surprisal.guard import read_guarded

AT_ONCE = 2_000  # memories that are read again while a caller waits; larger banks are left to maintenance
READ = 1_000  # memories read at a time
WEIGHED = "weighed."  # in the store's notes, with a bank's number: the change up to which it was done


def reweighed(ctx: BankContext, view: BankView, gone: set[int]) -> Iterator[tuple[int, Memory]]:
    """The turns after the first erased one whose salience or key phrases change, by seq, as they then are.

    All turns that stay are read again in order, as if they were heard for the first time. Models that learn
    nothing from a bank have nothing to forget.
    """
    model = ctx.services.surprisals.unlearnt(view.state.key)
    first = min(gone, default=0)
    if model is None or not first:
        return
    for seq, memory in _turns(view, gone):
        if seq < first:
            model.learn(memory.text)
            continue
        [told] = read_guarded(lambda: model, [memory.text])
        if told is not None and told != (memory.salience, memory.key_phrases):
            yield seq, memory.model_copy(update=told._asdict())


def _turns(view: BankView, gone: set[int]) -> Iterator[tuple[int, Memory]]:
    seqs = [row.seq for row in view.rows() if row.kind == "turn" and row.seq not in gone]
    for start in range(0, len(seqs), READ):
        yield from view.memories(seqs[start : start + READ]).items()


def weighing(memory: Memory) -> Rewrite:
    """The operation that keeps what was weighed."""
    return Rewrite(memory.id, salience=memory.salience, key_phrases=memory.key_phrases)


def reweigh(ctx: BankContext) -> int:
    """Do what erasures from a large bank left to be done; gives back how many turns were weighed anew."""
    state = ctx.state()
    if state is None:
        return 0
    done = int(ctx.storage.get_meta(f"{WEIGHED}{state.number}") or 0)
    with ctx.storage.view(state.number) as view:
        at, gone = view.state.change, set(chain.from_iterable(view.erased_since(done)))
        changed = [weighing(memory) for _, memory in reweighed(ctx, view, gone)]
    for start in range(0, len(changed), READ):
        ctx.storage.apply(state.number, changed[start : start + READ], at=ctx.now())
    if gone:
        note_weighed(ctx, state.number, at)
    return len(changed)


def note_weighed(ctx: BankContext, bank: int, change: int) -> None:
    """Keep in mind that the saliences rest on nothing that was erased up to this change."""
    ctx.storage.set_meta({f"{WEIGHED}{bank}": str(change)})
