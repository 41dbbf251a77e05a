"""Reflection over the demo's year: it tells what a person would want to know, and leaves recall as it was."""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import pytest

import memkit
from memkit.evaluation.texts import CONVERSATIONS_FOLDER

# Written down before any of it was tried: ten facts about the two, each as the words that a line has to hold.
FACTS_OF_THE_YEAR = {
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


ASKED_AT = "2025-04-01T12:00:00+00:00"
Ranked = list[tuple[str, float, dict[str, object]]]


class Year(NamedTuple):
    """The bank after reflection, and what was recalled for the demo's questions before it."""

    bank: memkit.MemoryBank
    before: list[Ranked]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    with memkit.open(tmp_path_factory.mktemp("year") / "year.db") as store:
        bank = store.bank("demo", "year")
        for _, session in groupby(read("conversation"), key=lambda turn: turn["session"]):
            bank.observe([memkit.Turn(**turn) for turn in session])
        bank.think()
        before = recalled(bank)
        bank.reflect()
        yield Year(bank, before)


def read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CONVERSATIONS_FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]


def recalled(bank: memkit.MemoryBank) -> list[Ranked]:
    questions = [question["question"] for question in read("questions")]
    answers = [bank.recall(question, now=ASKED_AT, reinforce=False) for question in questions]
    return [[(hit.memory.id, hit.score, dict(hit.why)) for hit in hits] for hits in answers]


def texts_told(bank: memkit.MemoryBank) -> list[str]:
    """The lines of the portrait and of all summaries."""
    portrait = bank.portrait()
    assert portrait is not None
    summaries = bank.list(kinds=["summary"], limit=1000)
    return [line for memory in (portrait, *summaries) for line in memory.text.splitlines()]


def named(lines: list[str]) -> list[str]:
    return [
        fact
        for fact, parts in FACTS_OF_THE_YEAR.items()
        if any(all(_says(part, line) for part in parts) for line in lines)
    ]


def _says(part: str, line: str) -> bool:
    return re.search(rf"\b(?:{part})", line, re.IGNORECASE) is not None


def test_portrait_and_summaries_name_eight_of_ten_facts_about_the_two(year: Year) -> None:
    assert len(named(texts_told(year.bank))) >= 8


def test_recall_finds_the_same_turns_with_the_same_scores_and_reasons_after_reflection(year: Year) -> None:
    assert recalled(year.bank) == year.before
