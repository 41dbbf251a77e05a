"""A question about what the assistant said finds its words before the user's."""

import pytest

import memkit
from memkit.encoders import HashingEncoder

TURNS = [
    memkit.Turn("What helps against moths in the wardrobe?", "Ana", role="user"),
    memkit.Turn("Against moths in the wardrobe, cedar wood and lavender help.", "bot", role="assistant"),
    memkit.Turn("Last year the moths ate my wardrobe, lavender and all, it was a shame.", "Ana", role="user"),
    memkit.Turn("I keep cedar wood for the garden shed, not for the wardrobe.", "Ana", role="user"),
]


@pytest.mark.parametrize(
    ("question", "role"),
    [
        ("What did you recommend against moths in the wardrobe?", "assistant"),
        ("What did the moths eat last year?", "user"),
    ],
)
def test_the_one_who_is_asked_about_comes_first(question: str, role: str) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        store.bank("ana").observe(TURNS)
        assert store.bank("ana").recall(question, k=1, min_score=0)[0].memory.role == role
