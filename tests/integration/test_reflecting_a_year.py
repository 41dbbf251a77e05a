"""Reflection over the demo's year: what a person would want to know of the two is in what it writes."""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

import memkit

CONVERSATION = Path(__file__).parents[2] / "demos" / "conversation.jsonl"
# Written down before any of it was tried: ten facts about the two, each as the words that a line has to hold.
FACTS = {
    "Ines is allergic to walnuts": ("walnut", "allergic|reaction|banned"),
    "Ines moved to Braga": ("Ines", "Braga", "move|moved|live"),
    "Ines runs the medical side of a shelter": ("Ines", "shelter", "medical|boss|run|start|director"),
    "Ines plays the cello": ("Ines", "cello|cellos"),
    "Ines ran a half marathon": ("Ines", "half marathon|fourteen minutes"),
    "her cat Pimenta is dead": ("Ines|Pimenta", "died"),
    "her sister Teresa married and is pregnant": ("Teresa|sister|she", "married|wedding|pregnant"),
    "Tobias left the bank to become a baker": ("Tobias", "apprentice|notice|Norrbank lets"),
    "Tobias had his knee operated": ("Tobias", "knee|surgery|meniscus|operate|operated"),
    "Tobias takes over the bakery, on a loan": ("Tobias|Surdegen", "loan|take half|take over"),
}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[memkit.MemoryBank]:
    turns = [json.loads(line) for line in CONVERSATION.read_text("utf-8").splitlines()]
    with memkit.open(tmp_path_factory.mktemp("year") / "year.db") as store:
        bank = store.bank("demo", "year")
        for _, session in groupby(turns, key=lambda turn: turn["session"]):
            bank.observe([memkit.Turn(**turn) for turn in session])
        bank.think()
        bank.reflect()
        yield bank


def told(bank: memkit.MemoryBank) -> list[str]:
    """The lines of the portrait and of all summaries."""
    portrait = bank.portrait()
    assert portrait is not None
    summaries = bank.list(kinds=["summary"], limit=1000)
    return [line for memory in (portrait, *summaries) for line in memory.text.splitlines()]


def named(lines: list[str]) -> list[str]:
    return [fact for fact, parts in FACTS.items() if any(all(_says(part, line) for part in parts) for line in lines)]


def _says(part: str, line: str) -> bool:
    return re.search(rf"\b(?:{part})", line, re.IGNORECASE) is not None


def test_portrait_and_summaries_name_eight_of_ten_facts_about_the_two(year: memkit.MemoryBank) -> None:
    assert len(named(told(year))) >= 8
