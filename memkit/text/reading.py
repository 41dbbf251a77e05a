"""Reading: how far an encoder reads a text, told by how its tokenizer cuts it.

A model has learnt what the words mean that its vocabulary holds whole. What it has to spell, piece by piece, or doesn't
know at all, it can hardly read: its vectors of such texts are all alike.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from memkit.text.terms.tokens import MARK_RANGES, SENTENCE_START_PATTERN, UNSPACED_RANGES

HAN_RANGES = "㐀-鿿豈-﫿"
LETTER_PATTERN = re.compile(rf"(?P<han>[{HAN_RANGES}])|(?P<run>[{UNSPACED_RANGES}])|(?:[^\W\d_][{MARK_RANGES}]*){{2,}}")
MIN_READING = 0.1  # below it, a text counts by its words alone
LATIN_PRIOR_LETTERS = 6  # that count as read: a single word that isn't known is more often a name than a language
UNREAD_SHARE, READ_SHARE = 0.45, 0.55  # of a text's letters in words that are known whole: read not at all, and fully


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
    piece_by_start = {piece.start: piece for piece in pieces if piece.is_known}
    long_pieces = [piece for piece in piece_by_start.values() if piece.end - piece.start > 1]
    inside = {i for piece in long_pieces for i in range(piece.start, piece.end)}
    read = total = 0.0
    for match in LETTER_PATTERN.finditer(text, 0, pieces[-1].end if pieces else 0):
        start, end = match.span()
        if text[start].isupper() and not SENTENCE_START_PATTERN.search(text, 0, start):
            continue  # a name, which no vocabulary has to hold
        if match["han"]:
            is_read = start in inside or start in piece_by_start
        elif match["run"]:
            is_read = start in inside
        else:
            whole = piece_by_start.get(start) or piece_by_start.get(start - 1)
            is_read = whole is not None and whole.end >= end
        read, total = read + (end - start) * is_read, total + end - start
    if not total:
        return 1.0
    prior = LATIN_PRIOR_LETTERS if _is_latin(text) else 0
    share = (read + prior) / (total + prior)
    return min(1.0, max(0.0, (share - UNREAD_SHARE) / (READ_SHARE - UNREAD_SHARE)))


def _is_latin(text: str) -> bool:
    """Whether a text's letters are Latin ones."""
    return all(character < "\u0250" for character in text if character.isalpha())
