"""Words as terms in one form, times that texts name, and times told from an event that the bank knows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from memkit.batches import PassageBatch, QuantisedBatch, RowBatch, TermBatch
from memkit.models import IndexRow
from memkit.protocols import FloatArray
from memkit.recall.index.bank_index import BankIndex
from memkit.recall.index.lsh import Sketcher
from memkit.recall.ranking.cues import event_windows, read_cues
from memkit.recall.ranking.query import Query, RecallOptions
from memkit.recall.search import Searcher
from memkit.settings import RankingSettings
from memkit.storage.core.vectors import quantise_vectors
from memkit.text.curve import Curve
from memkit.text.terms.keys import date_terms, document_terms, key_hash, text_key
from memkit.text.terms.tokens import words
from memkit.text.times.dates import first_mentioned_time
from memkit.text.times.event_times import first_event_time
from memkit.text.times.intervals import Interval
from memkit.times import to_micros

KEY = b"0123456789abcdef"
NOW = datetime(2025, 6, 4, 12, tzinfo=UTC)  # a Wednesday


def terms(text: str) -> list[str]:
    return [word.term for word in words(text)]


@pytest.mark.parametrize("text", ["7pm", "7 pm", "7:00 pm", "7 p.m.", "19:00", "07:00 PM"])
def test_one_clock_time_has_the_same_terms_however_it_is_written(text: str) -> None:
    assert terms(f"Meet me at {text}") == ["meet", "7", "7pm"]


def test_clock_times_keep_their_minutes_and_take_no_half_of_the_day_that_is_not_told() -> None:
    assert terms("7:15") == ["7:15"]
    assert terms("19:15, 7:15pm") == ["7:15", "7:15pm", "7:15", "7:15pm"]
    assert terms("00:30 and 12 am") == ["12:30", "12:30am", "12", "12am"]
    assert terms("1:30:20") == ["1:30:20"]


def test_number_words_are_numbers_but_one_and_second_stay_words() -> None:
    assert terms("three twelve forty twenty-three hundred thousand") == ["3", "12", "40", "23", "100", "1000"]
    assert terms("3 12 40 23 100 1,000") == terms("three twelve forty twenty three hundred thousand")
    assert terms("that one, the second") == ["one", "second"]


def test_a_comma_parts_numbers_unless_it_stands_before_thousands() -> None:
    assert terms("December 1,2023") == ["decemb", "1", "2023"]
    assert terms("1,200,000.50 007 0.5") == ["1200000.50", "7", "0.5"]


@pytest.mark.parametrize(
    "text", ["2023-09-08", "8 September 2023", "September 8th, 2023", "8 Sept. 2023", "Sep 8, 2023", "2023年9月8日"]
)
def test_one_date_has_the_terms_of_its_day_month_and_year_however_it_is_written(text: str) -> None:
    assert sorted(terms(text)) == sorted(date_terms(datetime(2023, 9, 8, tzinfo=UTC)))


def test_a_date_that_may_be_read_two_ways_is_left_as_it_is() -> None:
    assert terms("05/08/2023") == ["5", "8", "2023"]


def test_a_short_month_that_is_also_a_name_needs_a_number_beside_it() -> None:
    assert terms("Jan saw a jar on 3 Jan") == ["jan", "saw", "jar", "3", "januari"]
    assert terms("in Aug") == ["august"]


def test_characters_without_spaces_are_cut_apart_from_letters_and_digits() -> None:
    assert terms("Tokyoに行く3時") == ["tokyo", "に行", "行く", "3", "時"]


def test_each_term_stands_where_the_text_says_it() -> None:
    text = "At 19:00 on 2023-05-08, twenty-three"
    assert {text[word.start : word.end] for word in words(text)} == {"19:00", "2023-05-08", "twenty-three"}


@pytest.mark.parametrize(
    ("text", "start", "end", "unit"),
    [
        ("in Sept. 2023", "2023-09-01", "2023-10-01", "month"),
        ("on 5 Jan", "2025-01-05", "2025-01-06", "day"),
        ("December 1,2023", "2023-12-01", "2023-12-02", "day"),
        ("next May", "2026-05-01", "2026-06-01", "month"),
        ("last summer", "2024-06-01", "2024-09-01", "season"),
        ("last winter", "2024-12-01", "2025-03-01", "season"),
        ("this summer", "2025-06-01", "2025-09-01", "season"),
        ("next fall", "2025-09-01", "2025-12-01", "season"),
        ("in the fall", "2024-09-01", "2024-12-01", "season"),
        ("in the summer of 2022", "2022-06-01", "2022-09-01", "season"),
        ("winter 2022", "2022-12-01", "2023-03-01", "season"),
        ("the week of 5 June 2024", "2024-06-03", "2024-06-10", "week"),
        ("between August 11 and August 15 2023", "2023-08-11", "2023-08-16", "days"),
        ("from 11 to 15 August 2023", "2023-08-11", "2023-08-16", "days"),
        ("from May to July", "2025-05-01", "2025-08-01", "months"),
        ("from Nov to Feb 2024", "2023-11-01", "2024-03-01", "months"),
        ("from Nov 2023 to Feb", "2023-11-01", "2024-03-01", "months"),
        ("from 2019 to 2021", "2019-01-01", "2022-01-01", "years"),
        ("in early June", "2025-06-01", "2025-06-11", "early"),
        ("mid-June 2024", "2024-06-11", "2024-06-21", "mid"),
        ("late Feb 2024", "2024-02-21", "2024-03-01", "late"),
        ("in 2022", "2022-01-01", "2023-01-01", "year"),
        ("the day before yesterday", "2025-06-02", "2025-06-03", "day"),
        ("the week before August 3, 2023", "2023-07-27", "2023-08-03", "days"),
        ("two weeks before 11 August 2023", "2023-07-25", "2023-08-01", "week"),
        ("the Sunday before October 25, 2022", "2022-10-23", "2022-10-24", "day"),
        ("last weekend before April 10, 2023", "2023-04-08", "2023-04-10", "weekend"),
        ("the day after 5 June 2024", "2024-06-06", "2024-06-07", "day"),
    ],
)
def test_a_time_is_read_as_exactly_the_days_that_it_means(text: str, start: str, end: str, unit: str) -> None:
    span = first_mentioned_time(text, NOW, "UTC")
    assert span is not None
    assert (span.start.date().isoformat(), span.end.date().isoformat(), span.interval.unit) == (start, end, unit)


@pytest.mark.parametrize(
    "text",
    [
        "What does Jan like?",
        "in Jan's car",
        "from 5 to 7",
        "from May to Sue",
        "fall in love",
        "2024-13-40",
        "9999 years before 1 May 2020",
        "in December 9999",
    ],
)
def test_what_only_looks_like_a_time_is_none(text: str) -> None:
    assert first_mentioned_time(text, NOW, "UTC") is None


def test_a_season_ahead_is_meant_where_the_future_is_preferred() -> None:
    span = first_mentioned_time("in the fall", NOW, "UTC", prefer="future")
    assert span is not None
    assert span.start.date().isoformat() == "2025-09-01"


def test_a_mentioned_time_is_an_interval_in_the_unit_that_was_named() -> None:
    span = first_mentioned_time("Two years ago I sailed", NOW, "UTC")
    assert span is not None
    assert span.interval.unit == "year"
    assert (span.interval.as_told.start.date().isoformat(), span.interval.as_told.unit) == ("2023-01-01", "year")
    assert span.interval.as_told.last.date().isoformat() == "2023-12-31"
    assert first_mentioned_time("a few years ago", NOW, "UTC").interval.unit == "vague"  # type: ignore[union-attr]


def test_an_interval_at_the_end_of_the_calendar_stays_in_it() -> None:
    start, end = datetime(9999, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    assert Interval(start, end, "year").as_told == Interval(start, end, "year")


@pytest.mark.parametrize(
    ("text", "event", "first", "last"),
    [
        ("What did Ana do the day before her birthday?", "her birthday", -2, 0),
        ("The week after the wedding, what did I cook?", "the wedding", 1, 7),
        ("Two days after the concert did she call?", "the concert", 1, 3),
        ("two weeks before my exam", "my exam", -17, -11),
        ("the Friday after the trip to Rome", "the trip to Rome", 1, 7),
    ],
)
def test_a_time_told_from_an_event_is_days_from_the_event(text: str, event: str, first: int, last: int) -> None:
    found = first_event_time(text)
    assert found is not None
    assert (found.event, found.first, found.last) == (event, first, last)


@pytest.mark.parametrize(
    "text", ["the day before 5 May", "the day before yesterday", "the day before", "the day after that"]
)
def test_a_time_told_from_a_date_or_from_nothing_is_no_time_told_from_an_event(text: str) -> None:
    assert read_cues(text, {}, NOW, "UTC", lambda _: True).relative is None


def test_an_events_words_are_search_terms_without_the_speakers_name() -> None:
    cues = read_cues("What did Bob do the day after Ana's wedding?", {"Ana": 7, "Bob": 8}, NOW, "UTC", lambda _: True)
    assert [word.forms[0][0] for word in cues.event] == ["wed"]
    assert "wed" in [word.forms[0][0] for word in cues.terms]


def test_windows_follow_the_days_on_which_the_event_was_told_best() -> None:
    relative = first_event_time("the week after the wedding")
    assert relative is not None
    days = np.array([to_micros(NOW + timedelta(days=10 * i)) for i in range(4)])
    [window] = event_windows(np.array([0, 9, 3, 0], np.float32), days, relative, "UTC")
    begin = to_micros(datetime(2025, 6, 15, tzinfo=UTC))
    assert window == (begin, begin + 7 * 86_400_000_000)
    assert event_windows(np.zeros(4, np.float32), days, relative, "UTC") == ()
    assert event_windows(np.zeros(0, np.float32), days[:0], relative, "UTC") == ()


def told(seq: int, text: str, days: float) -> tuple[IndexRow, TermBatch]:
    """A turn as the index takes it in, said so many days after NOW; each in a session of its own."""
    at = NOW + timedelta(days=days)
    row = IndexRow(
        seq=seq,
        kind="turn",
        state="active",
        speaker=None,
        role="user",
        session=seq,
        episode=None,
        occurred_at=to_micros(at),
        recorded_at=to_micros(at),
        valid_from=None,
        valid_until=None,
        strength=1.0,
        recalled_at=None,
        salience=None,
        pinned=False,
        length=len(text),
        asks=False,
        superseded_by=None,
        echo_of=None,
        sources=(),
    )
    terms = document_terms(text, speaker=None, at=at, zone=ZoneInfo("UTC"), key=KEY)
    return row, TermBatch.of([(seq, list(terms.items()))])


class NoVectors:
    """A source of a bank whose texts have none."""

    def vectors(self, seqs: Sequence[int]) -> FloatArray:
        return np.zeros((len(seqs), 64), np.float32)

    def with_passages(self, seqs: Sequence[int]) -> tuple[FloatArray, PassageBatch]:
        return self.vectors(seqs), PassageBatch(np.zeros(0, np.int64), np.zeros((0, 64), np.float32))

    def quantised(self, seqs: Sequence[int], dimension: int) -> tuple[QuantisedBatch, QuantisedBatch]:
        return quantise_vectors(seqs, *self.with_passages(seqs), dimension)


def test_what_was_said_the_day_before_an_event_is_favoured_where_the_bank_tells_of_the_event() -> None:
    said = [
        told(1, "We cooked lentil soup", -60),
        told(2, "We cooked mushroom stew", -31),
        told(3, "The wedding of my cousin was lovely", -30),
        told(4, "We cooked pumpkin curry", -10),
    ]
    ranking = RankingSettings()
    sketcher = Sketcher(64, 64, seed=1)
    index = BankIndex(key=KEY, sketcher=sketcher, ranking=ranking)
    index.update([RowBatch.of(row for row, _ in said)], [], [row for _, row in said], NoVectors())
    searcher = Searcher(index, zone="UTC", curve=Curve(), retention_weight=0.0, ranking=ranking)
    asked = Query(RecallOptions("What had we cooked the day before the wedding?", min_score=0.0), NOW)
    found = {hit.seq: hit for hit in searcher.search(asked, NoVectors())}
    assert {seq for seq, hit in found.items() if "date" in hit.parts} == {2, 3}


def test_no_text_stays_in_ram_with_what_is_kept_of_words() -> None:
    kept = key_hash.cache_info().currsize
    assert text_key(b"key", "I moved to Lisbon", "ana") == text_key(b"key", "i moved  to lisbon", "ana")
    assert key_hash.cache_info().currsize == kept
