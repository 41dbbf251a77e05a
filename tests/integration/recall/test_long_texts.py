"""Long texts: found at any length by what is rare in the language, and shown where the question's words stand."""

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder

FILLER = (
    "The committee met again to look at the plans for the autumn and the rooms were warm. "
    "Everybody was asked to bring their own cups and to keep the corridor free. "
)
FACTS = {
    "What is the locker combination?": "The locker combination is 41-7-23.",
    "Which vet did they recommend for rabbits?": "For rabbits they recommend Doctor Quill, a vet by the canal.",
    "Where is the spare fuse?": "The spare fuse lies behind the blue kettle.",
}


@pytest.mark.parametrize("question", FACTS)
@pytest.mark.parametrize("half_count", [2, 10, 30])
def test_a_fact_in_a_long_text_is_found_and_shown_in_the_prompt(question: str, half_count: int) -> None:
    notice = FILLER * half_count + FACTS[question] + " " + FILLER * half_count
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([("Ana", "I like tea."), ("Bob", "My car is red."), ("Ana", notice), ("Bob", "We saw the sea.")])
        hits = bank.recall(question)
        assert hits[0].memory.text == notice
        block = hits.prompt(300)
    assert FACTS[question] in block
    assert block.count("(cut)") == 2


def test_a_long_text_that_shares_common_words_alone_answers_nothing() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([("Ana", FILLER * 30), *(("Bob", f"My car number {n} is red.") for n in range(30))])
        assert all(hit.score < 0.5 for hit in bank.recall("Did the people look free when it was warm?"))
