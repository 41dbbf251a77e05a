"""Renaming: a person who had no name yet gets one, wherever the bank speaks of them."""

import re
from functools import partial
from typing import Any

from memkit.flows.context import BankContext, apply
from memkit.models import MEMORY_STATES, BankState, IndexEntry, Memory, Receipt, checked_name
from memkit.operations import Rename, Step
from memkit.protocols import BankView, Bookmark, PageOptions
from memkit.text.terms.forms import is_same_name

BATCH_MEMORIES = 500  # in one transaction
SUBJECT_PLACE = r"(?:^|(?<=[.:;,]\s)|(?<=\n))"  # where what a thinker or reflection wrote names whom it is about


def rename_speaker(ctx: BankContext, old: str, new: str) -> Receipt:
    """Rename in batches; what was renamed before a crash stays so, and the next call goes on."""
    name, state = checked_name(new, where="rename_speaker"), ctx.state()
    receipts: list[Receipt] = []
    if state is not None and not is_same_name(old, name) and _is_there(ctx, state, old):
        last = 0
        while (seqs := _batch(ctx, state, last)) != []:
            receipts.append(apply(ctx, partial(_renamings, ctx, seqs, old, name), state=state))
            last = seqs[-1]
    return Receipt.joined(ctx.name, receipts)


def _is_there(ctx: BankContext, state: BankState, name: str) -> bool:
    return any(is_same_name(speaker, name) for speaker in ctx.services.indexes.speakers(state))


def _batch(ctx: BankContext, state: BankState, last: int) -> list[int]:
    with ctx.storage.view(state.number) as view:
        page = view.page(PageOptions(states=MEMORY_STATES, after=Bookmark(0, last), limit=BATCH_MEMORIES))
        return sorted(view.locate([memory.id for memory in page]).values())


def _renamings(ctx: BankContext, seqs: list[int], old: str, new: str, view: BankView) -> list[Step]:
    entries = view.entries(seqs)
    pairs = ((seq, memory, _renamed(memory, old, new)) for seq, memory in view.memories(seqs).items())
    return [
        Rename(renamed, _entry(ctx, view.state, renamed, entries[seq]))
        for seq, memory, renamed in pairs
        if renamed != memory
    ]


def _entry(ctx: BankContext, state: BankState, memory: Memory, old: IndexEntry) -> IndexEntry:
    """Words under the new name, the vector as it was; an echo has neither."""
    entry = ctx.services.indexer.renewed(state, memory, old)
    return entry if old.terms or not entry.terms else IndexEntry(entry.text_key, wanted=old.wanted)


def _renamed(memory: Memory, old: str, new: str) -> Memory:
    fields: dict[str, Any] = {}
    if memory.speaker is not None and is_same_name(memory.speaker, old):
        fields["speaker"] = new
    if memory.kind in ("thought", "summary", "portrait"):
        subject = re.compile(rf"{SUBJECT_PLACE}(?:the )?{re.escape(old)}(?!\w)", re.IGNORECASE)
        fields["text"] = subject.sub(lambda _: new, memory.text)
        fields["head"] = memory.head and subject.sub(lambda _: new, memory.head)
        fields["metadata"] = _with_voice(memory.metadata, old, new)
    return memory.model_copy(update=fields)


def _with_voice(metadata: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Metadata of a summary, whose figures of how people spoke go by their names."""
    voices = metadata.get("voices")
    if not isinstance(voices, dict) or old not in voices or new in voices:
        return metadata
    return {**metadata, "voices": {new if name == old else name: voice for name, voice in voices.items()}}
