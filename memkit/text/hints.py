"""Hints: single English words without which a text can't say what a reader looks for; most texts end there."""

import re
from functools import lru_cache

WORD_PATTERN = re.compile(r"[a-z]+|\d")


@lru_cache(maxsize=16)
def hint_words(text: str) -> frozenset[str]:
    """Words of a text in small letters, cut at apostrophes, and its digits: read once for all who look for hints."""
    return frozenset(WORD_PATTERN.findall(text.casefold()))
