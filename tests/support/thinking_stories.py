"""Conversations for the tests of thinking: two years in which facts change, and a year of small talk."""

import random
import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from memkit import Turn

DATA = Path(__file__).parents[1] / "data" / "thinking"
START = datetime(2023, 1, 2, 9, tzinfo=UTC)
CHOICE = re.compile(r"\{([^{}]*)\}")


@dataclass
class Fact:
    """A fact of which there is one at a time, as it was told over two years: (moment, value)."""

    head: str
    relation: str
    ask: str
    told: list[tuple[datetime, str]] = field(default_factory=list)

    def at(self, moment: datetime) -> str | None:
        """The value that had been told last."""
        return next((value for told, value in reversed(self.told) if told <= moment), None)


def small_talk(count: int, seed: int = 1) -> list[str]:
    """Chat about nothing, from patterns whose parts are chosen by chance."""
    chance = random.Random(seed)
    patterns = (DATA / "small_talk.txt").read_text("utf-8").splitlines()
    return [CHOICE.sub(lambda m: chance.choice(m[1].split("|")), chance.choice(patterns)) for _ in range(count)]


def two_years(seed: int = 1) -> tuple[list[Turn], list[Fact]]:
    """Some 200 updates of 20 facts in many wordings, amid three times as many turns of small talk."""
    chance = random.Random(seed)
    described = tomllib.loads((DATA / "chain.toml").read_text("utf-8"))["fact"]
    facts = [Fact(one["head"], one["relation"], one["ask"]) for one in described]
    left = [number for number, one in enumerate(described) for _ in one["values"]]
    chance.shuffle(left)
    step = timedelta(days=730) / len(left)
    talk = iter(small_talk(3 * len(left), seed))
    turns: list[Turn] = []
    for place, number in enumerate(left):
        at = START + place * step
        one, fact = described[number], facts[number]
        value = one["values"][len(fact.told)]
        fact.told.append((at, value))
        turns.append(Turn(chance.choice(one["wordings"]).format(v=value), "Ana", at=at))
        turns += [Turn(next(talk), "Ana", at=at + timedelta(hours=8 * n)) for n in (1, 2, 3)]
    return turns, facts
