"""Loading one bank of an export: under a name of its own until all of it is there, then published at once."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Self

import numpy as np

from memkit.errors import InputError
from memkit.exported import ExportedMemory
from memkit.flows.context import BankContext, Services
from memkit.flows.erase import erase
from memkit.flows.erasure.fingerprints import fingerprint
from memkit.flows.portability.lines import BankCounts, ExportHeader, read_at, read_lines, stored_encoder
from memkit.flows.portability.manifest import BankSection
from memkit.flows.thinking.budget import META_KEY
from memkit.models import MEMORY_STATES, BankState, Exchange, IndexEntry, Memory
from memkit.operations import Adopt, Relink, Requeue, Step
from memkit.protocols import BankName, PageOptions
from memkit.runtime.indexer import IndexableText
from memkit.storage.core.banks import loading_name, target_name, unpublished

BATCH_MEMORIES = 500
BATCH_CHARACTERS = 4_000_000
ENCODED_BY = ("passage_from", "passage_characters", "tokens")  # settings that vectors depend on

Progress = Callable[[int], None]


@dataclass(frozen=True)
class BankFile:
    """One bank's section of an export, and the services of the store that it is loaded into."""

    services: Services
    path: Path
    header: ExportHeader
    section: BankSection

    @property
    def name(self) -> BankName:
        """The bank's name."""
        return self.section.bank.name

    @property
    def size(self) -> int:
        """Number of its memories."""
        return len(self.section.numbers)

    def batches(self) -> Iterator[list[ExportedMemory]]:
        """The memories, some at a time: so many, or so much text."""
        batch: list[ExportedMemory] = []
        for memory in self._memories():
            batch.append(memory)
            if len(batch) == BATCH_MEMORIES or sum(len(m.content.text) for m in batch) > BATCH_CHARACTERS:
                yield batch
                batch = []
        if batch:
            yield batch

    def _memories(self) -> Iterator[ExportedMemory]:
        for _, record in read_lines(self.path, self.section.start):
            if isinstance(record, ExportedMemory):
                yield record
            elif isinstance(record, BankCounts):
                return

    @property
    def brings_vectors(self) -> bool:
        """Whether the file's vectors are as this store would make them."""
        index, own = self.header.index, self.services.settings.index
        same_encoder = stored_encoder(self.services.storage) == self.header.encoder
        same_parts = all(getattr(index, name) == getattr(own, name) for name in ENCODED_BY)
        return self.header.vectors and same_encoder and same_parts


def load_bank(file: BankFile, progress: Progress) -> tuple[BankContext, int]:
    """Store everything of a bank, go on where an earlier load was cut off, and publish it.

    What was erased here is erased again before anybody sees it; gives back how many memories that were.
    """
    ctx = _loading_context(file)
    state = ctx.ensure()
    try:
        return BankContext(file.services, file.name), _load_into(ctx, state, file, progress)
    except InputError:  # going on with this file would lead to the same
        ctx.storage.discard(state.number)
        raise


def _load_into(ctx: BankContext, state: BankState, file: BankFile, progress: Progress) -> int:
    ids = _adopt_memories(file, ctx, state, progress)
    _adopt_links_and_queue(file, state)
    with ctx.storage.view(state.number) as view:
        erased_ids = list(view.locate(ids))
    gone = sum(erase(ctx, None, ids=erased_ids).counts.values()) if erased_ids else 0
    if file.section.bank.thinking is not None:
        ctx.storage.set_meta({META_KEY.format(state.number): json.dumps(file.section.bank.thinking)})
    ctx.storage.publish(state.number, file.section.bank, file.section.receipts, file.section.fingerprints)
    return gone


def _loading_context(file: BankFile) -> BankContext:
    """The bank under its name while it is loaded; what is left of other loads of it is dropped."""
    storage, bank = file.services.storage, file.section.bank
    name = loading_name(bank.name, file.header.id)
    others = [state for state in unpublished(storage) if target_name(state) == bank.name]
    for state in others:
        if state.name != name or state.change > bank.change:  # of another file, or erased from already
            storage.discard(state.number)
    storage.open_bank(name, zone=bank.zone)
    return BankContext(file.services, name)


def _adopt_memories(file: BankFile, ctx: BankContext, state: BankState, progress: Progress) -> list[str]:
    """Store the memories that aren't there yet; gives back the ids of those that were erased here since."""
    storage, erased, ids = ctx.storage, ErasedTexts.of(file), list[str]()
    with storage.view(state.number) as view:
        last = view.page(PageOptions(states=MEMORY_STATES, order="-recorded_at", limit=1))
        done = max(view.locate([memory.id for memory in last]).values(), default=0)
    for batch in file.batches():
        ids += [memory.content.id for memory in batch if erased.hold(memory)]
        fresh = [memory for memory in batch if memory.number > done]
        entries = _entries(file, state, fresh)
        steps = [Adopt(m, entry, file.section.bank.change) for m, entry in zip(fresh, entries, strict=True)]
        storage.apply(state.number, steps, at=ctx.now())
        progress(len(batch))
    return ids


