"""Encoding again: vectors that are still missing, another encoder, a whole bank's index from its texts."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from memkit.errors import CorruptError
from memkit.flows.context import BankContext, Services
from memkit.models import MEMORY_STATES, BankState, FrozenModel, IndexEntry, Memory
from memkit.operations import Rewrite
from memkit.protocols import BankView, Bookmark, Encoder, PageOptions
from memkit.runtime.file_settings import REENCODING_KEY, encoder_meta
from memkit.runtime.indexer import IndexableText
from memkit.storage.core.checksums import decoding
from memkit.text.terms.keys import TERM_RULES, TERM_RULES_META

ENCODE_BATCH = 256
RENEWED_BATCH = 1000  # memories whose terms are made again in one transaction
Progress = Callable[[int], None]


def encode_pending(
    ctx: BankContext,
    *,
    limit: int = 10_000,
    progress: Progress | None = None,
    may_go_on: Callable[[], bool] = lambda: True,
) -> int:
    """Make the vectors that are still missing, unless the encoder hangs; gives back how many were made."""
    state, encoded_count = None if ctx.services.encoder.is_overdue else ctx.state(), 0
    while state is not None and encoded_count < limit and may_go_on():
        with ctx.storage.view(state.number) as view:
            memories = view.unencoded(ENCODE_BATCH)
        entries = ctx.services.indexer.entry(state, memories)
        encoded = [(m, t) for m, t in zip(memories, entries, strict=True) if t.vector is not None or not t.wanted]
        if not encoded:
            break
        ctx.storage.apply(state.number, partial(_entries_of_unchanged, encoded), at=ctx.now())
        encoded_count += len(encoded)
        if progress is not None:
            progress(len(encoded))
    return encoded_count


def catch_up(ctx: BankContext, may_go_on: Callable[[], bool]) -> bool:
    """Make the vectors that are still missing; whether none is left."""
    encode_pending(ctx, limit=2**62, may_go_on=may_go_on)
    state = ctx.state()
    if state is None:
        return True
    with ctx.storage.view(state.number) as view:
        return not view.unencoded(1)


def encode_leftovers(services: Services) -> None:
    """Have the vectors made, after a while, that an earlier process did not come to."""
    if services.encoding_thread is not None:
        with suppress(CorruptError):  # the doctor tells
            for state in services.storage.unencoded_banks():
                services.encoding_thread.add(state.name, at_once=services.settings.runtime.encode_late)


def _entries_of_unchanged(encoded: Sequence[tuple[Memory, IndexEntry]], view: BankView) -> list[Rewrite]:
    """Entries of memories that still hold the text that was encoded: it may have been erased meanwhile."""
    held = view.memories(list(view.locate([memory.id for memory, _ in encoded]).values())).values()
    texts = {(memory.id, memory.text, memory.speaker) for memory in held}
    return [Rewrite(memory.id, entry) for memory, entry in encoded if (memory.id, memory.text, memory.speaker) in texts]


def reencode(
    services: Services,
    contexts: list[BankContext],
    encoder: Encoder,
    *,
    progress: Progress | None = None,
) -> int:
    """Change a store to another encoder; recall goes on by words until the vectors are made again.

    Killed at any moment, the file opens with one of the two encoders, and what lacks a vector gets it
    with the next maintenance.
    """
    storage = services.storage
    storage.set_meta({REENCODING_KEY: encoder.name})
    for ctx in contexts:
        remove_vectors(ctx)
    storage.set_meta({**encoder_meta(encoder), REENCODING_KEY: ""})
    services.encoder.replace(encoder)
    services.indexes.drop()
    return sum(encode_pending(ctx, limit=2**62, progress=progress) for ctx in contexts)


def remove_vectors(ctx: BankContext) -> None:
    """Take the vectors of a bank away, so that maintenance makes them again."""
    words = ctx.services.indexer.words
    _reindex_pages(
        ctx,
        lambda view, memories: [
            Rewrite(m.id, words(view.state, IndexableText.of(m))) for m in memories if m.echo_of is None
        ],
    )


def reindex_bank(ctx: BankContext) -> None:
    """Make a bank's index entries again from its texts; vectors that are there stay, others are made."""
    _reindex_pages(ctx, partial(_reindexed_rows, ctx))
    encode_pending(ctx, limit=2**62)


