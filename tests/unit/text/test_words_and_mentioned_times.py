"""Words as search terms, and times that a question mentions."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from memkit.text.terms.keys import TIME_TERM, document_terms, key_hash, text_key
from memkit.text.terms.tokens import words
from memkit.text.times.dates import first_mentioned_time

BANK_KEY = b"0123456789abcdef"


ASKED_AT = datetime(2025, 6, 4, 12, tzinfo=UTC)  # a Wednesday


def test_words_are_stemmed_numbers_kept_and_stop_words_left_out() -> None:
    assert [w.term for w in words("The dogs were running at 7:15 to Ana's, 1,200 times")] == [
        "dog",
        "run",
        "7:15",
        "ana",
        "1200",
        "time",
    ]


def test_languages_without_spaces_are_cut_into_pairs() -> None:
    assert [w.term for w in words("東京タワー")] == ["東京", "京タ", "タワ", "ワー"]


def test_a_document_holds_its_day_and_says_whether_it_names_a_time() -> None:
    terms = document_terms("See you tomorrow", speaker="ana", at=ASKED_AT, zone=ZoneInfo("UTC"), key=BANK_KEY)
    assert key_hash(BANK_KEY, "june") in terms
    assert key_hash(BANK_KEY, TIME_TERM) in terms
    assert key_hash(b"another bank key", "june") not in terms


def test_a_text_key_ignores_space_and_case_but_not_words() -> None:
    assert text_key(BANK_KEY, " Good  night", "ana") == text_key(BANK_KEY, "good night", "ana")
    assert text_key(BANK_KEY, "good night", "ana") != text_key(BANK_KEY, "good night", "bob")


@pytest.mark.parametrize(
    ("text", "start", "days"),
    [
        ("what did I say yesterday", "2025-06-03", 1),
        ("what happened last week", "2025-05-26", 7),
        ("in May 2024", "2024-05-01", 31),
        ("on 3 June 2024", "2024-06-03", 1),
        ("what happened last month", "2025-05-01", 31),
        ("on 2024-12-24", "2024-12-24", 1),
        ("last year", "2024-01-01", 366),
        ("on Thursday", "2025-05-29", 1),
        ("two days ago", "2025-06-02", 1),
    ],
)
def test_times_are_read_from_now_as_spans_of_days(text: str, start: str, days: int) -> None:
    span = first_mentioned_time(text, ASKED_AT, "UTC")
    assert span is not None
    assert span.start.date().isoformat() == start
    assert span.end - span.start == timedelta(days=days)


def test_what_names_no_time_gives_none() -> None:
    assert first_mentioned_time("I may march to the second floor", ASKED_AT, "UTC") is None


def test_a_weekday_beside_a_date_is_that_date() -> None:
    found = first_mentioned_time("Where was I on Saturday, 9 August 2025?", ASKED_AT, "UTC")
    assert found is not None
    assert (found.start.date().isoformat(), found.words) == ("2025-08-09", "9 August 2025")
