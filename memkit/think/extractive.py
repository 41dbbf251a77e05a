"""The extractive thinker: no model; what people state of themselves and of others, with who and when.

Of TiM's operations (arXiv 2311.08719) it proposes insertions and supersessions; it never merges. Languages are
told by their function words and read by rules (`memkit/think/rules`); in others no thoughts form.
"""

from collections.abc import Iterator, Sequence

from memkit.models import Memory
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.text.asking import asks
from memkit.think.changes import changed
from memkit.think.language import Language, languages
from memkit.think.relations import Statement, statements
from memkit.think.sentences import bare
from memkit.think.telling import language_of

SHORT = 25  # characters of a turn too short to tell its language by itself


class ExtractiveThinker:
    """Proposes thoughts of known forms only; an assistant's words are never somebody's belief."""

    name = "extractive"

    def think(self, task: Task) -> list[Proposal]:
        """Insertions, and supersessions where something changed or ended."""
        proposals: list[Proposal] = []
        for turn, statement in stated(task.turns, task.zone):
            proposals += changed(statement, turn, task, proposals)
        return proposals

    def heads(self, turns: Sequence[Memory], zone: str) -> list[str]:
        """Whom an exchange tells of: thoughts about them are what its proposals are compared with."""
        return list(dict.fromkeys(statement.head for _, statement in stated(turns, zone)))


def stated(turns: Sequence[Memory], zone: str) -> Iterator[tuple[Memory, Statement]]:
    """What people state in an exchange, with the turn in which they do."""
    told = language_of(" ".join(turn.text for turn in turns))
    for number, turn in enumerate(turns):
        code = language_of(turn.text, told) if len(turn.text) > SHORT else told
        language = languages().get(code or told or "")
        if language is None or not _is_person(turn):
            continue
        text = confirmed(turns[number - 1], turn, language) if number else turn.text
        yield from _once(turn, statements(text, speaker=turn.speaker or "", at=turn.occurred_at, zone=zone,
                                          language=language))  # fmt: skip


def _once(turn: Memory, found: Sequence[Statement]) -> Iterator[tuple[Memory, Statement]]:
    for statement in {(s.head, s.relation, s.tail): s for s in found}.values():
        yield turn, statement


def _is_person(turn: Memory) -> bool:
    return turn.role in (None, "user") and turn.speaker is not None and turn.echo_of is None


def confirmed(asked: Memory, turn: Memory, language: Language) -> str:
    """A turn's text; where it begins with a plain "yes" to a yes-or-no question, with what that affirms."""
    yes = language.confirmed.match(turn.text)
    if yes is None or not asks(asked.text) or asked.speaker == turn.speaker:
        return turn.text
    question = bare(asked.text.replace("’", "'").split(". ")[-1].split("! ")[-1].strip(), language)
    for form, statement in language.questions_confirmed:
        match = form.fullmatch(question)
        if match is not None:
            rest = turn.text[yes.end() :].strip()
            return f"{language.turned(match.expand(statement))}{_since(rest, language)}"
    return turn.text


def _since(rest: str, language: Language) -> str:
    """What follows a "yes": a time belongs to what was affirmed, anything else is a sentence of its own."""
    return f" {rest}" if rest.casefold().startswith(language.file.since) else f". {rest}"
