"""Content of messages, in whatever blocks a framework or provider gives it: the words, and what is kept beside them.

Words are texts, refusals, and what a picture, a recording or a file says that it shows. A model's reasoning is left
out; every other block is kept as what it is, without its bulk.
"""

import math
from collections.abc import Mapping
from typing import Any

from memkit.text.parts import CAPTION_KEYS, described_media

TEXT_TYPES = frozenset({"text", "input_text", "output_text"})
REASONING_TYPES = frozenset({"reasoning", "reasoning_content", "thinking", "redacted_thinking"})
FILE_NAME_KEYS = ("filename", "file_name")
NESTED_KEYS = ("extras", "metadata")  # beside the part that is named after the block's type
MAX_VALUE_CHARS = 2_000  # characters of one value in a description; images and files stay out of the memory
MAX_DEPTH = 8


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
    said = [block for block in content if _type(block) not in REASONING_TYPES]
    others = [described(block) for block in said if not _is_text(block)]
    joined = "\n".join(filter(None, map(_words, said)))
    return joined, {"blocks": others} if others else {}


def _type(block: Any) -> str:
    given = block.get("type", "text") if isinstance(block, Mapping) else None
    return given if isinstance(given, str) else ""


def _is_text(block: Any) -> bool:
    if not isinstance(block, Mapping):
        return isinstance(block, str)
    return _type(block) in TEXT_TYPES and isinstance(block.get("text"), str)


def _words(block: Any) -> str | None:
    if _is_text(block):
        return block if isinstance(block, str) else str(block["text"])
    if not isinstance(block, Mapping):
        return None
    if _type(block) == "refusal":
        return _first_text(block, ("refusal",))
    caption = _caption(block)
    return None if caption is None else described_media(_type(block), _short(caption))


def _caption(block: Mapping[Any, Any]) -> str | None:
    """Caption of a block, its own or one of its parts'."""
    if "type" not in block:
        return None
    parts = (block.get(key) for key in (_type(block), *NESTED_KEYS))
    places = [block, *(part for part in parts if isinstance(part, Mapping))]
    return next(
        (text for keys in (CAPTION_KEYS, FILE_NAME_KEYS) for place in places if (text := _first_text(place, keys))),
        None,
    )


def _first_text(values: Mapping[Any, Any], keys: tuple[str, ...]) -> str | None:
    return next((values[key] for key in keys if isinstance(values.get(key), str) and values[key].strip()), None)


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
