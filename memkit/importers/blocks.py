"""Contents of messages in blocks: the words that were said, and what a picture or file says that it shows."""

from typing import Any

from memkit.importers.files import listed, mapping, text_of
from memkit.text.parts import CAPTION_KEYS, described_media

TEXT_TYPES = frozenset({"text", "input_text", "output_text"})
MEDIA_NAMES = (*CAPTION_KEYS, "file_name", "filename", "name")


def words_of(content: Any) -> str:
    """Words of a content: a string, a block or a list of blocks; without reasoning and calls of tools."""
    if isinstance(content, str):
        return content
    blocks = [content] if isinstance(content, dict) else listed(content)
    return "\n".join(filter(None, map(_words_of_block, blocks)))


def _words_of_block(block: Any) -> str:
    if isinstance(block, str):
        return block
    kind = text_of(mapping(block).get("type")) or "text"
    if kind in TEXT_TYPES:
        return text_of(mapping(block).get("text"))
    return media_words(kind, block) if any(media in kind for media in ("image", "audio", "video", "file")) else ""


def media_words(kind: str, block: Any) -> str:
    """Description of a picture or file by its caption or name: "[image: two dogs]"; "" where it has none."""
    captions = (text_of(mapping(block).get(key)) for key in MEDIA_NAMES)
    caption = next((caption for caption in captions if caption.strip()), "")
    return described_media(kind, caption) if caption else ""
