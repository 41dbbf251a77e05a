"""Copies: texts that differ in nothing that can carry meaning. Near copies: one holds all of the other, and more.

Case, spaces, composition, width and most punctuation carry none. Words do: prepositions, quantifiers, negations, the
tense of a verb; and so do signs, currencies, emoji, accents, the order of the words and a question mark. What may
differ besides is listed here, with the reason:

- "a", "an", "the": which of several is meant follows from what is said of it; languages without articles lose nothing.
- "well", "oh", "ah", "um", "uh", "hmm", "so", "anyway", "hey" in front of a sentence: they open the speaker's turn.
- contractions ("don't", "I'm"): the same words, written together.
"""

import copy
import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Sequence
from functools import lru_cache
from itertools import chain, filterfalse
from typing import Any

from memkit.text.terms.language import STOP_WORDS
from memkit.text.terms.tokens import CACHED_WORDS

CopyKey = tuple[str, ...]

MINHASH_PERMUTATIONS = 64
BAND_ROWS = 4
ARTICLE_WORDS = frozenset(["a", "an", "the"])
OPENING_WORDS = frozenset("well oh ah um uh hmm so anyway hey".split())
NEAR_COPY_SHARE = 0.8  # of the longer text's words, that near copies share
FULL_WIDTH = str.maketrans({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0x2212: "-"})
FULL_CONTRACTIONS = {
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "n't": " not",
    "'m": " am",
    "'re": " are",
    "'ve": " have",
    "'ll": " will",
}
CONTRACTION_PATTERN = re.compile(r"can't\b|cannot\b|won't\b|(?<=\w)(?:n't|'(?:m|re|ve|ll))\b", re.IGNORECASE)
WORD_FORM = r"\w+(?:['’:.,/-]\w+)*"
TOKEN_PATTERN = re.compile(rf"{WORD_FORM}|(?<!\w)[-+](?=\d){WORD_FORM}|[:;=]['-]?[()\[\]DPp/\\|*]|<3|\S")
QUANTITY_PATTERN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
MEANINGFUL_MARKS = frozenset("?%#@&§†*/")
# words that tell how far, how often or by whose word something is so: with one more, a text says another thing
QUALIFIER_WORDS = frozenset(
    """
    almost nearly hardly barely scarcely maybe perhaps probably possibly allegedly supposedly apparently rarely
    seldom sometimes often usually always never ever formerly previously once former ex fake false untrue wrong used
    hopes hope hoped wants want wanted plans plan planned thinks think thought says say said claims claimed believes
    believed pretends pretended dreams dreamt dreamed wishes wished tries tried trying if unless until when while
    because although though but except without instead rather than nothing nobody nowhere none neither nor either
    whether yet still already stopped quit quits stops ended refuses refused denies denied forgets forgot misses
    missed lacks failed fails every each all some many few several most half twice least last next first second
    other another
    """.split()
)


@lru_cache(maxsize=1)
def _empty() -> Any:
    from datasketch import MinHash

    return MinHash(num_perm=MINHASH_PERMUTATIONS, seed=1)


def band_keys(text: str) -> list[Hashable]:
    """Keys under which near copies meet: bands of the MinHash of a text's words, with what near copies must share."""
    key = copy_key(text)
    sketch = copy.copy(_empty())  # shallow is enough: `update_batch` binds other values
    sketch.update_batch(sorted({token.encode() for token in key}))
    fixed = fixed_tokens(key)
    return [(fixed, number, row.tobytes()) for number, row in enumerate(sketch.hashvalues.reshape(-1, BAND_ROWS))]


def is_copy(text: str, other: str) -> bool:
    """Whether two texts differ in nothing that can carry meaning."""
    return copy_key(text) == copy_key(other)


def copy_key(text: str) -> CopyKey:
    """Tokens that carry a text's meaning, in order: equal for texts of which one is a copy of the other."""
    plain = text if text.isascii() else unicodedata.normalize("NFC", text).translate(FULL_WIDTH).replace("’", "'")
    tokens = list(chain.from_iterable(map(_meanings, TOKEN_PATTERN.findall(plain))))
    while len(tokens) > 1 and tokens[0] in OPENING_WORDS:
        del tokens[0]
    return tuple(filterfalse(ARTICLE_WORDS.__contains__, tokens)) or tuple(tokens) or (plain.strip(),)


@lru_cache(maxsize=CACHED_WORDS)
def _meanings(token: str) -> CopyKey:
    """A token in the form that carries its meaning; of a contraction, all its words; nothing for most marks."""
    full = CONTRACTION_PATTERN.sub(lambda match: FULL_CONTRACTIONS[match[0].lower()], token)
    parts = [token] if full == token else TOKEN_PATTERN.findall(full)
    return tuple(filter(None, map(_meaning, parts)))


def _meaning(token: str) -> str:
    """A token in the form that carries its meaning; "" for a mark that carries none.

    A word is in small letters, unless capitals make it another one ("US", "us"); a number has no grouping commas.
    """
    if len(token) == 1 and not token.isalnum():
        return token if token in MEANINGFUL_MARKS or unicodedata.category(token)[0] in "SM" else ""
    if QUANTITY_PATTERN.fullmatch(token):
        return token.replace(",", "")
    low = token.lower()
    return token if len(token) > 1 and token.isupper() and low in STOP_WORDS else low


def is_near_copy(key: CopyKey, other: CopyKey) -> bool:
    """Whether one of two texts, by their copy keys, says all that the other does, and little more."""
    return says_all_of(key, other) or says_all_of(other, key)


def says_all_of(whole: CopyKey, part: CopyKey) -> bool:
    """Whether a text holds every word of another that can carry meaning, in order, and perhaps a few more.

    Both are copy keys. The words that the text has besides may add to what is said, not change it: no number, no sign,
    none of the small words that grammar is made of, none of QUALIFIER_WORDS.
    """
    if len(part) < NEAR_COPY_SHARE * len(whole) or len(part) > len(whole):
        return False
    more = _besides(whole, part)
    return more is not None and all(map(_may_be_added, more))


def fixed_tokens(key: CopyKey) -> CopyKey:
    """Tokens that near copies share, in order: all but those that one text may have and the other not."""
    return tuple(token for token in key if not _may_be_added(token))


def _may_be_added(token: str) -> bool:
    """Whether a text with this token besides still says what it said, and more."""
    return token.isalpha() and token not in STOP_WORDS and token not in QUALIFIER_WORDS


def _besides(whole: Sequence[str], part: Sequence[str]) -> list[str] | None:
    """Members of a sequence besides another one that lies in it in order; None where it doesn't."""
    rest, more = list(part), []
    for token in whole:
        if rest and rest[0] == token:
            del rest[0]
        else:
            more.append(token)
    return None if rest else more


def numbers_of(text: str) -> Counter[str]:
    """The tokens of a text that hold a digit."""
    return Counter(token for token in copy_key(text) if any(character.isdigit() for character in token))
