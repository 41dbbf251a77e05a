"""Hashes of a bank: equal for what counts as equal, and never across keys or domains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.errors import InputError
from memkit.storage.core.hashing import Hasher, canonical_json

ONE_HASHER = Hasher(b"k" * 16)
ANY_WORDS = st.text(max_size=8)


@given(ANY_WORDS)
def test_the_same_word_has_other_hashes_in_other_domains_and_banks(word: str) -> None:
    hashes = [hash(word) for hash in (ONE_HASHER.ref, ONE_HASHER.speaker, ONE_HASHER.label)]
    assert len({*hashes, Hasher(b"o" * 16).ref(word)}) == 4
    assert all(-(2**63) <= hash < 2**63 for hash in hashes)
    assert hashes == [hash(word) for hash in (ONE_HASHER.ref, ONE_HASHER.speaker, ONE_HASHER.label)]


def test_heads_and_speakers_are_equal_whatever_their_case_composition_width_and_spaces() -> None:
    assert ONE_HASHER.head("STRASSE") == ONE_HASHER.head("straße")
    for name in ("ZOË", "Zoe\u0308", "ｚｏë", " Zoë "):
        assert ONE_HASHER.speaker(name) == ONE_HASHER.speaker("zoë")
    assert ONE_HASHER.speaker("Zoë") != ONE_HASHER.speaker("Zoe")
    assert ONE_HASHER.speaker("Ana Maria") == ONE_HASHER.speaker("Ana\u00a0 Maria")


@pytest.mark.parametrize(("value", "equal"), [(1, 1.0), ([1, {"a": 2.0}], (1.0, {"a": 2})), ({"a": 1, "b": 2}, None)])
def test_equal_json_values_have_one_tag(value: object, equal: object) -> None:
    other = dict(reversed(value.items())) if isinstance(value, dict) else equal
    assert ONE_HASHER.tag("n", value) == ONE_HASHER.tag("n", other)


def test_a_number_is_no_truth_value_and_a_name_belongs_to_its_value() -> None:
    assert ONE_HASHER.tag("n", 1) != ONE_HASHER.tag("n", True)
    assert ONE_HASHER.tag("n", "1") != ONE_HASHER.tag("n", 1)
    assert ONE_HASHER.tags({"a": "b"}).isdisjoint(ONE_HASHER.tags({"b": "a"}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="metadata"):
        canonical_json(value)
