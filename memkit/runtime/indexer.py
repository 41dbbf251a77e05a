"""Indexer: from a text to its index entry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import numpy as np

from memkit.items import indexed_parts
from memkit.models import BankState, IndexEntry, Memory, Mention
from memkit.protocols import FloatArray
from memkit.recall.index.lsh import CrossPolytope, Sketcher
from memkit.recall.index.token_rows import packed, passage_words
from memkit.runtime.encoder_slot import EncoderSlot
from memkit.settings import Settings
from memkit.text.forgetting.requests import without_requests
from memkit.text.intents.instructions import instructions
from memkit.text.intents.plans import changes_plans
from memkit.text.parts import passages, without_recalled
from memkit.text.reading import MIN_READING
from memkit.text.terms.keys import document_terms, encoded_text, item_key, text_key
from memkit.text.terms.tokens import has_words
from memkit.text.times.mentioned import timed_clauses
from memkit.text.token_vectors import TokenVectors
from memkit.times import to_micros

WORDS_OF_AN_ECHO = 3  # a longer text counts as the same whoever repeats it


@dataclass(frozen=True)
class IndexableText:
    """A text on its way into a bank: what is needed to index it.

    `is_turn`: it is a turn; `spoken`: a person's. `item`: the id of the item whose text it is, of which each of `parts`
    has a vector of its own.
    """

    text: str
    speaker: str | None
    at: datetime
    spoken: bool = False
    is_turn: bool = False
    item: str | None = None
    parts: tuple[str, ...] = ()

    @classmethod
    def of(cls, memory: Memory) -> "IndexableText":
        """The indexable text of a stored memory."""
        if memory.kind == "item":
            return cls(memory.text, None, memory.occurred_at, item=memory.id, parts=tuple(indexed_parts(memory)))
        is_turn = memory.kind == "turn"
        spoken = is_turn and memory.role in (None, "user")
        return cls(memory.text, memory.speaker, memory.occurred_at, spoken, is_turn)

    @cached_property
    def telling_text(self) -> str:
        """The text without what tells nothing: a person's requests to have something forgotten."""
        return without_requests(self.text) if self.spoken else self.text


def echo_key(state: BankState, text: str, speaker: str | None) -> int:
    """The key under which a text is known again in a bank; a short one counts for its speaker alone."""
    is_short = len(text.split(None, WORDS_OF_AN_ECHO)) <= WORDS_OF_AN_ECHO
    return text_key(state.key, text, speaker if is_short else None)


