"""Times that a turn's own words mention, by the tense around them."""

from datetime import UTC, datetime, timedelta

import pytest

from memkit.text.times.mentioned import MAX_TIMES, timed_clauses

SAID_AT = datetime(2026, 5, 6, 15, tzinfo=UTC)  # a Wednesday
TOLD = {
    "I have an interview on Thursday.": ("2026-05-07", "2026-05-07"),
    "We met Rita on Thursday.": ("2026-04-30", "2026-04-30"),
    "Yesterday I tried the climbing wall.": ("2026-05-05", "2026-05-05"),
    "My dentist appointment is Tuesday at 3.": ("2026-05-12", "2026-05-12"),
    "The concert was this Tuesday.": ("2026-05-05", "2026-05-05"),
    "This Friday I'm flying to Oslo.": ("2026-05-08", "2026-05-08"),
    "I booked a table for Saturday.": ("2026-05-09", "2026-05-09"),
    "I promised to call her on Sunday.": ("2026-05-10", "2026-05-10"),
    "Our trip is the first weekend of June.": ("2026-06-06", "2026-06-07"),
    "I took the last two weeks of April off.": ("2026-04-17", "2026-04-30"),
    "We moved at the beginning of May.": ("2026-05-01", "2026-05-10"),
    "The last Friday in May is my birthday.": ("2026-05-29", "2026-05-29"),
    "The rent is due on the 1st.": ("2026-06-01", "2026-06-01"),
    "I paid the rent on the 3rd.": ("2026-05-03", "2026-05-03"),
    "The thing that I ordered will arrive on Friday.": ("2026-05-08", "2026-05-08"),
    "I was going to visit Bo on Friday.": ("2026-05-01", "2026-05-01"),
    "The swim is on Saturday 9 August.": ("2026-08-09", "2026-08-09"),
    "She starts on the first of October.": ("2026-10-01", "2026-10-01"),
    "We signed on the second of February.": ("2026-02-02", "2026-02-02"),
    "They moved it to the 19th.": ("2026-05-19", "2026-05-19"),
    "She may come in May.": ("2026-05-01", "2026-05-31"),
    "The exam starts on 12 June 2026.": ("2026-06-12", "2026-06-12"),
    "I sold the boat two months ago.": ("2026-02-24", "2026-03-16"),  # counted from the day, not from the month's first
    "We leave for good in a year.": ("2027-02-05", "2027-08-04"),
}


@pytest.mark.parametrize(("text", "days"), TOLD.items())
def test_a_time_is_counted_from_the_turns_own_date_in_the_tense_of_its_clause(text: str, days: tuple[str, str]) -> None:
    [timed] = timed_clauses(text, SAID_AT, "Europe/Lisbon")
    assert (str(timed.interval.start.date()), str(timed.interval.last.date())) == days


def test_each_clause_has_a_tense_of_its_own() -> None:
    text = "In three weeks we fly to Crete, but last month we were in Rome."
    assert [(timed.interval.unit, timed.tense) for timed in timed_clauses(text, SAID_AT, "UTC")] == [
        ("week", "future"),
        ("month", "past"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "I swim every Monday.",
        "On Mondays I swim.",
        "May I ask?",
        "We rode up to the 3rd floor for the 2nd time.",
        "> See you on Friday",
        "```\nrun on 2026-05-09\n```",
        "<memory>\n2026-05-09 Saturday\n</memory>",
    ],
)
def test_habits_and_what_is_pasted_mention_no_time(text: str) -> None:
    assert timed_clauses(text, SAID_AT, "UTC") == []


def test_a_day_is_that_of_the_banks_zone() -> None:
    late = datetime(2026, 5, 6, 22, tzinfo=UTC)  # in Auckland it is the 7th
    starts = [
        timed_clauses("I'll come tomorrow.", late, zone)[0].interval.start for zone in ("UTC", "Pacific/Auckland")
    ]
    assert starts[1] - starts[0] == timedelta(hours=12)


def test_of_a_turn_full_of_dates_only_the_first_are_read() -> None:
    assert len(timed_clauses(" ".join(f"I rest on {day} June." for day in range(1, 30)), SAID_AT, "UTC")) == MAX_TIMES


@pytest.mark.parametrize("text", ["on the 99th", "the fifth weekend of May", "on 31 February 2026", "in May 0000"])
def test_times_that_no_calendar_has_are_none(text: str) -> None:
    assert all(timed.interval.start < timed.interval.end for timed in timed_clauses(text, SAID_AT, "UTC"))


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_the_calendar_break_nothing(year: int) -> None:
    for month, day in ((1, 1), (12, 31)):
        said = datetime(year, month, day, 12, tzinfo=UTC)
        for text in (*TOLD, "next year", "last year", "in 3 weeks", "the last week of December", "on Friday"):
            timed_clauses(text, said, "UTC")
