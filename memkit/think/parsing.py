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


def read_operations(answer: str) -> list[dict[str, Any]]:
    """The operations in an answer, in order; those that were cut off are left out.

    Fences, prose around the array, trailing commas, single quotes and Python's literals are read
    through. Raises ThinkerOutputError where there is neither an operation nor an empty array.
    """
    text = FENCE.sub(" ", answer)
    found = [value for value in _objects(text) if value.get("op") in OPERATIONS]
    if found or re.search(r"\[\s*\]", text):
        return found
    raise ThinkerOutputError(
        f"the model's answer of {len(answer)} characters holds no operations. The exchange stays queued."
    )


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every whole {...} at the outermost level that can be read."""
    at = text.find("{")
    while at >= 0:
        end = _end(text, at)
        if end is None:
            at = text.find("{", at + 1)
            continue
        value = _literal(text[at:end])
        if isinstance(value, dict) and "op" not in value and isinstance(value.get("operations"), list):
            yield from (item for item in value["operations"] if isinstance(item, dict))
        elif isinstance(value, dict):
            yield value
        at = text.find("{", end if value is not None else at + 1)


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
