"""Recent texts: values by text, the last used of them."""

import numpy as np

from memkit.encoders.hashing import HashingEncoder
from memkit.protocols import FloatArray
from memkit.runtime.encoder_slot import EncoderSlot
from memkit.runtime.recent_texts import RecentTexts


def test_the_text_that_was_asked_for_longest_ago_goes_first() -> None:
    recent: RecentTexts[int] = RecentTexts(2)
    recent.put("one", 1)
    recent.put("two", 2)
    assert recent.find("one") == 1
    recent.put("three", 3)
    assert [recent.find(text) for text in ("one", "two", "three")] == [1, None, 3]


class CountingEncoder(HashingEncoder):
    """An encoder that notes what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []

    def encode(self, texts: list[str]) -> FloatArray:
        self.batches.append(texts)
        return super().encode(texts)


def test_a_question_is_encoded_once_and_what_is_new_in_one_batch() -> None:
    encoder = CountingEncoder()
    slot = EncoderSlot(encoder, timeout=5)
    slot.warm()
    first, again = slot.question_vectors(["where?", "here"]), slot.question_vectors(["here", "there", "where?"])
    assert encoder.batches[1:] == [["where?", "here"], ["there"]]
    assert first is not None
    assert again is not None
    assert np.array_equal(first, again[[2, 0]])


def test_another_encoder_is_asked_anew() -> None:
    slot, other = EncoderSlot(CountingEncoder(), timeout=5), CountingEncoder()
    slot.question_vectors(["where?"])
    slot.replace(other)
    slot.question_vectors(["where?"])
    assert other.batches == [["where?"]]