def renew_terms(ctx: BankContext, *, may_go_on: Callable[[], bool] = lambda: True) -> int:
    """Make the terms of a bank again where they follow other rules than today's; returns for how many memories.

    It goes on where it was stopped. Recall goes on meanwhile: what is asked by today's rules misses only the words that
    older rules read otherwise.
    """
    state, count = ctx.state(), 0
    if state is None:
        return 0
    progress = TermProgress.read(ctx, state)
    while not progress.is_done and may_go_on():
        with ctx.storage.view(state.number) as view:
            page = PageOptions(states=MEMORY_STATES, after=Bookmark(0, progress.seq or 0), limit=RENEWED_BATCH)
            memories = view.page(page)
            last = max(view.locate([memory.id for memory in memories]).values(), default=0)
            rewrites = _reindexed_rows(ctx, view, memories)
        entries = {rewrite.id: rewrite.entry for rewrite in rewrites if rewrite.entry is not None}
        renewed = [(memory, entries[memory.id]) for memory in memories if memory.id in entries]
        ctx.storage.apply(state.number, partial(_entries_of_unchanged, renewed), at=ctx.now())
        progress = TermProgress(rules=TERM_RULES, seq=last if memories else None)
        progress.write(ctx, state)
        count += len(renewed)
    return count


def outdate_terms(ctx: BankContext) -> None:
    """Have all terms of a bank made again: by `renew_terms`, or by the next maintenance."""
    TermProgress(rules=TERM_RULES, seq=0).write(ctx, ctx.ensure())


class TermProgress(FrozenModel):
    """Rules that a bank's terms follow, up to a seq; None: all of them."""

    rules: int
    seq: int | None = None

    @property
    def is_done(self) -> bool:
        """Whether all terms follow today's rules."""
        return self.seq is None

    @classmethod
    def read(cls, ctx: BankContext, state: BankState) -> "TermProgress":
        """The progress of a bank; at the beginning where its terms followed other rules."""
        stored = ctx.storage.get_meta(TERM_RULES_META.format(state.number))
        with decoding("a setting of the file"):
            progress = cls.model_validate_json(stored) if stored else None
        return progress if progress and progress.rules == TERM_RULES else cls(rules=TERM_RULES, seq=0)

    def write(self, ctx: BankContext, state: BankState) -> None:
        ctx.storage.set_meta({TERM_RULES_META.format(state.number): self.model_dump_json()})


def _reindex_pages(ctx: BankContext, remade: Callable[[BankView, Sequence[Memory]], list[Rewrite]]) -> None:
    state = ctx.state()
    after: Bookmark | None = None
    while state is not None:
        with ctx.storage.view(state.number) as view:
            memories = view.page(PageOptions(states=MEMORY_STATES, after=after, limit=1000))
            seqs = view.locate([memory.id for memory in memories])
            operations = remade(view, memories)
        if not memories:
            return
        ctx.storage.apply(state.number, operations, at=ctx.now())
        after = Bookmark(0, max(seqs.values()))


def _reindexed_rows(ctx: BankContext, view: BankView, memories: Sequence[Memory]) -> list[Rewrite]:
    seqs = view.locate([memory.id for memory in memories])
    old = view.entries(list(seqs.values()))
    entries = {m.id: ctx.services.indexer.renewed(view.state, m, old[seqs[m.id]]) for m in memories}
    return [Rewrite(m.id, entries[m.id] if m.echo_of is None else entries[m.id].as_echo()) for m in memories]
