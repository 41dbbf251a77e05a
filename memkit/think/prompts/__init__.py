"""Prompts: one file for each purpose and language, which a user may replace."""

import importlib.resources
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from memkit.errors import InputError
from memkit.models import Memory
from memkit.protocols import Task

PROMPT_NAMES = ("post_think", "repair", "summary", "portrait")
PROMPTS_FOLDER = importlib.resources.files("memkit.think.prompts")
DEFAULT_LANGUAGE = "en"
HAN_CODE_POINTS = range(0x4E00, 0xA000)


@cache
def default_prompts() -> dict[str, str]:
    """memkit's own texts by name: those in PROMPT_NAMES, and "post_think.de" for other languages."""
    files = (path for path in PROMPTS_FOLDER.iterdir() if path.name.split(".")[0] in PROMPT_NAMES)
    return {path.name.removesuffix(".txt"): path.read_text("utf-8") for path in files}


@cache
def answer_schema() -> dict[str, Any]:
    """The JSON schema of an answer, for models that answer in a given form."""
    return dict(json.loads((PROMPTS_FOLDER / "schema.json").read_text("utf-8")))


def prompt_text(name: str, task: Task, own: Mapping[str, str] | Path | None = None) -> str:
    """The text for a task: the user's own before memkit's, that of its language before the English one."""
    names = (f"{name}.{prompt_language(task.turns)}", name)
    for texts in (_user_texts(own), default_prompts()):
        for candidate in names:
            if candidate in texts:
                return texts[candidate]
    raise InputError(f"prompts: there is no text {name!r}.")


def general_prompt_text(name: str, own: Mapping[str, str] | Path | None = None) -> str:
    """The text of this name for all languages: the user's own before memkit's."""
    return _user_texts(own).get(name) or default_prompts()[name]


def _user_texts(own: Mapping[str, str] | Path | None) -> Mapping[str, str]:
    if own is None:
        return {}
    if not isinstance(own, Path):
        return own
    if not own.is_dir():
        raise InputError(f"prompts: {own} is no folder. Give one with files like post_think.txt.")
    return {file.stem: file.read_text("utf-8") for file in own.glob("*.txt")}


def prompt_language(turns: Sequence[Memory]) -> str:
    """The language of most of the turns' words, among those with prompts; English where none stands out."""
    letters = [c for turn in turns for c in turn.text if c.isalpha()]
    if sum(ord(c) in HAN_CODE_POINTS for c in letters) * 3 > len(letters):
        return "zh"
    words = [word.strip(".,!?;:…\"'()").casefold() for turn in turns for word in turn.text.split()]
    hits = {language: sum(word in common for word in words) for language, common in _distinctive_words().items()}
    best = max(hits, key=lambda language: hits[language])
    return best if hits[best] > hits[DEFAULT_LANGUAGE] else DEFAULT_LANGUAGE


@cache
def _distinctive_words() -> dict[str, frozenset[str]]:
    """The commonest words of each language that none of the others has."""
    lines = (line.partition(":") for line in (PROMPTS_FOLDER / "languages.txt").read_text("utf-8").splitlines() if line)
    return {language: frozenset(words.split()) for language, _, words in lines}
