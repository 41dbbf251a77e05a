"""Parts of a turn's text that aren't its speaker's words: recalled memories, and descriptions of media."""

import re

OPENING_TAG = "<memory>"
CLOSING_TAG = "</memory>"
BLOCK_PATTERN = re.compile(f"{OPENING_TAG}.*?(?:{CLOSING_TAG}|$)", re.DOTALL)

CAPTION_KEYS = ("caption", "alt", "alt_text", "description", "transcript", "title")  # of a message's block
MEDIA_PATTERN = re.compile(r"\[(?:image|audio|video|file): [^\]]*\]")
MEDIA_KINDS = ("image", "audio", "video")


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