def _adopt_links_and_queue(file: BankFile, state: BankState) -> None:
    """Store the links to greater numbers, and the thinking queue; what is there already stays as it is."""
    change, section = file.section.bank.change, file.section
    lines = chain(read_at(file.path, section.relinked), read_at(file.path, section.exchanges))
    while batch := list(islice(lines, BATCH_MEMORIES)):
        steps: list[Step] = [Relink(r, change) for r in batch if isinstance(r, ExportedMemory)]
        steps += [Requeue(r, change) for r in batch if isinstance(r, Exchange)]
        file.services.storage.apply(state.number, steps, at=file.services.clock())


def _entries(file: BankFile, state: BankState, memories: Sequence[ExportedMemory]) -> list[IndexEntry]:
    """Index entries: words are indexed anew, vectors are the file's where they fit, else made, or left for later."""
    indexer, indexables = file.services.indexer, [IndexableText.of(memory.content) for memory in memories]
    entries = [_words(file, state, memory) for memory in memories]
    if not file.brings_vectors:
        late = file.services.settings.runtime.encode_late
        return entries if late else indexer.encode(entries, indexables)
    carried = {i: memory.vector for i, memory in enumerate(memories) if memory.vector is not None}
    halves = np.frombuffer(b"".join(carried.values()), dtype="<f2")
    vectors = halves.reshape(len(carried), file.header.encoder.dimension).astype(np.float32)
    parts = [replace(entries[i], passages=memories[i].passages, tokens=memories[i].tokens) for i in carried]
    done = indexer.complete(parts, vectors)
    complete = dict(zip(carried, done, strict=True))
    return [complete.get(i, entry) for i, entry in enumerate(entries)]


def _words(file: BankFile, state: BankState, memory: ExportedMemory) -> IndexEntry:
    entry = file.services.indexer.words(state, IndexableText.of(memory.content))
    if memory.echo_of is not None:
        return entry.as_echo()
    return replace(entry, wanted=memory.wanted and entry.wanted)


@dataclass(frozen=True)
class ErasedTexts:
    """Texts that were erased from a bank of this store: by their uuids, and by fingerprints under the caller's key."""

    bank: BankName
    uuids: frozenset[str]
    remade: frozenset[str]
    macs: frozenset[bytes]
    key: bytes | None

    @classmethod
    def of(cls, file: BankFile) -> Self:
        """Those of the bank that a file names."""
        storage = file.services.storage
        receipts = [receipt for receipt in storage.receipts() if receipt.bank == file.name]
        return cls(
            bank=file.name,
            uuids=frozenset(id for receipt in receipts for id in receipt.erased),
            remade=frozenset(id for receipt in receipts for id in receipt.remade),
            macs=frozenset(storage.fingerprints(file.name)),
            key=file.services.erasure_key,
        )

    def hold(self, memory: ExportedMemory) -> bool:
        """Whether it was erased."""
        if (memory.uuid or memory.content.id) in self.uuids:
            return True
        known_key = self.key is not None and bool(self.macs)
        return known_key and fingerprint(self.key or b"", self.bank, IndexableText.of(memory.content)) in self.macs


@dataclass
class Comparison:
    """Counts of an export's memories beside a bank that is there: held, erased since, missing, and with other words."""

    present: int = 0
    erased: int = 0
    missing: int = 0
    different: int = 0


def compare(file: BankFile, state: BankState) -> Comparison:
    """Look for each of the file's memories in a bank."""
    erased, comparison = ErasedTexts.of(file), Comparison()
    for batch in file.batches():
        with file.services.storage.view(state.number) as view:
            seqs = view.locate([memory.content.id for memory in batch])
            held = view.memories(list(seqs.values()))
        for memory in batch:
            _count(comparison, memory, held.get(seqs.get(memory.content.id, 0)), erased)
    return comparison


def _count(comparison: Comparison, memory: ExportedMemory, held: Memory | None, erased: ErasedTexts) -> None:
    if held is None:
        comparison.erased += erased.hold(memory)
        comparison.missing += not erased.hold(memory)
    elif _is_other(memory, held, erased):
        comparison.different += 1
    else:
        comparison.present += 1


def _is_other(memory: ExportedMemory, held: Memory, erased: ErasedTexts) -> bool:
    """Whether an id stands for other words; those of an item may have been replaced since, or been made again."""
    content = memory.content
    if content.kind == held.kind == "item" or (memory.uuid or content.id) in erased.remade:
        return False
    return (content.text, content.speaker, content.kind) != (held.text, held.speaker, held.kind)
