"""Reading a model's answer: tolerant of everything around the JSON, and of the ways in which it is broken."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from memkit.errors import ThinkerOutputError

FENCE = re.compile(r"```[\w-]*")
TRAILING_COMMA = re.compile(r",(\s*[\]}])")
OPERATIONS = ("insert", "supersede", "merge", "forget")
EMPTY = re.compile(r"""[^{]*(?:\[\s*\]|\{\s*["']?operations["']?\s*:\s*\[\s*\]\s*,?\s*\})[^{]*\Z""")
LONGEST = 40_000  # characters that are read
MOST_BROKEN = 40  # braces that lead nowhere; more of them are no answer


def read_operations(answer: str) -> list[dict[str, Any]]:
    """The operations in an answer, in order; those that were cut off are left out.

    Fences, prose around the array, trailing commas, single quotes and Python's literals are read
    through. Raises ThinkerOutputError where there is neither an operation nor an empty array.
    """
    text = FENCE.sub(" ", answer[:LONGEST])
    found = [value for value in _objects(text) if isinstance(value.get("op"), str)]
    if any(value["op"] in OPERATIONS for value in found) or EMPTY.match(text):
        return found
    raise ThinkerOutputError(
        f"the model's answer of {len(answer)} characters holds no operations. The exchange stays queued."
    )


def read_structured(value: Any) -> list[dict[str, Any]]:
    """The operations in an answer that came in the form that was asked for. Raises ThinkerOutputError."""
    items = value.get("operations") if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise ThinkerOutputError("the model's structured answer holds no operations. The exchange stays queued.")
    return [item for item in items if isinstance(item, dict) and isinstance(item.get("op"), str)]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every whole {...} at the outermost level that can be read."""
    at, broken = text.find("{"), 0
    while at >= 0 and broken < MOST_BROKEN:
        end = _end(text, at)
        value = None if end is None else _literal(text[at:end])
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


def _end(text: str, start: int) -> int | None:
    """Where the object that starts here ends; None where it was cut off."""
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


def _literal(text: str) -> Any:
    """The value of a piece of JSON or of a Python literal; None where it is neither."""
    plain = TRAILING_COMMA.sub(r"\1", text)
    try:
        return json.loads(plain, strict=False)
    except ValueError:
        pass
    try:
        return ast.literal_eval(re.sub(r"\bnull\b", "None", plain))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
