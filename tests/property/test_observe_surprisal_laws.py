"""Laws of the embedded models: finite scores inside any text, an order-free background, learning that adds up."""

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from memkit.surprisal.background import BackgroundSurprisal
from memkit.surprisal.ngram import NgramSurprisal
from memkit.surprisal.salience import key_phrases, salience

texts = st.one_of(st.text(max_size=60), st.sampled_from(["yes", "good night", "I live in Porto, at number 12."]))


@given(st.lists(texts, max_size=6), texts)
@settings(max_examples=150)
def test_any_text_has_finite_scores_inside_it_and_phrases_of_its_own(read: list[str], text: str) -> None:
    adaptive = NgramSurprisal()
    for each in read:
        adaptive.learn(each)
    for model in (adaptive, BackgroundSurprisal()):
        tokens = model.score(text)
        assert all(0 <= t.start < t.end <= len(text) and 0 < t.surprisal < math.inf for t in tokens)
        assert [t.start for t in tokens] == sorted({t.start for t in tokens})
        assert 0 <= salience(tokens) <= 16
        assert all(phrase in text for phrase in key_phrases(text, tokens))


@given(st.lists(texts, max_size=6), texts)
def test_the_background_scores_a_text_alike_whatever_came_before(read: list[str], text: str) -> None:
    model = BackgroundSurprisal()
    for each in read:
        model.score(each)
        model.learn(each)
    assert model.score(text) == BackgroundSurprisal().score(text)


@given(st.lists(texts, max_size=6), texts, st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_the_order_in_which_texts_were_learnt_makes_no_difference(read: list[str], text: str, order: Any) -> None:
    model, shuffled = NgramSurprisal(), NgramSurprisal()
    for each in read:
        model.learn(each)
    order.shuffle(read)
    for each in read:
        shuffled.learn(each)
    assert model.score(text) == shuffled.score(text)
