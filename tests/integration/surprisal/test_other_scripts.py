"""Two hundred turns of Russian and of Chinese: facts tell more than small talk, and small talk alone goes unencoded."""

import random
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memkit.observe.small_talk import small_talk
from memkit.surprisal.background import BackgroundSurprisal
from memkit.surprisal.salience import salience

DATA = Path(__file__).parents[2] / "data"
LANGUAGES = ("russian", "chinese")


def talk(language: str) -> dict[str, Any]:
    return tomllib.loads((DATA / f"talk_{language}.toml").read_text(encoding="utf-8"))


def saliences(texts: list[str]) -> list[float]:
    model = BackgroundSurprisal()
    return [salience(model.score(text)) for text in texts]


def stream(language: str, seed: int) -> list[tuple[str, str]]:
    """200 turns in a random order, each with its kind."""
    parts, draws = talk(language), random.Random(seed)
    groceries = draws.sample(parts["groceries"].split(), 40)
    wishes = [parts["wishes"][i % 8].format(item=item) for i, item in enumerate(groceries)]
    kinds = {"small_talk": parts["small_talk"], "long": parts["long_small_talk"], "facts": parts["facts"],
             "fillers": parts["fillers"], "wishes": wishes, "again": parts["small_talk"][:20]}  # fmt: skip
    turns = [(kind, text) for kind, texts in kinds.items() for text in texts]
    draws.shuffle(turns)
    return turns


def share_above(facts: list[float], small: list[float]) -> float:
    """How often a fact tells more than a turn of small talk (the area under the ROC curve)."""
    return float(np.mean(np.subtract.outer(facts, small) > 0))


@pytest.mark.parametrize("language", LANGUAGES)
def test_facts_tell_more_than_small_talk_and_than_small_talk_as_long_as_they(language: str) -> None:
    parts = talk(language)
    facts = saliences(parts["facts"])
    assert share_above(facts, saliences(parts["small_talk"])) > 0.99
    assert share_above(facts, saliences(parts["long_small_talk"])) > 0.9


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_two_hundred_turns_only_small_talk_counts_as_small_talk(language: str) -> None:
    turns = stream(language, seed=1)
    assert len(turns) == 200
    texts = [text for _, text in turns]
    quiet = small_talk(0.1, [], saliences(texts), texts)
    kinds = [kind for (kind, _), is_quiet in zip(turns, quiet, strict=True) if is_quiet]
    assert len(kinds) >= 10
    assert set(kinds) <= {"small_talk", "again", "long"}
