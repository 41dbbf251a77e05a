"""The extractive thinker: no model; what people state of themselves and of others, with who and when.

Of TiM's operations (arXiv 2311.08719) it proposes insertions and supersessions; it never merges. Languages are
identified by their function words and read by rules (`memkit/think/extractive/rules`); in others no thoughts form.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from memkit.models import Memory
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.text.forgetting.requests import without_requests
from memkit.text.pasted.spans import own_words
from memkit.text.terms.tokens import asks
from memkit.think.extractive.changes import Changes
from memkit.think.extractive.clauses import without_opening
from memkit.think.extractive.coreference import Referents
from memkit.think.extractive.corrected_values import corrected_values, value_proposals
from memkit.think.extractive.language import Language, languages
from memkit.think.extractive.language_id import language_of
from memkit.think.extractive.relations import Statement, TurnReader

SENTENCE_END_PATTERN = re.compile(r"(?<=[.!?])\s+")
NAME_PATTERN = re.compile(r"\b[A-ZÀ-Þ][^\W\d_]+")
MAX_NAMES = 20  # looked up in an exchange
MIN_LANGUAGE_CHARS = 25  # a shorter turn doesn't tell its language by itself


class ExtractiveThinker:
    """Proposes thoughts of known forms only; an assistant's words are never somebody's belief."""

    name = "extractive"

    def think(self, task: Task) -> list[Proposal]:
        """Insertions, supersessions where something changed or ended, and citations of what is said again."""
        changes, understood = Changes(task.thoughts), set[str]()
        for turn, statement in read_statements(task):
            changes.take(statement, turn)
            understood.add(turn.id)
        others = (turn for turn in task.turns if _is_person(turn) and turn.id not in understood)
        return [*changes.proposals, *(proposal for turn in others for proposal in value_proposals(turn))]

    def names(self, turns: Sequence[Memory]) -> list[str]:
        """Words that may be the names of people whom the speakers know."""
        said = (_in_own_words(turn).text for turn in turns if _is_person(turn))
        names = (name for text in said for name in NAME_PATTERN.findall(text))
        return list(dict.fromkeys(names))[:MAX_NAMES]

    def heads(self, task: Task) -> list[str]:
        """Heads that an exchange speaks of: proposals are compared with thoughts about them."""
        stated = (statement.head for _, statement in read_statements(task))
        corrected = (value.head for turn in task.turns if _is_person(turn) for value in corrected_values(turn))
        return list(dict.fromkeys([*stated, *corrected]))


def read_statements(task: Task) -> Iterator[tuple[Memory, Statement]]:
    """Statements of people in an exchange, in words of their own, each with its turn."""
    turns = [_in_own_words(turn) for turn in task.turns]
    usual = language_of(" ".join(turn.text for turn in turns))
    people: dict[tuple[str, str], Referents] = {}
    for number, turn in enumerate(turns):
        code = language_of(turn.text, usual) if len(turn.text) > MIN_LANGUAGE_CHARS else usual
        language = languages().get(code or usual or "")
        if language is None or not _is_person(turn):
            continue
        key = (turn.speaker or "", language.code)
        if key not in people:
            people[key] = Referents(key[0], language, others=_names_of_others(turns, key[0]))
            people[key].learn_names(task.thoughts)
        text = without_requests(with_question(turns[number - 1], turn, language) if number else turn.text)
        yield from ((turn, s) for s in TurnReader(people[key], turn.occurred_at, task.zone).statements(text))


def _is_person(turn: Memory) -> bool:
    return turn.role in (None, "user") and turn.speaker is not None


def _names_of_others(turns: Sequence[Memory], speaker: str) -> frozenset[str]:
    """Names of those who speak beside somebody, in small letters."""
    return frozenset(turn.speaker.casefold() for turn in turns if turn.speaker) - {speaker.casefold()}


def _in_own_words(turn: Memory) -> Memory:
    """A person's turn without what is pasted in it."""
    return turn.model_copy(update={"text": own_words(turn.text)}) if _is_person(turn) else turn


def with_question(asked: Memory, turn: Memory, language: Language) -> str:
    """A turn's text, as a statement of its own where it is a plain "yes", or a few words, to somebody's question."""
    if not asks(asked.text) or asked.speaker == turn.speaker:
        return turn.text
    question = without_opening(SENTENCE_END_PATTERN.split(asked.text.replace("’", "'").strip())[-1], language)
    yes, short = language.patterns["confirmed"].match(turn.text), language.patterns["fragment"].fullmatch(turn.text)
    if yes is not None:
        statement = _first_match(language.file.confirm.questions, question, language)
        return f"{language.turned(statement)}{_after_yes(turn.text[yes.end() :], language)}" if statement else turn.text
    beginning = _first_match(language.file.confirm.answers, question, language) if short else None
    return f"{beginning} {short[1]}" if beginning and short else turn.text


def _first_match(forms: Iterable[tuple[str, str]], question: str, language: Language) -> str | None:
    """Statement that answers the first of these questions that was asked."""
    matches = ((language.pattern(form).fullmatch(question), statement) for form, statement in forms)
    return next((match.expand(statement) for match, statement in matches if match), None)


def _after_yes(rest: str, language: Language) -> str:
    """The rest after a "yes": a time belongs to what was affirmed, anything else is a sentence of its own."""
    return f" {rest}" if rest.casefold().startswith(language.file.since) else f". {rest}"
