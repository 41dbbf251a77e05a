"""View of one bank made of dicts, as it was when the view was opened."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from memkit.batches import PassageBatch, RowBatch, SketchBatch, TermBatch, TurnBatch, row_batches
from memkit.models import IndexEntry, IndexRow, Kind, Memory, Mention, MentionKind, PastState
from memkit.protocols import FloatArray, PageOptions, Span
from memkit.storage.core.base_view import VISIBLE_STATES, LastTurn, View, chosen_seqs
from memkit.storage.core.blocks import Block, sketch_batches
from memkit.storage.core.records import HistoryRow, Queued, StoredMemory, index_row
from memkit.storage.core.rows import decode_history, history_columns
from memkit.storage.core.vectors import passage_batch, stack_vectors
from memkit.storage.inmemory.bank import BankRecords
from memkit.text.terms.forms import plain_name
from memkit.times import as_micros


class MemoryView(View):
    """A BankView over dicts that nobody changes while it is open."""

    def __init__(self, data: BankRecords) -> None:
        self.data = data
        self.state, self.hasher = data.state, data.hasher
        self.next_seq, self.next_exchange = data.next_seq, data.next_exchange

    def locate(self, ids: Sequence[str]) -> dict[str, int]:
        return {id: min(seqs) for id in ids if (seqs := self.data.seqs_by("id", id))}

    def records(self, seqs: Sequence[int]) -> dict[int, StoredMemory]:
        return {seq: self.data.records[seq] for seq in seqs if seq in self.data.records}

    def names(self, seqs: Iterable[int]) -> dict[int, str]:
        return {seq: record.memory.id for seq, record in self.records(list(seqs)).items()}

    def rows(self, since: int = 0) -> Iterator[IndexRow]:
        """Index rows in order of seq."""
        for seq in sorted(self.data.records):
            if self.data.changed[seq] > since:
                yield index_row(self.data.records[seq], self.hasher)

    def row_batches(self, since: int = 0) -> Iterator[RowBatch]:
        return row_batches(self.rows(since))

    def rows_of_sessions(self, sessions: Sequence[int]) -> list[IndexRow]:
        seqs = sorted({seq for session in sessions for seq in self.data.seqs_by("session", session)})
        return self.rows_of(seqs)

    def sessions_of(self, seqs: Sequence[int]) -> list[int]:
        places = (record.placement for record in self.records(seqs).values())
        return sorted({place.session for place in places if place is not None})

    def erased_since(self, since: int) -> list[list[int]]:
        return [seqs for change, seqs in self.data.erased.items() if change > since]

    def states_at(self, moment: datetime) -> dict[int, PastState]:
        history = self.data.history.items()
        later = {
            seq: [row.before for row in rows if row.at > moment and row.before is not None] for seq, rows in history
        }
        firsts = {seq: images[0] for seq, images in later.items() if images}
        ends = as_micros(first.memory.valid_until for first in firsts.values())
        return {
            seq: PastState(first.memory.state, end, first.superseded_by)
            for (seq, first), end in zip(firsts.items(), ends, strict=True)
        }

    def sketches(self, since: int = 0) -> Iterator[SketchBatch]:
        rows = ((seq, since, entry.sketch) for seq, entry in self._indexed(since) if entry.sketch is not None)
        return sketch_batches(Block.of(rows))

    def terms(self, since: int = 0) -> Iterator[TermBatch]:
        rows = [(seq, list(entry.terms.items())) for seq, entry in self._indexed(since) if entry.terms]
        if rows:
            yield TermBatch.of(rows)

    def _indexed(self, since: int) -> Iterator[tuple[int, IndexEntry]]:
        written = sorted(seq for seq, change in self.data.indexed.items() if change > since)
        return ((seq, self.data.entries[seq]) for seq in written)

    def vectors(self, seqs: Sequence[int]) -> FloatArray:
        vectors = [self.data.entries[seq].vector if seq in self.data.entries else None for seq in seqs]
        if any(vector is not None for vector in vectors):
            return stack_vectors(vectors)
        other = next((entry.vector for entry in self.data.entries.values() if entry.vector is not None), None)
        return stack_vectors([*vectors, other])[: len(seqs)]

    def with_passages(self, seqs: Sequence[int]) -> tuple[FloatArray, PassageBatch]:
        entries = self.entries(seqs)
        stored = {seq: entry.passages for seq, entry in entries.items() if entry.passages is not None}
        vectors = self.vectors(seqs)
        return vectors, passage_batch(stored, vectors.shape[1])

    def tokens(self, seqs: Sequence[int]) -> dict[int, bytes]:
        return {seq: entry.tokens for seq, entry in self.entries(seqs).items() if entry.tokens is not None}

    def labelled(self, session: str, newest: int | None = None) -> list[int]:
        seqs = sorted(self.data.seqs_by("label", session))
        if newest is None:
            return seqs
        turns = self._active([seq for seq in seqs if self.data.records[seq].placement is not None], ("turn",))
        return sorted(turns)[max(0, len(turns) - newest) :]

    def turns_of(self, session: int, after: int = 0) -> list[int]:
        placed = (seq for seq in self.data.seqs_by("session", session) if seq > after)
        return sorted(seq for seq in placed if self.data.records[seq].memory.kind == "turn")

    def visible_turns(self, session: int) -> TurnBatch:
        memories = ((seq, self.data.records[seq].memory) for seq in self.turns_of(session))
        return TurnBatch.of((seq, len(m.text), m.salience) for seq, m in memories if m.state in VISIBLE_STATES)

    def last_saliences(self, limit: int) -> list[float]:
        placed = (r.memory.salience for r in reversed(self.data.records.values()) if r.placement is not None)
        newest_first = list(islice(placed, limit))  # a bank's records come in order of seq
        return [salience for salience in reversed(newest_first) if salience is not None]

    def unencoded(self, limit: int) -> list[Memory]:
        return self.in_order(sorted(self.data.seqs_by("unencoded", True))[:limit])

    def expiring(self, until: datetime, limit: int) -> list[int]:
        memories = {seq: self.data.records[seq].memory for seq in self.data.seqs_by("kind", "item")}
        ends = sorted((memory.valid_until, seq) for seq, memory in memories.items() if memory.valid_until is not None)
        return [seq for end, seq in ends if end <= until][:limit]

    def same_text(self, keys: Sequence[int]) -> dict[int, str]:
        ids: dict[int, str] = {}
        for key in keys:
            active = self._active(self.data.seqs_by("text", key))
            originals = [seq for seq in active if self.data.records[seq].echo_of is None]
            if originals:
                ids[key] = self.data.records[min(originals)].memory.id
        return ids

    def same_thoughts(self, keys: Sequence[int], speaker: str | None) -> dict[int, Memory]:
        voice = speaker and plain_name(speaker)
        alike = {key: self._active(self.data.seqs_by("thought", (key, voice))) for key in keys}
        return {key: self.memories([min(seqs)])[min(seqs)] for key, seqs in alike.items() if seqs}

    def in_groups(self, groups: Sequence[int], kinds: Sequence[Kind], limit: int) -> list[int]:
        derived = [kind for kind in kinds if kind != "turn"]
        return [seq for group in groups for seq in self._newest(self.data.seqs_by("group", group), derived, limit)]

    def about(self, head: str, kinds: Sequence[Kind], limit: int) -> list[Memory]:
        return self.in_order(self._newest(self.data.seqs_by("head", plain_name(head)), kinds, limit))

    def _newest(self, seqs: Iterable[int], kinds: Sequence[Kind], limit: int) -> list[int]:
        return sorted(self._active(seqs, kinds), reverse=True)[:limit]

    def _active(self, seqs: Iterable[int], kinds: Sequence[Kind] | None = None) -> list[int]:
        chosen = self.records(list(seqs)).values()
        active = (r for r in chosen if r.memory.state == "active")
        return [record.seq for record in active if kinds is None or record.memory.kind in kinds]

    def speakers(self) -> dict[str, int]:
        names = (str(name) for name in self.data.values("speaker") if name is not None)
        return {name: self.hasher.speaker(name) for name in names}

    def tagged(self, tags: Sequence[int]) -> set[int]:
        return {seq for tag in tags for seq in self.data.seqs_by("tag", tag)}

    def mentions(self, kinds: Sequence[MentionKind], span: Span = (None, None)) -> list[tuple[int, Mention]]:
        start, end = as_micros(span)
        return [
            (seq, mention)
            for seq, entry in sorted(self.data.entries.items())
            for mention in sorted(set(entry.mentions), key=lambda m: (m.start, m.end, m.kind))
            if mention.kind in kinds and (start is None or mention.end > start) and (end is None or mention.start < end)
        ]

    def all_seqs(self) -> list[int]:
        return sorted(self.data.records)

    def resting_on(self, seqs: Sequence[int]) -> set[int]:
        return {derived for seq in seqs for derived in self.data.seqs_by("source", seq)}

    def last_turn(self, label: str | None) -> LastTurn | None:
        placed = self.data.seqs_by("placed", True)
        turns = placed if label is None else self.data.seqs_by("label", label) & placed
        place = self.data.records[max(turns)].placement if turns else None
        if place is None:
            return None
        episode = self.records(list(self.data.seqs_by("episode", tuple(place)))).values()
        characters = sum(len(record.memory.text) for record in episode)
        exchanges = [(q.number, len(q.turns)) for q in self.queue() if q.session == place.session and not q.closed]
        return LastTurn(max(turns), len(episode), characters, *max(exchanges, default=(None, 0)))

    def rows_of(self, seqs: Collection[int]) -> list[IndexRow]:
        return [index_row(self.data.records[seq], self.hasher)._replace(sources=()) for seq in seqs]

    def page(self, options: PageOptions) -> list[Memory]:
        rows = self.rows_of(self.data.records if options.among is None else options.among)
        return self.in_order(chosen_seqs(rows, options))

    def history_rows(self, seq: int) -> list[HistoryRow]:
        rows = [history_columns(history_row) for history_row in self.data.history.get(seq, ())]
        return decode_history(rows, self.data.records.get(seq))

    def superseded_by_any(self, seqs: Sequence[int]) -> list[int]:
        return sorted({old for seq in seqs for old in self.data.seqs_by("superseded", seq)})

    def queue(self) -> list[Queued]:
        return [queued for _, queued in sorted(self.data.exchanges.items())]

    def queued(self, numbers: Sequence[int]) -> dict[int, Queued]:
        return {n: self.data.exchanges[n] for n in numbers if n in self.data.exchanges}

    def echoes(self, seqs: Sequence[int]) -> list[int]:
        return sorted({echo for seq in seqs for echo in self.data.seqs_by("echo", seq)})

    def reasons(self) -> list[tuple[int, str]]:
        history_rows = (history_row for own in self.data.history.values() for history_row in own)
        return [(e.seq, e.reason) for e in history_rows if e.author == "thinker" and e.reason is not None]

    def entries(self, seqs: Sequence[int]) -> dict[int, IndexEntry]:
        return {seq: self.data.entries[seq] for seq in seqs if seq in self.data.entries}
