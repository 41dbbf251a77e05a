"""Words completed from beside: what a turn leaves out, the turns around it have said."""

import pytest

import memkit
from memkit.encoders import HashingEncoder
from memkit.settings import RankingSettings, Settings

TURNS = [
    ("Ana", "The wardrobe is full of moths."),
    ("Rita", "Cedar wood is what drives them away for good, my aunt swears by it."),
    ("Ana", "Thanks!"),
    *(("Rita", f"On day {n} we walked to the harbour and back again.") for n in range(20)),
    ("Ana", "There were moths around the lamp last night, dozens of them."),
    *(("Rita", f"In week {n} we painted another wall of the kitchen.") for n in range(20)),
    ("Ana", "I bought a wardrobe for the hall, painted green."),
]


def places(settings: Settings) -> dict[str, int]:
    """Rank of each turn's text for a question whose words two turns share."""
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=settings) as store:
        store.bank("ana").observe(TURNS)
        hits = store.bank("ana").recall("What helps against moths in a wardrobe?", k=len(TURNS), min_score=0)
        return {hit.memory.text: place for place, hit in enumerate(hits)}


def without_vectors(**weights: float) -> Settings:
    return Settings(ranking=RankingSettings(dense=0, **weights))


def test_a_turn_takes_words_from_those_beside_it() -> None:
    answer = TURNS[1][1]
    assert (
        places(without_vectors(neighbour=0, second_neighbour=0))[answer]
        < places(without_vectors(neighbour=0, second_neighbour=0, beside=0))[answer]
    )


@pytest.mark.parametrize("beside", [0.0, 0.3])
def test_a_turn_that_holds_all_words_itself_stays_first(beside: float) -> None:
    assert places(without_vectors(beside=beside))[TURNS[0][1]] == 0


def test_no_word_counts_more_than_whole() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=without_vectors(beside=1.0)) as store:
        bank = store.bank("ana")
        bank.observe([("Ana", "moths moths moths"), ("Ana", "moths in the wardrobe, moths"), ("Ana", "wardrobe")])
        hits = bank.recall("moths wardrobe", k=3, min_score=0)
        assert all(hit.why["lexical"] <= 0.85 * 7.2 + 1e-3 for hit in hits)
