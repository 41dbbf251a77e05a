"""Parts of a text: passages of a long one, each about as long as what a question is answered by, and insertions.

Insertions aren't the speaker's words: recalled memories that are quoted, and descriptions of media.
"""

import re
import textwrap

SENTENCE_END_PATTERN = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
MAX_PASSAGES = 64  # passages of one text: what comes later is found by its words
OPENING_TAG = "<memory>"
CLOSING_TAG = "</memory>"
BLOCK_PATTERN = re.compile(f"{OPENING_TAG}.*?(?:{CLOSING_TAG}|$)", re.DOTALL)
CAPTION_KEYS = ("caption", "alt", "alt_text", "description", "transcript", "title")  # of a message's block
MEDIA_PATTERN = re.compile(r"\[(?:image|audio|video|file): [^\]]*\]")
MEDIA_KINDS = ("image", "audio", "video")


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


def without_recalled(text: str) -> str:
    """A text without the blocks of recalled memories that it quotes."""
    return BLOCK_PATTERN.sub(" ", text).strip() if OPENING_TAG in text else text


def described_media(type_: str, words: str) -> str:
    """A block's description as it stands in a turn's text, [image: two dogs]; the type is the block's ("image_url")."""
    kind = next((kind for kind in MEDIA_KINDS if kind in type_), "file")
    return f"[{kind}: {' '.join(words.split()).replace('[', '(').replace(']', ')')}]"


def without_media(text: str) -> str:
    """A text without descriptions of media."""
    return MEDIA_PATTERN.sub(" ", text)
