"""Parts of a text: passages of a long one, each about as long as what a question is answered by, and insertions.

Insertions aren't the speaker's words: recalled memories that are quoted, descriptions of media, a model's reasoning.
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
REASONING_TAGS = r"(?:seed:)?(?:think|thinking|thought|thoughts|reasoning)"
REASONING_PATTERN = re.compile(  # from its beginning to its end, or to that of the text where it isn't closed
    rf"\A\s*(?:<({REASONING_TAGS})>.*?(?:</\1>|\Z)|\[THINK\].*?(?:\[/THINK\]|\Z)|◁think▷.*?(?:◁/think▷|\Z))",
    re.DOTALL | re.IGNORECASE,
)
REASONING_END_PATTERN = re.compile(
    rf"\A.*(?<!`)(?:</{REASONING_TAGS}>|\[/THINK\]|◁/think▷)(?!`)", re.DOTALL | re.IGNORECASE
)
FINAL_CHANNEL_PATTERN = re.compile(r"<\|channel\|>\s*final\s*<\|message\|>")
CHANNEL_MARK_PATTERN = re.compile(r"<\|(?:channel|start|message|end|return|call)\|>")


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


def without_reasoning(text: str) -> str:
    """Words of a model after its reasoning: "" where that isn't closed, the text itself where there is none.

    Known are tags in front of the answer (<think>, <reasoning>, [THINK]), closing tags without an opening one, which
    some servers leave, and the channels of harmony's format, of which the final one is the answer.
    """
    if "<|channel|>" in text:
        final = FINAL_CHANNEL_PATTERN.split(text)
        return CHANNEL_MARK_PATTERN.split(final[-1])[0].strip() if len(final) > 1 else ""
    rest = text
    while (opened := REASONING_PATTERN.match(rest)) is not None:
        rest = rest[opened.end() :]
    rest = REASONING_END_PATTERN.sub("", rest)
    return text if rest == text else rest.strip()
