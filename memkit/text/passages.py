"""Passages: the parts of a long text, each about as long as what a question is answered by."""

import re
import textwrap

SENTENCE_END_PATTERN = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
MAX_PASSAGES = 64  # passages of one text: what comes later is found by its words


def passages(text: str, *, size: int, above: int) -> list[str]:
    """Whole sentences put together to at most `size` characters each; none for a text up to `above`.

    A longer sentence is cut between words.
    """
    if len(text) <= above:
        return []
    parts = [""]
    for piece in _pieces(text, size):
        if parts[-1] and len(parts[-1]) + 1 + len(piece) > size:
            parts.append(piece)
        else:
            parts[-1] = f"{parts[-1]} {piece}".strip()
    return [passage for passage in parts if any(map(str.isalnum, passage))][:MAX_PASSAGES]


def _pieces(text: str, size: int) -> list[str]:
    sentences = (sentence.strip() for sentence in SENTENCE_END_PATTERN.split(text))
    return [piece for sentence in sentences if sentence for piece in textwrap.wrap(sentence, 2 * size)]
