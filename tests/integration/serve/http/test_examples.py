"""Examples in the OpenAPI document are what a server answers."""

import json
import re
from typing import Any

import pytest

from memkit.serve.http.openapi import EXAMPLES_FILE, document, operations
from tests.support.http_examples import tell

SCORE = re.compile(r"(?<=\d\.)\d+")


def without_numbers(value: Any) -> Any:
    """A value without the digits that depend on the processor."""
    if isinstance(value, dict):
        return {name: without_numbers(part) for name, part in value.items()}
    if isinstance(value, list):
        return [without_numbers(part) for part in value]
    if isinstance(value, str):
        return SCORE.sub("", value)
    return 0.0 if isinstance(value, float) else value


def test_the_story_told_again_is_what_the_examples_say() -> None:
    pytest.importorskip("vaderSentiment")
    examples = json.loads(EXAMPLES_FILE.read_text("utf-8"))
    assert without_numbers(tell()) == without_numbers(examples), "run: python tests/support/http_examples.py"


def test_each_operation_has_an_example() -> None:
    examples = json.loads(EXAMPLES_FILE.read_text("utf-8"))
    assert {operation["operationId"] for operation in operations(document())} == examples.keys()
