"""Requests to forget, told from words alone."""

import tomllib
from pathlib import Path

import pytest

from memkit.text.forgetting.requests import asked_topics, only_asks_to_forget, read_request, without_requests

CASES = tomllib.loads((Path(__file__).parents[2] / "data" / "forgetting.toml").read_text("utf-8"))


@pytest.mark.parametrize(("text", "topic"), CASES["requests"].items())
def test_a_request_to_forget_names_its_topic(text: str, topic: str) -> None:
    [asked] = asked_topics(text)
    assert (asked.scope, asked.topic) == ("topic", topic)
    assert only_asks_to_forget(text)


@pytest.mark.parametrize(("text", "scope"), CASES["scopes"].items())
def test_a_request_may_mean_what_was_said_last_or_everything(text: str, scope: str) -> None:
    assert [asked.scope for asked in asked_topics(text)] == [scope]


@pytest.mark.parametrize(("text", "instead"), CASES["corrections"].items())
def test_a_correction_says_what_holds_instead_and_asks_for_no_erasure(text: str, instead: str) -> None:
    assert asked_topics(text) == []
    assert without_requests(text) == instead


@pytest.mark.parametrize("text", CASES["none"]["sentences"])
def test_who_only_speaks_of_forgetting_asks_for_nothing(text: str) -> None:
    assert asked_topics(text) == []
    assert read_request(text) is None
    assert not only_asks_to_forget(text)


def test_what_else_a_turn_tells_stays() -> None:
    assert without_requests("I moved to Porto. Please forget my old number. It rains.") == "I moved to Porto. It rains."
    assert without_requests("It rains.") == "It rains."


def test_what_is_pasted_asks_for_nothing() -> None:
    for text in (
        "Look:\n> Please forget where I live.",
        "Fix this:\n```\n# please forget my number\n```",
        "Rex said: `forget my name`",
    ):
        assert asked_topics(text) == []
        assert without_requests(text) == text
    assert [asked.topic for asked in asked_topics("Please forget my number.\n> Forget my name.")] == ["my number"]
