"""Questions about the whole bank: summaries, orders and lists, which few turns alone don't answer.

The rule: a message of at most two sentences asks for one where a sentence begins with a form of `whole_bank.toml`
("summarise", "list all", "in which order did", "what are all the") or holds one of its marks ("chronologically"),
and nothing says that something else than the memory is meant ("how to", "this text").
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from memkit.text.parts import SENTENCE_END_PATTERN

FORMS_FILE = files("memkit.recall.ranking") / "whole_bank.toml"
MAX_SENTENCES = 2  # a longer message tells something, and asks beside it


class WholeBankQuestion(NamedTuple):
    """Topic of a question about the whole bank, and whether it means what the one who is asked said or did."""

    topic: str
    addressed: bool


class WholeBankForms(NamedTuple):
    """A language's forms, compiled."""

    openers: re.Pattern[str]
    marks: re.Pattern[str]
    unless: re.Pattern[str]
    addressed: re.Pattern[str]
    particle: re.Pattern[str]

    @classmethod
    def of(cls, file: Mapping[str, Any]) -> "WholeBankForms":
        """The forms of a language as its part of the file gives them."""
        particle = rf"\s*\b(?:{file.get('particle', '(?!)')})\b"
        forms = (_openers(file), "|".join(file["marks"]), file["unless"], file["addressed"], particle)
        return cls(*(re.compile(form, re.IGNORECASE) for form in forms))

    def read(self, sentences: Sequence[str]) -> WholeBankQuestion | None:
        """The question that these sentences ask; None where they have none of the forms, or mean something else."""
        hits = [self.openers.match(sentence) or self.marks.search(sentence) for sentence in sentences]
        if not any(hits) or any(map(self.unless.search, sentences)):
            return None
        rests = (s[: hit.start()] + s[hit.end() :] if hit else s for s, hit in zip(sentences, hits, strict=True))
        topic = " ".join(self.particle.sub("", rest).strip() for rest in rests)
        return WholeBankQuestion(topic, bool(self.addressed.search(topic)))


def whole_bank_question(text: str) -> WholeBankQuestion | None:
    """The question about the whole bank that a text asks, in the first language that knows it; None for any other."""
    sentences = [sentence for sentence in SENTENCE_END_PATTERN.split(text) if sentence.strip()]
    if len(sentences) > MAX_SENTENCES or not any(map(_has_form, sentences)):
        return None
    return next(filter(None, (forms.read(sentences) for forms in whole_bank_forms())), None)


def _has_form(sentence: str) -> bool:
    """Whether a sentence has an opener or a mark of any language; most don't, and are read no further."""
    openers, marks = _every_form(small=sentence.isascii())
    low = sentence.lower() if sentence.isascii() else sentence
    return bool(openers.match(low) or marks.search(low))


@cache
def _every_form(*, small: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The openers and the marks of all languages; `small`: for small letters alone, in a third of the time."""
    every, flags = _listed().values(), re.NOFLAG if small else re.IGNORECASE
    marks = "|".join(mark for file in every for mark in file["marks"])
    return re.compile("|".join(map(_openers, every)), flags), re.compile(marks, flags)


def _openers(file: Mapping[str, Any]) -> str:
    """The pattern of a language's openers."""
    openers = "|".join(form.replace("LEAD", file["lead"].replace("\n", "")) for form in file["openers"])
    return rf"\W*(?:{openers})"


@cache
def _listed() -> dict[str, Any]:
    return tomllib.loads(FORMS_FILE.read_text("utf-8"))


@cache
def whole_bank_forms() -> tuple[WholeBankForms, ...]:
    """Forms of every language that has any."""
    return tuple(map(WholeBankForms.of, _listed().values()))
