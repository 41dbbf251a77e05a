"""Reading: how far an encoder reads a text, told by how its tokenizer cuts it.

A model has learnt what the words mean that its vocabulary holds whole. What it has to spell, piece by piece, or doesn't
know at all, it can hardly read: its vectors of such texts are all alike.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import NamedTuple, Protocol, runtime_checkable

from memkit.text.terms.language import ENGLISH_STEMMER, language_of, words_of
from memkit.text.terms.tokens import MARK_RANGES, SENTENCE_START_PATTERN, UNSPACED_RANGES

HAN_RANGES = "㐀-鿿豈-﫿"
LETTER_PATTERN = re.compile(rf"(?P<han>[{HAN_RANGES}])|(?P<run>[{UNSPACED_RANGES}])|(?:[^\W\d_][{MARK_RANGES}]*){{2,}}")
MIN_READING = 0.1  # below it, a text counts by its words alone
LATIN_PRIOR_LETTERS = 6  # that count as read: a single word that isn't known is more often a name than a language
READ_SHARES = 0.45, 0.55  # of a text's letters in words that are known whole: read not at all, and fully
READ_HAN_SHARES = 0.75, 0.85  # of Han characters, of which every model knows some and one that reads Chinese nearly all


class Piece(NamedTuple):
    """A piece of a text as a tokenizer cuts it: its span, and whether the vocabulary holds it."""

    start: int
    end: int
    is_known: bool


@runtime_checkable
class TellsPieces(Protocol):
    """An encoder that tells how it cuts texts, so that memkit knows how far it reads them."""

    def pieces(self, texts: list[str]) -> list[list[Piece]]:
        """The pieces of each text, in order."""


@runtime_checkable
class TellsMeaning(Protocol):
    """An encoder that tells how far its vectors are of what texts mean, beyond their words, which count by themselves.

    `meaning`: 0..1, by which its cosines count in ranking; 1 for encoders that don't tell.
    """

    meaning: float


def reading(text: str, pieces: Sequence[Piece]) -> float:
    """The reading of a text, 0..1, by a model whose tokenizer cuts it into these pieces; 1 where it has no letters.

    A word of a script with spaces is read if it is one piece, a Han character if it is known, of other scripts without
    spaces what lies in pieces of two characters or more.
    """
    language, end = language_of(text), pieces[-1].end if pieces else 0
    every = list(LETTER_PATTERN.finditer(text, 0, end))
    matches = [match for match in every if _tells(match, language)]
    if not matches:
        return float(language == ENGLISH_STEMMER or not every)
    lengths = [match.end() - match.start() for match in matches]
    read = sum(compress(lengths, _are_read(matches, pieces)))
    prior = LATIN_PRIOR_LETTERS if language == ENGLISH_STEMMER and _is_latin(text) else 0
    share = (read + prior) / (sum(lengths) + prior)
    unread, full = READ_HAN_SHARES if any(match["han"] for match in matches) else READ_SHARES
    return min(1.0, max(0.0, (share - unread) / (full - unread)))


def _tells(match: re.Match[str], language: str) -> bool:
    """Whether a word tells how far its text is read.

    A name doesn't, which no vocabulary has to hold; nor, in other languages than English, a word without content:
    every vocabulary holds "que" and "la".
    """
    if match[0][0].isupper() and not SENTENCE_START_PATTERN.search(match.string, 0, match.start()):
        return False
    return language == ENGLISH_STEMMER or match[0].casefold() not in words_of(language).stop


def _are_read(matches: Sequence[re.Match[str]], pieces: Sequence[Piece]) -> Iterator[bool]:
    """Whether each of these words is read."""
    piece_by_start = {piece.start: piece for piece in pieces if piece.is_known}
    long_pieces = [piece for piece in piece_by_start.values() if piece.end - piece.start > 1]
    inside = {i for piece in long_pieces for i in range(piece.start, piece.end)}
    for match in matches:
        start, end = match.span()
        if match["han"] or match["run"]:
            yield start in inside or (match["han"] is not None and start in piece_by_start)
        else:
            whole = piece_by_start.get(start) or piece_by_start.get(start - 1)
            yield whole is not None and whole.end >= end


def _is_latin(text: str) -> bool:
    """Whether a text's letters are Latin ones."""
    return all(character < "\u0250" for character in text if character.isalpha())
