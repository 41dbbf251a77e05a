"""The extractive thinker: no model; what people state of themselves and of others, with who and when.

Of TiM's operations (arXiv 2311.08719) it proposes insertions and supersessions; it never merges. Languages are
told by their function words and read by rules (`memkit/think/rules`); in others no thoughts form.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from memkit.models import Memory
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.text.asking import asks
from memkit.think.extractive.changes import changed, says
from memkit.think.extractive.clauses import bare
from memkit.think.extractive.coreference import People
from memkit.think.extractive.language import Language, languages
from memkit.think.extractive.language_id import language_of
from memkit.think.extractive.relations import Reading, Statement

ENDED = re.compile(r"(?<=[.!?])\s+")
NAME = re.compile(r"\b[A-ZÀ-Þ][^\W\d_]+")
MOST = 20  # names looked up in an exchange
SHORT = 25  # characters of a turn too short to tell its language by itself


class ExtractiveThinker:
    """Proposes thoughts of known forms only; an assistant's words are never somebody's belief."""

    name = "extractive"

    def think(self, task: Task) -> list[Proposal]:
        """Insertions, supersessions where something changed or ended, and citations of what is said again."""
        proposals: list[Proposal] = []
        for turn, statement in stated(task):
            at = next((i for i, proposal in enumerate(proposals) if says(proposal, statement)), None)
            if at is None:
                proposals += changed(statement, turn, task, proposals)
            else:
                both = dict.fromkeys((*proposals[at].source_ids, turn.id))
                proposals[at] = replace(proposals[at], source_ids=tuple(both))
        return proposals

    def names(self, turns: Sequence[Memory]) -> list[str]:
        """Words that may be the names of people whom the speakers know."""
        names = (name for turn in turns if _is_person(turn) for name in NAME.findall(turn.text))
        return list(dict.fromkeys(names))[:MOST]

    def heads(self, task: Task) -> list[str]:
        """Whom an exchange tells of: thoughts about them are what its proposals are compared with."""
        return list(dict.fromkeys(statement.head for _, statement in stated(task)))


def stated(task: Task) -> Iterator[tuple[Memory, Statement]]:
    """What people state in an exchange, with the turn in which they do."""
    told = language_of(" ".join(turn.text for turn in task.turns))
    people: dict[tuple[str, str], People] = {}
    for number, turn in enumerate(task.turns):
        code = language_of(turn.text, told) if len(turn.text) > SHORT else told
        language = languages().get(code or told or "")
        if language is None or not _is_person(turn):
            continue
        key = (turn.speaker or "", language.code)
        if key not in people:
            people[key] = People(key[0], language)
            people[key].learn(task.thoughts)
        text = answered(task.turns[number - 1], turn, language) if number else turn.text
        yield from _once(turn, Reading(people[key], turn.occurred_at, task.zone).statements(text))


def _once(turn: Memory, found: Iterable[Statement]) -> Iterator[tuple[Memory, Statement]]:
    for statement in {(s.head, s.relation, s.tail): s for s in found}.values():
        yield turn, statement


def _is_person(turn: Memory) -> bool:
    return turn.role in (None, "user") and turn.speaker is not None and turn.echo_of is None


def answered(asked: Memory, turn: Memory, language: Language) -> str:
    """A turn's text, as a statement of its own where it is a plain "yes", or a few words, to somebody's question."""
    if not asks(asked.text) or asked.speaker == turn.speaker:
        return turn.text
    question = bare(ENDED.split(asked.text.replace("’", "'").strip())[-1], language)
    yes, short = language.confirmed.match(turn.text), language.fragment.fullmatch(turn.text)
    if yes is not None:
        found = _first(language.questions_confirmed, question)
        return f"{language.turned(found)}{_since(turn.text[yes.end() :], language)}" if found else turn.text
    found = _first(language.answers, question) if short else None
    return f"{found} {short[1]}" if found and short else turn.text


def _first(forms: Iterable[tuple[re.Pattern[str], str]], question: str) -> str | None:
    matches = ((form.fullmatch(question), statement) for form, statement in forms)
    return next((match.expand(statement) for match, statement in matches if match), None)


def _since(rest: str, language: Language) -> str:
    """What follows a "yes": a time belongs to what was affirmed, anything else is a sentence of its own."""
    return f" {rest}" if rest.casefold().startswith(language.file.since) else f". {rest}"
