"""The extractive thinker: no model; what people state about themselves and their plans, with who and when."""

import re
from collections.abc import Iterator, Sequence

from memkit.models import Memory
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.think.relations import Relation, relation_of
from memkit.think.sentences import dated, sentences, third_person

UNSURE = re.compile(
    r"\b(?:if|unless|maybe|perhaps|probably|might|could be|would|wish|imagine|suppose|dream(?:ed|t)? (?:of|about|that)"
    r"|joking|kidding|pretend|as if|almost|i guess|i think|not sure|hopefully|used to)\b|\?\s*$|\bwhat if\b",
    re.IGNORECASE,
)
ABOUT_SELF = re.compile(r"\b(?:I|I'm|I've|I'll|my|My)\b")
SHORTEST, LONGEST = 3, 40  # words of a sentence


class ExtractiveThinker:
    """Proposes few thoughts, only of known forms; an assistant's words are never somebody's belief."""

    name = "extractive"

    def think(self, task: Task) -> list[Proposal]:
        """Inserts, and supersessions where a person can have only one (a home, an age, a favourite)."""
        found = [p for turn in task.turns if _is_person(turn) for p in _thoughts_of(turn, task)]
        return list({(p.head, p.relation, p.tail): p for p in found}.values())


def _is_person(turn: Memory) -> bool:
    return turn.role in (None, "user") and turn.speaker is not None and turn.echo_of is None


def _thoughts_of(turn: Memory, task: Task) -> Iterator[Proposal]:
    speaker = turn.speaker or ""
    for sentence in sentences(turn.text):
        if not _is_statement(sentence):
            continue
        statement = third_person(sentence, speaker).rstrip("!. ")
        relation = relation_of(statement, speaker)
        if relation is not None:
            proposal = _proposal(turn, statement, relation, task)
            if proposal is not None:
                yield proposal


def _is_statement(sentence: str) -> bool:
    words = len(sentence.split())
    return SHORTEST <= words <= LONGEST and bool(ABOUT_SELF.search(sentence)) and not UNSURE.search(sentence)


def _proposal(turn: Memory, statement: str, relation: Relation, task: Task) -> Proposal | None:
    text, day = dated(statement, turn.occurred_at, task.zone)
    same = [t for t in task.thoughts if (t.head, t.relation) == (relation.head, relation.relation)]
    if any((t.tail or "").casefold() == relation.tail.casefold() for t in same):
        return None
    old = _replaced(same, turn) if relation.single else None
    return Proposal(
        action="insert" if old is None else "supersede",
        text=f"{text}.",
        head=relation.head,
        relation=relation.relation,
        tail=relation.tail,
        ids=() if old is None else (old.id,),
        source_ids=(turn.id,),
        speaker=turn.speaker,
        valid_from=day if old is not None and day is not None and day <= task.now else None,
        reason=None if old is None else "changed",
    )


def _replaced(same: Sequence[Memory], turn: Memory) -> Memory | None:
    """The latest thought that a newer statement takes the place of."""
    older = [t for t in same if t.occurred_at <= turn.occurred_at and t.valid_until is None]
    return max(older, key=lambda t: t.occurred_at, default=None)
