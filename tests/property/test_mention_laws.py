"""What is read out of a turn's words holds for any words: intervals have a length, sentences stand in the text."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from memkit.text.intents.instructions import instructions
from memkit.text.intents.plans import plan_changes, plans
from memkit.text.times.mentioned import MAX_TIMES, timed_clauses

PIECES = (
    "on Friday|this Tuesday|the first weekend of|the last two weeks of|May|in|February 30|31 June|the 99th|on the 31st"
    "|by the|tomorrow|in 3 weeks|last|next month|9999|in 0001|12/31|from 3 May to 1 May|I|met|will meet|booked|for"
    "|was moved to|cancelled|not|no|always|never|from now on|whenever I ask|, |. |? |! |\n|> |```|'|Bo|nuts|you can"
    "|again|call me|if|the|"
).split("|")
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=14).map(" ".join)
MOMENTS = st.datetimes(timezones=st.just(UTC), min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))
ZONES = st.sampled_from(["UTC", "Europe/Lisbon", "Asia/Kolkata"])


@given(TEXTS, MOMENTS, ZONES)
def test_any_words_at_any_moment_can_be_read(text: str, at: datetime, zone: str) -> None:
    dated = timed_clauses(text, at, zone)
    assert len(dated) <= MAX_TIMES
    assert all(each.interval.start < each.interval.end for each in dated)
    assert all(plan.topic and plan.interval.end > at for plan in plans(text, at, zone))
    plan_changes(text, at, zone)


@given(TEXTS)
def test_an_instruction_is_a_sentence_of_the_text_without_what_is_pasted(text: str) -> None:
    assert all(part in text for each in instructions(text) for part in each.sentence.split(" … "))