class Indexer:
    """Makes index entries under a bank's key; the sketches are the same in every bank of the store."""

    def __init__(self, slot: EncoderSlot, settings: Settings) -> None:
        self._slot, self._settings = slot, settings.index
        self._day_first = settings.ranking.day_first
        self._hashes_of_dimension: tuple[int, Sketcher, CrossPolytope] | None = None

    def hashes(self) -> tuple[Sketcher, CrossPolytope]:
        """The store's random hyperplanes and TiM's hash, for the encoder's dimension."""
        dimension = self._slot.get().dimension
        if self._hashes_of_dimension is None or self._hashes_of_dimension[0] != dimension:
            index = self._settings
            self._hashes_of_dimension = (
                dimension,
                Sketcher(dimension, index.sketch_bits, index.sketch_seed),
                CrossPolytope(dimension, index.groups, index.sketch_seed),
            )
        return self._hashes_of_dimension[1], self._hashes_of_dimension[2]

    def words(self, state: BankState, indexable: IndexableText) -> IndexEntry:
        """The index entry of a text, still without its vector."""
        key, text = self._text_key(state, indexable), indexable.telling_text
        if not has_words(without_recalled(text)):
            return IndexEntry(text_key=key, wanted=False)
        terms = document_terms(
            text, speaker=indexable.speaker, at=indexable.at, zone=ZoneInfo(state.zone), key=state.key
        )
        return IndexEntry(text_key=key, terms=terms, mentions=tuple(self._mentions(indexable, text, state.zone)))

    def _text_key(self, state: BankState, indexable: IndexableText) -> int:
        if indexable.item is not None:
            return item_key(state.key, indexable.item)
        return echo_key(state, indexable.text, indexable.speaker)

    def _mentions(self, indexable: IndexableText, text: str, zone: str) -> Iterator[Mention]:
        """Times that a turn names; of a person's, whether it gives standing instructions or changes plans."""
        if not indexable.is_turn:
            return
        for timed in timed_clauses(text, indexable.at, zone, day_first=self._day_first):
            yield Mention(timed.interval.unit, to_micros(timed.interval.start), to_micros(timed.interval.end))
        said = to_micros(indexable.at)
        if indexable.spoken and instructions(text):
            yield Mention("standing", said, said)
        if indexable.spoken and changes_plans(text):
            yield Mention("change", said, said)

    def renewed(self, state: BankState, memory: Memory, old: IndexEntry) -> IndexEntry:
        """A stored memory's entry made again from its text and from the vector that it has."""
        words = replace(self.words(state, IndexableText.of(memory)), wanted=old.wanted)
        if old.vector is None or len(old.vector) != 2 * self._slot.get().dimension:
            return words
        vectors = np.frombuffer(old.vector, dtype="<f2")[None].astype(np.float32)
        [entry] = self.complete([replace(words, passages=old.passages, tokens=old.tokens)], vectors)
        return entry

    def complete(self, entries: Sequence[IndexEntry], vectors: FloatArray) -> list[IndexEntry]:
        """The same entries with their vectors, sketches and groups; `vectors` is (len(entries), dimension)."""
        if not entries:
            return []
        sketcher, groups = self.hashes()
        halves = vectors.astype("<f2")
        sketches, keys = sketcher.sketch(vectors), groups.group(vectors).tolist()
        return [
            replace(entry, vector=half.tobytes(), sketch=sketch.tobytes(), group=key)
            for entry, half, sketch, key in zip(entries, halves, sketches, keys, strict=True)
        ]

    def encode(self, entries: Sequence[IndexEntry], indexables: Sequence[IndexableText]) -> list[IndexEntry]:
        """Entries with vectors where they are wanted and the encoder gives them in time; none of what it can't read.

        A vector is as long as the encoder reads its text: of what it half reads, a cosine counts half.
        """
        wanted = [i for i, entry in enumerate(entries) if entry.wanted]
        readings = self._slot.readings([indexables[i].telling_text for i in wanted])
        is_read = readings >= MIN_READING
        unread = {i: replace(entries[i], wanted=False) for i, read in zip(wanted, is_read, strict=True) if not read}
        wanted = [i for i in wanted if i not in unread]
        parts = [self._parts(indexables[i]) for i in wanted]
        texts = [
            [encoded_text(indexables[i].speaker, part) for part in own] for i, own in zip(wanted, parts, strict=True)
        ]
        rows, tokens = self._encoded([text for own in texts for text in own])
        ends = accumulate(map(len, texts), initial=0)
        spans = [(start, end) for start, end in pairwise(ends) if end <= len(rows)]
        for (start, end), read in zip(spans, readings[is_read], strict=False):
            rows[start:end] *= read
        whole = [
            replace(
                entries[i],
                passages=rows[start + 1 : end].astype("<f2").tobytes() or None,
                tokens=_packed_words(parts[n], texts[n], tokens[start:end]),
            )
            for n, (i, (start, end)) in enumerate(zip(wanted, spans, strict=False))
        ]
        done = self.complete(whole, rows[[start for start, _ in spans]])
        encoded = unread | dict(zip(wanted[: len(spans)], done, strict=True))
        return [encoded.get(i, entry) for i, entry in enumerate(entries)]

    def _encoded(self, texts: Sequence[str]) -> tuple[FloatArray, list[TokenVectors]]:
        """Rows of the first texts, and the vectors of their tokens where these are wanted and the encoder gives any."""
        if self._settings.tokens:
            return self._slot.encode_some_tokens(texts)
        return self._slot.encode_some(texts), []

    def _parts(self, indexable: IndexableText) -> list[str]:
        """Texts that get a vector each: the whole text and the passages of a long one, or the parts of an item."""
        settings = self._settings
        if indexable.parts:
            return list(indexable.parts)
        if len(indexable.text) <= settings.passage_from:
            return [indexable.text]
        size, above = settings.passage_characters, settings.passage_from
        return [indexable.text, *passages(indexable.telling_text, size=size, above=above)]

    def entry(self, state: BankState, memories: Sequence[Memory]) -> list[IndexEntry]:
        """Whole index entries of memories that are about to be stored."""
        indexables = [IndexableText.of(memory) for memory in memories]
        return self.encode([self.words(state, indexable) for indexable in indexables], indexables)


def _packed_words(parts: Sequence[str], texts: Sequence[str], tokens: Sequence[TokenVectors]) -> bytes | None:
    """Words of a text's passages, or of the text itself where it has none, as they are stored.

    `parts`: the text, then its passages; `texts`: the same as they were encoded, `tokens`: what the encoder gave.
    """
    every = [
        passage_words(part, own, offset=len(text) - len(part))
        for part, text, own in zip(parts, texts, tokens, strict=False)
    ]
    return packed(every[1:] or every)
