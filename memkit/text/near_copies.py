"""Near copies: MinHash proposes, a comparison of what matters decides (a number, a name, a "not")."""

import copy
import hashlib
import re
from collections import Counter
from functools import lru_cache
from typing import Any

from memkit.text.terms.tokens import STOP_WORDS, stem, words

MINHASH_PERMUTATIONS = 64
BAND_ROWS = 4
OPENING_WORDS = frozenset("well so oh also yes yeah no ok okay anyway actually then now hey i".split())
NEAR_COPY_SHARE = 0.8  # of the words that matter, shared by near copies
TOKEN_PATTERN = re.compile(r"\w+(?:['’:.,-]\w+)*")
NEGATION_WORDS = frozenset(
    """
    not no never none nothing nobody nowhere neither nor without cannot hardly barely no longer stopped quit
    """.split()
)
FILLER_WORDS = (
    STOP_WORDS
    - NEGATION_WORDS
    - frozenset(
        ["i", "me", "my", "you", "your", "he", "him", "his", "she", "her", "we", "us", "our", "they", "them", "their"]
    )
)


@lru_cache(maxsize=1)
def _empty() -> Any:
    from datasketch import MinHash

    return MinHash(num_perm=MINHASH_PERMUTATIONS, seed=1)


def band_keys(text: str, key: bytes) -> tuple[int, ...]:
    """Keys under which near copies meet: signed 64-bit, useless without the bank's key."""
    shingles = {word.term.encode() for word in words(text)} or {text.casefold().encode()}
    sketch = copy.copy(_empty())  # shallow is enough: `update_batch` binds other values
    sketch.update_batch(sorted(shingles))
    values = sketch.hashvalues.reshape(-1, BAND_ROWS)
    return tuple(_band(key, number, row.tobytes()) for number, row in enumerate(values))


def _band(key: bytes, number: int, row: bytes) -> int:
    digest = hashlib.blake2b(row, key=key, digest_size=8, salt=number.to_bytes(2, "little")).digest()
    return int.from_bytes(digest, "little", signed=True)


def is_copy(text: str, other: str) -> bool:
    """Whether two texts say the same in the same words: only case, spaces, punctuation and fillers differ.

    Any other differing word keeps them apart, and so do a differing number, name or negation.
    """
    return _essence(text) == _essence(other)


def copy_key(text: str) -> frozenset[tuple[str, int]]:
    """Equal for texts of which one is a copy of the other."""
    return frozenset(_essence(text).items())


def is_near_copy(text: str, other: str) -> bool:
    """Whether two texts share four of five words that matter and differ in no number, name or negation."""
    a, b = _essence(text), _essence(other)
    if numbers_of(text) != numbers_of(other) or a["not"] != b["not"] or _names(text) != _names(other):
        return False
    return (a & b).total() >= NEAR_COPY_SHARE * max((a | b).total(), 1)


def numbers_of(text: str) -> Counter[str]:
    """The tokens of a text that hold a digit."""
    return Counter(token for token in TOKEN_PATTERN.findall(text) if any(character.isdigit() for character in token))


def says_all_of(text: str, other: str) -> bool:
    """Whether a text says what another one does in the same words, and perhaps a few more."""
    return is_copy(text, other) or (is_near_copy(text, other) and _essence(other) <= _essence(text))


def _names(text: str) -> list[str]:
    """Capitalised words in order (who called whom), but for common ones that only open a sentence."""
    capitalised = (
        token.removesuffix("'s") for token in TOKEN_PATTERN.findall(text.replace("’", "'")) if token[:1].isupper()
    )
    return [token for token in capitalised if token.casefold() not in STOP_WORDS | OPENING_WORDS]


def _essence(text: str) -> Counter[str]:
    """A text's words that matter, as a multiset, and its negations."""
    essence: Counter[str] = Counter()
    for token in TOKEN_PATTERN.findall(text.replace("’", "'")):
        low = token.casefold()
        if low.endswith("n't") or low in NEGATION_WORDS:
            essence["not"] += 1
        elif any(character.isdigit() for character in low) or low not in FILLER_WORDS:
            essence[_plain(low)] += 1
    return essence


def _plain(word: str) -> str:
    return word if any(character.isdigit() for character in word) else stem(word.removesuffix("'s"))
