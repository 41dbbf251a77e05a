"""Forms of requests to forget, by language: read from `rules.toml`, compiled once."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from memkit.text.terms.language import common_words

FORM_NAMES = ("idioms", "last", "everything", "about", "own", "asked", "claim", "bare", "personal", "value")
RULES_FILE = files("memkit.text.forgetting") / "rules.toml"


@dataclass(frozen=True)
class ForgettingRules:
    """A language's forms.

    forms, erasing: whole sentences; their groups are `polite` and `rest`, what is to be forgotten
    idioms: rests of sentences that ask for nothing ("forget it")
    last, everything: rests that mean what was said just before, and all there is of the speaker
    about, own, claim: rests that name a topic, the speaker's or any, or a fact ("that I live in Lisbon")
    asked, bare: rests that name one by a question ("where I live"), or plainly, which only a polite request
        does; the group `question` of `asked` is no content
    elsewhere: words that say that something is to be removed from somewhere else
    memory: words that name the memory; closing: words that end a request and say nothing
    ours: words that tell that somebody speaks of themselves; beside: such a word just before another one
    personal: what one deletes of oneself
    instead: what holds in the place of a fact; value: its new value; joints: words between a fact and its value
    keys: keys of relations by the topics that mean them
    """

    code: str
    file: Mapping[str, Any]

    @property
    def stemmer(self) -> str:
        """The name of the language's stemmer."""
        return common_words()[self.code].stemmer

    @cached_property
    def sentences(self) -> tuple[tuple[re.Pattern[str], bool], ...]:
        """Forms of whole sentences, each with whether its verb alone means the memory."""
        forms = [(form, True) for form in self.file["forms"]] + [(form, False) for form in self.file["erasing"]]
        return tuple((_compiled(self._filled(form)), sure) for form, sure in forms)

    def _filled(self, form: str) -> str:
        lead, polite = _joined(self.file["lead"]), _joined(self.file["polite"])
        return form.replace("LEAD", lead).replace("POLITE", polite).replace("REST", r"(?P<rest>\S.*)")

    @cached_property
    def patterns(self) -> dict[str, re.Pattern[str]]:
        """Forms of rests by name, and patterns of words in them."""
        word = r"(?<!\w)(?:{})(?!\w)"
        return {
            **{name: _compiled(self.file[name]) for name in FORM_NAMES},
            "memory": _compiled(rf"[\s,]*(?:{_joined(self.file['memory'])})"),
            "closing": _compiled(rf"(?:[\s,]+(?:{_joined(self.file['closing'])}))+$"),
            "elsewhere": _compiled(word.format(self.file.get("elsewhere", "(?!)"))),
            "ours": _compiled(word.format(_joined(self.file["ours"]))),
            "beside": _compiled(word.format(_joined(self.file["ours"])) + r"\W+(?:[\w'-]+\W+)?$"),
            "instead": _compiled(rf"\s*{_joined(self.file['instead'])}"),
            "joints": _compiled(rf"(?:(?<![\w'’])(?:{self.file['joints']})|(?<=\w)'(?:s|m|re))(?=\s)"),
        }

    @cached_property
    def keys(self) -> tuple[tuple[re.Pattern[str], frozenset[str]], ...]:
        """Topics, each with the keys of the relations that it means."""
        return tuple((_compiled(form), frozenset(keys)) for form, keys in self.file["keys"].items())


@cache
def forgetting_rules() -> tuple[ForgettingRules, ...]:
    """Rules of every language that has any."""
    return tuple(ForgettingRules(code, rules) for code, rules in tomllib.loads(RULES_FILE.read_text("utf-8")).items())


def _joined(form: str) -> str:
    """A form that is written over several lines, in one."""
    return form.strip("\n").replace("\n", "")


def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(_joined(form), re.IGNORECASE)
