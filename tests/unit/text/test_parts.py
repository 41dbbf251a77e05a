"""Passages of long texts."""

from hypothesis import given
from hypothesis import strategies as st

from memkit.text.parts import MAX_PASSAGES, passages


@given(st.text(alphabet="ab .!?\n。", max_size=3000))
def test_passages_hold_every_word_of_a_long_text_and_are_short(text: str) -> None:
    parts = passages(text, size=200, above=300)
    assert all(len(part) <= 400 for part in parts)
    if len(text) <= 300:
        assert parts == []
    elif len(parts) < MAX_PASSAGES:
        assert sum(map(str.isalnum, "".join(parts))) == sum(map(str.isalnum, text))


def test_an_enormous_text_has_a_bounded_number_of_passages() -> None:
    assert len(passages("word " * 100_000, size=200, above=300)) == MAX_PASSAGES
