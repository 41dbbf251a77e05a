"""Reading a model's answer: tolerant of everything around the JSON, and of the ways in which it is broken."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from memkit.errors import ThinkerOutputError

FENCE_PATTERN = re.compile(r"```[\w-]*")
TRAILING_COMMA_PATTERN = re.compile(r",(\s*[\]}])")
OPERATION_NAMES = ("insert", "supersede", "merge", "forget")
EMPTY_ANSWER_PATTERN = re.compile(r"""[^{]*(?:\[\s*\]|\{\s*["']?operations["']?\s*:\s*\[\s*\]\s*,?\s*\})[^{]*\Z""")
MAX_ANSWER_CHARS = 40_000  # the rest isn't read
MAX_BROKEN_BRACES = 40  # braces that lead nowhere; more of them are no answer


def parse_operations(answer: str) -> list[dict[str, Any]]:
    """The operations in an answer, in order; those that were cut off are left out.

    Fences, prose around the array, trailing commas, single quotes and Python's literals are read
    through. Raises ThinkerOutputError where there is neither an operation nor an empty array.
    """
    text = FENCE_PATTERN.sub(" ", answer[:MAX_ANSWER_CHARS])
    operations = [value for value in _objects(text) if isinstance(value.get("op"), str)]
    if any(value["op"] in OPERATION_NAMES for value in operations) or EMPTY_ANSWER_PATTERN.match(text):
        return operations
    raise ThinkerOutputError(
        f"the model's answer of {len(answer)} characters holds no operations. The exchange stays queued."
    )


def parse_structured(value: Any) -> list[dict[str, Any]]:
    """The operations in an answer that came in the form that was asked for. Raises ThinkerOutputError."""
    items = value.get("operations") if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise ThinkerOutputError("the model's structured answer holds no operations. The exchange stays queued.")
    return [item for item in items if isinstance(item, dict) and isinstance(item.get("op"), str)]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every whole {...} at the outermost level that can be read."""
    at, broken = text.find("{"), 0
    while at >= 0 and broken < MAX_BROKEN_BRACES:
        end = _object_end(text, at)
        value = None if end is None else _parse_literal(text[at:end])
        if isinstance(value, dict):
            yield from _unwrapped(value)
        broken += value is None
        at = text.find("{", at + 1 if end is None or value is None else end)


def _unwrapped(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    inner = value.get("operations")
    if "op" in value or not isinstance(inner, list):
        yield value
    else:
        yield from (item for item in inner if isinstance(item, dict))


def _object_end(text: str, start: int) -> int | None:
    """Index after the object that starts here; None where it was cut off."""
    depth, quote, at = 0, "", start
    while at < len(text):
        character = text[at]
        if quote:
            at += character == "\\"
            quote = "" if character == quote else quote
        elif character == '"' or (character == "'" and text[at - 1] in "{[,: "):
            quote = character
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return None


def _parse_literal(text: str) -> Any:
    """The value of a piece of JSON or of a Python literal; None where it is neither."""
    plain = TRAILING_COMMA_PATTERN.sub(r"\1", text)
    try:
        return json.loads(plain, strict=False)
    except ValueError:
        pass
    try:
        return ast.literal_eval(re.sub(r"\bnull\b", "None", plain))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
