"""What a message shows beside its words (a picture, a recording), as it stands in its text: [image: two dogs]."""

import re

TOLD = ("caption", "alt", "alt_text", "description", "transcript", "title")  # where a block says what it shows
SHOWN = re.compile(r"\[(?:image|audio|video|file): [^\]]*\]")
KINDS = ("image", "audio", "video")


def shown(type_: str, words: str) -> str:
    """A block's words with what kind of thing they describe; the type is the block's own ("image_url")."""
    kind = next((kind for kind in KINDS if kind in type_), "file")
    return f"[{kind}: {' '.join(words.split()).replace('[', '(').replace(']', ')')}]"


def without_shown(text: str) -> str:
    """The words of the speaker alone."""
    return SHOWN.sub(" ", text)
