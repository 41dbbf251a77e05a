"""Content of a message: words, and beside them what has none (images, tool calls), kept small."""

import json
import math
from collections.abc import Mapping
from typing import Any

from memkit.errors import InvalidTurnError
from memkit.text.insertions import CAPTION_KEYS, described_media

TEXT_TYPES = frozenset({"text", "input_text", "output_text"})
MAX_VALUE_CHARS = 2_000  # characters of one value in a description; images and files stay out of the memory
MAX_DEPTH = 8
MAX_METADATA_BYTES = 100_000  # as JSON


def read_content(content: Any) -> tuple[str, dict[str, Any]]:
    """The words of a content (None, a string, a block or a list of blocks), and the blocks that are not text.

    Of the latter, what they say that they show is among the words: "[image: two dogs on a beach]".
    """
    if content is None:
        return "", {}
    if isinstance(content, Mapping):
        content = [content]
    if not isinstance(content, list | tuple):
        return content, {}  # a string, or something that Turn refuses
    texts = [_words(block) for block in content]
    others = [described(block) for block in content if not _is_text(block)]
    joined = "\n".join(text for text in texts if text)
    return joined, {"blocks": others} if others else {}


def _is_text(block: Any) -> bool:
    if not isinstance(block, Mapping):
        return isinstance(block, str)
    return block.get("type", "text") in TEXT_TYPES and isinstance(block.get("text"), str)


def _words(block: Any) -> str | None:
    if _is_text(block):
        return block if isinstance(block, str) else str(block["text"])
    if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
        return None
    caption = next((block[key] for key in CAPTION_KEYS if isinstance(block.get(key), str) and block[key].strip()), None)
    return None if caption is None else described_media(block["type"], _short(caption))


def described(value: Any, depth: int = 0) -> Any:
    """A value as plain JSON, without its bulk: what is long or no JSON is named instead of kept."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, str | bytes):
        return _short(value)
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {_short(str(key)): described(part, depth + 1) for key, part in value.items()}
    if depth < MAX_DEPTH and isinstance(value, list | tuple):
        return [described(part, depth + 1) for part in value]
    return f"({type(value).__name__})"


def _short(value: str | bytes) -> str:
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if len(value) > MAX_VALUE_CHARS:
        return f"({len(value)} characters)"
    return value.encode(errors="replace").decode()


def checked_metadata(metadata: Any) -> Mapping[str, Any] | None:
    """Metadata that can be stored: a mapping with string keys and JSON values. Raises InvalidTurnError."""
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping) or not all(isinstance(key, str) for key in metadata):
        raise InvalidTurnError("Turn.metadata: must be a mapping whose keys are strings.")
    try:
        size = len(json.dumps(dict(metadata), allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError):
        raise InvalidTurnError(
            "Turn.metadata: holds a value that is no JSON (strings, numbers, booleans, None, lists, dicts). "
            "Write dates as ISO strings and bytes as text."
        ) from None
    if size > MAX_METADATA_BYTES:
        raise InvalidTurnError(f"Turn.metadata: {size} bytes as JSON, at most {MAX_METADATA_BYTES} are stored.")
    return metadata
