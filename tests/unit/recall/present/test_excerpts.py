"""Excerpts stand where a question's words do, however long and monotonous the text."""

from memkit.recall.present.excerpt import excerpt_span, matched_place

FILLER = "Nothing of note happened on that day. " * 200


def test_an_excerpt_stands_where_most_of_a_questions_words_stand_together() -> None:
    text = f"The vault is old. {FILLER}The vault code is 4711. {FILLER}A code of honour."
    place = matched_place(text, {"vault", "code"})
    assert place is not None
    start, end = excerpt_span(text, place, 120)
    assert "4711" in text[start:end]


def test_a_rare_word_counts_for_more_than_one_that_is_everywhere() -> None:
    text = "vault " * 50 + FILLER + "the opal " + FILLER + "vault " * 50
    place = matched_place(text, {"vault", "opal"})
    assert place is not None
    assert abs(place - text.index("opal")) < 20


def test_a_text_without_the_questions_words_has_no_place() -> None:
    assert matched_place(FILLER, {"vault"}) is None
    assert matched_place(FILLER, ()) is None


def test_a_megabyte_of_the_same_words_is_looked_through_once() -> None:
    assert matched_place("vault code " * 90_000, {"vault", "code"}) is not None
