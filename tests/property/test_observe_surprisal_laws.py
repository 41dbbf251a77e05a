"""Laws of the adaptive model: learning and unlearning cancel exactly, and state survives being written."""

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from memkit.surprisal.ngram import NgramSurprisal, key_phrases, salience

texts = st.one_of(st.text(max_size=60), st.sampled_from(["yes", "good night", "I live in Porto, at number 12."]))


@given(st.lists(texts, max_size=6), st.lists(texts, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_unlearning_in_any_order_cancels_learning(kept: list[str], gone: list[str], order: Any) -> None:
    model, control = NgramSurprisal(), NgramSurprisal()
    for text in kept:
        control.learn(text)
    heard = kept + gone
    order.shuffle(heard)
    for text in heard:
        model.learn(text)
    order.shuffle(gone)
    for text in gone:
        assert model.unlearn(text, 0)
    assert model.to_bytes() == control.to_bytes()


@given(st.lists(texts, max_size=6), texts)
@settings(max_examples=150)
def test_any_text_has_finite_scores_inside_it_and_a_restored_model_gives_the_same(heard: list[str], text: str) -> None:
    model = NgramSurprisal()
    for each in heard:
        model.learn(each)
    tokens = model.score(text)
    assert all(0 <= t.start < t.end <= len(text) and 0 < t.surprisal < math.inf for t in tokens)
    assert [t.start for t in tokens] == sorted({t.start for t in tokens})
    assert 0 <= salience(tokens) <= 16
    assert all(phrase in text for phrase in key_phrases(text, tokens))
    assert NgramSurprisal.from_bytes(model.to_bytes()).score(text) == tokens


@given(st.lists(texts, max_size=6), st.lists(texts, max_size=6), texts)
@settings(max_examples=150)
def test_a_model_that_reads_ahead_scores_as_if_the_other_had_learnt(
    heard: list[str], more: list[str], text: str
) -> None:
    model = NgramSurprisal()
    for each in heard:
        model.learn(each)
    ahead = model.ahead()
    for each in more:
        ahead.learn(each)
    scored = ahead.score(text)
    for keys in ahead.heard:
        model.take_in(keys)
    assert scored == model.score(text)
