"""Indexes in RAM grow with a bank: however it came there, each is what loading the bank at once would give."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memkit
from memkit.batches import NO_VALUE, RowBatch, TermBatch, row_batches
from memkit.encoders.hashing import HashingEncoder
from memkit.models import IndexRow
from memkit.recall.index.columns import Columns
from memkit.recall.index.groups import BankGroups
from memkit.recall.index.postings import LexicalIndex, by_hash
from memkit.recall.index.seq_array import SeqArray, distinct
from memkit.recall.index.sketch_decoding import SketchDecoder, weighed_signs
from memkit.recall.ranking.evidence import SearchTerm, lexical_evidence
from memkit.recall.ranking.links import adjacent_turns
from memkit.settings import RankingSettings, Settings
from memkit.testing import FrozenClock
from memkit.text.terms.keys import key_hash

SEQ_LISTS = st.lists(st.integers(0, 60), min_size=1, max_size=8, unique=True)


def row(seq: int, *, session: int | None = None, length: int = 5, strength: float = 1.0) -> IndexRow:
    placed = (session, session)
    times = (seq, seq, None, None)
    return IndexRow(
        seq, "turn", "active", 7, None, *placed, *times, strength, None, None, False, length, False, None, None, ()
    )


@given(st.lists(st.tuples(SEQ_LISTS, SEQ_LISTS), max_size=6), st.sampled_from([0, 3, 64]))
def test_rows_put_in_any_order_lie_by_seq_the_last_of_each_holds_and_removed_ones_are_gone(
    steps: list[tuple[list[int], list[int]]], room: int
) -> None:
    held, expected = SeqArray(2, np.int64, room), dict[int, list[int]]()
    for number, (seqs, gone) in enumerate(steps):
        held.put(np.array(seqs), np.array([[number, seq] for seq in seqs]))
        held.remove(np.array(gone))
        expected.update({seq: [number, seq] for seq in seqs})
        expected = {seq: row for seq, row in expected.items() if seq not in gone}
    assert held.seqs.tolist() == sorted(expected)
    assert held.rows.tolist() == [expected[seq] for seq in sorted(expected)]
    at, here = held.find(np.arange(62))
    assert np.flatnonzero(here).tolist() == sorted(expected)
    assert held.seqs[at[here]].tolist() == sorted(expected)


def test_rows_that_belong_to_something_else_are_copied_and_others_than_its_own_are_refused() -> None:
    held, lent = SeqArray(2, np.uint8, room=0), bytes([1, 2, 3, 4])
    held.put(np.array([1, 2]), np.frombuffer(lent, np.uint8).reshape(-1, 2))
    held.put(np.array([1]), np.array([[9, 9]], np.uint8))
    assert (held.rows.tolist(), lent) == ([[9, 9], [3, 4]], bytes([1, 2, 3, 4]))
    with pytest.raises(ValueError, match="shape"):
        SeqArray(2, np.uint8, room=0).put(np.array([1]), np.zeros((1, 3), np.uint8))


PLACED_ROWS = st.dictionaries(st.integers(0, 60), st.tuples(st.integers(0, 3), st.integers(1, 9)))


@given(st.lists(st.tuples(PLACED_ROWS, st.sets(st.integers(0, 60))), max_size=6))
def test_columns_and_what_stands_beside_them_equal_those_loaded_at_once(
    steps: list[tuple[dict[int, tuple[int, int]], set[int]]],
) -> None:
    grown, final = Columns(), dict[int, IndexRow]()
    none = np.empty(0, np.int64)
    for batch, gone in steps:
        final.update({seq: row(seq, session=s, length=n) for seq, (s, n) in batch.items()})
        grown.put(row_batches(final[seq] for seq in batch))
        grown.measure(none)
        grown.remove(np.array(sorted(gone), dtype=np.int64))
        grown.measure(none)
        final = {seq: row for seq, row in final.items() if seq not in gone}
    whole = Columns()
    whole.put([RowBatch.of(final.values())])
    whole.measure(none)
    statistics, fresh = grown.statistics, whole.statistics
    for name in ("seq", "session", "length", "occurred_at", "valid_from"):
        assert grown.column(name).tolist() == whole.column(name).tolist()
    assert statistics.sessions.sizes.tolist() == fresh.sessions.sizes.tolist()
    assert (len(statistics.sessions), statistics.sessions.row_count) == (len(fresh.sessions), fresh.sessions.row_count)
    numbers = sorted({row.session for row in final.values() if row.session is not None})
    since = [sum(other > number for other in numbers) for number in numbers]
    assert statistics.sessions.numbers.tolist() == numbers
    assert statistics.sessions_since(np.array(numbers, dtype=np.int64)).tolist() == since
    lengths = whole.column("length")
    assert np.allclose(statistics.log_length(lengths), fresh.log_length(lengths), atol=1e-5)


def test_rows_that_no_question_finds_lie_in_their_chunks_and_are_not_counted_as_live() -> None:
    columns, none = Columns(), np.empty(0, np.int64)
    visible, echo, gone = row(1, session=0), row(2, session=0)._replace(echo_of=1), row(3, session=1)
    columns.put([RowBatch.of([visible, echo, gone])])
    columns.measure(none)
    assert (columns.statistics.sessions.visible_sizes.tolist()[:2], columns.statistics.hidden_count) == ([1, 1], 1)
    columns.put([RowBatch.of([gone._replace(state="forgotten")])])
    columns.measure(none)
    assert columns.statistics.sessions.sizes.tolist()[:2] == [2, 1]
    assert (columns.statistics.sessions.visible_sizes.tolist()[:2], columns.statistics.hidden_count) == ([1, 0], 2)


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=9), max_size=4), st.sets(st.integers(0, 5)))
def test_the_members_of_chunks_are_those_that_a_loop_finds(parts: list[list[int | None]], asked: set[int]) -> None:
    chunks = BankGroups()
    column = np.array([NO_VALUE if number is None else number for part in parts for number in part], dtype=np.int64)
    start = 0
    for part in parts:
        chunks.add(column[start : start + len(part)], start)
        start += len(part)
    present = np.array([number for number in sorted(asked) if number in column], dtype=np.int64)
    assert chunks.members(present, column).tolist() == [i for i, number in enumerate(column) if number in present]


@given(st.lists(st.sampled_from([0, 5, -5, 1 << 20, 1 << 40, -(1 << 40), 2**63 - 1, -(2**63), (1 << 40) + 5])))
def test_hashes_are_ordered_as_a_stable_sort_orders_them(hashes: list[int]) -> None:
    terms = np.array(hashes, dtype=np.int64)
    assert by_hash(terms).tolist() == np.argsort(terms, kind="stable").tolist()


TERM_COUNTS = st.dictionaries(st.integers(-3, 3), st.integers(1, 300))


@given(st.lists(st.tuples(st.dictionaries(st.integers(0, 300), TERM_COUNTS), st.sets(st.integers(0, 300)))))
def test_postings_equal_the_obvious_dictionary_however_they_came_and_went(
    steps: list[tuple[dict[int, dict[int, int]], set[int]]],
) -> None:
    index, texts = LexicalIndex(), dict[int, dict[int, int]]()
    for batch, gone in steps:
        held = {seq: terms for seq, terms in sorted(batch.items()) if terms}
        rows = [(seq, list(terms.items())) for seq, terms in held.items()]
        index.add([TermBatch.of(rows[:3]), TermBatch.of(rows[3:])])
        index.remove(np.array(sorted(gone), dtype=np.int64))
        texts = {seq: terms for seq, terms in {**texts, **held}.items() if seq not in gone}
    assert len(index) == len(texts)
    for term in range(-3, 4):
        seqs, counts = index.postings(term)
        expected = {seq: min(terms[term], 255) for seq, terms in sorted(texts.items()) if term in terms}
        assert dict(zip(seqs.tolist(), counts.tolist(), strict=True)) == expected
        assert seqs.tolist() == sorted(expected)


TURN_RUNS = st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from([1, 2, 40])), min_size=1, max_size=12)


@settings(max_examples=300)
@given(TURN_RUNS, st.integers(1, 4))
def test_the_turns_beside_one_are_the_nearest_of_its_session_however_sessions_interleave(
    runs: list[tuple[int, bool, int]], reach: int
) -> None:
    flow = [(session, said) for session, said, times in runs for _ in range(times)]
    columns = Columns()
    rows = [row(seq, session=session or None) for seq, (session, _) in enumerate(flow)]
    memories = [turn if said else turn._replace(kind="thought") for turn, (_, said) in zip(rows, flow, strict=True)]
    columns.put([RowBatch.of(memories)])
    columns.measure(np.empty(0, np.int64))
    adjacent = adjacent_turns(columns, np.arange(len(flow)), reach)
    turns = {i: session for i, (session, said) in enumerate(flow) if session and said}
    assert adjacent.keys() == turns.keys()
    for i, near in adjacent.items():
        own = [j for j, session in turns.items() if session == turns[i]]
        at = own.index(i)
        assert near == own[max(0, at - reach) : at] + own[at + 1 : at + 1 + reach]


TERM_LETTERS = st.sampled_from("abcd")


@settings(max_examples=300)
@given(st.lists(st.sets(TERM_LETTERS), max_size=25), st.lists(TERM_LETTERS, min_size=2), st.integers(1, 4))
def test_the_best_rows_by_words_score_as_those_that_looking_at_every_row_finds(
    texts: list[set[str]], asked: list[str], count: int
) -> None:
    key, columns, index = b"k" * 16, Columns(), LexicalIndex()
    columns.put([RowBatch.of([row(seq) for seq in range(1, len(texts) + 1)])])
    held = [(seq, [(key_hash(key, term), 1) for term in text]) for seq, text in enumerate(texts, 1) if text]
    index.add([TermBatch.of(held)])
    evidence = lexical_evidence(index, columns, key, [SearchTerm(((term,),), 9.0) for term in asked])
    scores, best = evidence.scores(np.arange(len(texts))), evidence.best(count)
    assert best.tolist() == sorted(set(best.tolist()))
    assert sorted(scores[best].tolist(), reverse=True) == sorted(scores[scores > 0].tolist(), reverse=True)[:count]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_signs_are_weighed_by_counting_bits_as_by_adding_up(seed: int) -> None:
    random = np.random.default_rng(seed)
    weights = random.standard_normal(128).astype(np.float32)
    sketches = random.integers(0, 256, (30, 16), dtype=np.uint8)
    signs = 2.0 * np.unpackbits(sketches, axis=1) - 1
    step = (weights.max() - weights.min()) / 127
    assert np.abs(weighed_signs(weights, sketches) - signs @ weights).max() < step / 2 * 128


def test_a_sketch_tells_a_cosine_with_two_thirds_of_the_error_of_hamming_distances() -> None:
    random = np.random.default_rng(3)
    rows = random.standard_normal((4_000, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    planes = random.standard_normal((384, 512)).astype(np.float32)
    sketches = np.packbits(rows @ planes > 0, axis=1)
    decoder = SketchDecoder(planes, rows[:2_000])
    asked = rows[2_000]
    true = rows[2_001:] @ asked
    differing = np.unpackbits(sketches[2_001:] ^ sketches[2_000], axis=1).sum(axis=1)
    by_distance = np.cos(np.pi * differing / 512) - true
    assert (decoder.cosines(asked, sketches[2_001:]) - true).std() < by_distance.std() / 1.5


@given(st.lists(st.integers(-9, 9)))
def test_distinct_numbers_are_those_of_a_set(numbers: list[int]) -> None:
    assert distinct(np.array(numbers, dtype=np.int64)).tolist() == sorted(set(numbers))


def test_after_deletions_and_updates_recall_by_sketches_finds_what_a_bank_opened_anew_finds() -> None:
    clock = FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))
    choice = Settings(ranking=RankingSettings(exact_up_to=50))
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=clock, settings=choice) as store:
        bank = store.bank("ana")
        bank.observe([("ana", f"On day {i} I ate {i * 7 % 31} figs.") for i in range(200)])
        first = bank.recall("How many figs on day 111?", k=5)
        bank.erase(ids=[first[0].memory.id])
        bank.forget([first[1].memory.id], reason="wrong")
        bank.observe([("ana", f"On day {i} I ate {i * 7 % 31} plums.") for i in range(200, 260)])
        grown = bank.recall("How many plums on day 211?", k=5, reinforce=False)
        store._services.indexes.drop()
        anew = bank.recall("How many plums on day 211?", k=5, reinforce=False)
        assert [(hit.memory.id, hit.score) for hit in grown] == [(hit.memory.id, hit.score) for hit in anew]
        left = bank.recall("How many figs on day 111?", k=200, min_score=0)
        assert not {first[0].memory.id, first[1].memory.id} & {hit.memory.id for hit in left}


@given(st.lists(st.sets(TERM_LETTERS, min_size=1), min_size=1, max_size=25), st.lists(TERM_LETTERS), st.data())
def test_words_of_what_has_no_row_change_no_score_of_what_has_one(
    texts: list[set[str]], asked: list[str], data: st.DataObject
) -> None:
    key, index, every = b"k" * 16, LexicalIndex(), Columns()
    index.add([TermBatch.of([(seq, [(key_hash(key, term), 1) for term in text]) for seq, text in enumerate(texts)])])
    every.put([RowBatch.of([row(seq) for seq in range(len(texts))])])
    here = sorted(data.draw(st.sets(st.sampled_from(range(len(texts))), min_size=1)))
    some = Columns()
    some.put([RowBatch.of([row(seq) for seq in here])])
    whole, part = (
        lexical_evidence(index, columns, key, [SearchTerm(((term,),), 9.0) for term in asked])
        for columns in (every, some)
    )
    rows, wide = np.arange(len(here)), np.array(here)
    assert part.scores(rows).tolist() == whole.scores(wide).tolist()
    lengths = np.array([data.draw(st.sampled_from([10, 300, 5000])) for _ in here], dtype=np.int32)
    own, seen = part.saturations_in(rows), whole.saturations_in(wide)
    assert part.information(rows, lengths, own).tolist() == whole.information(wide, lengths, seen).tolist()
    assert part.terms_of(own) == whole.terms_of(seen)
