"""Changes that a statement makes to the thoughts: it adds one, takes the place of one, or ends one."""

from collections.abc import Sequence
from datetime import datetime

from memkit.models import Memory
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.text.terms.tokens import words
from memkit.think.extractive.coreference import NAME_FIELD
from memkit.think.extractive.relation_names import concerns, holds
from memkit.think.extractive.relations import Statement
from memkit.times import as_utc


def proposals_for(statement: Statement, turn: Memory, task: Task, earlier: Sequence[Proposal] = ()) -> list[Proposal]:
    """The proposals that a statement leads to, seen against the task's thoughts and what was proposed before."""
    related = [t for t in task.thoughts if t.head == statement.head and concerns(t.relation, statement.key)]
    same = [t for t in related if t.relation == statement.relation and same_tail(t.tail, statement.tail)]
    if same:
        return [Proposal("cite", ids=(same[-1].id,), source_ids=(turn.id,))]
    taken = {id for proposal in earlier if proposal.action != "cite" for id in proposal.ids}
    old = _replaced(statement, turn, [t for t in related if t.id not in taken])
    return [_proposal(_closing(statement, old) if statement.ends and old else statement, turn, old)]


def states_same(proposal: Proposal, statement: Statement) -> bool:
    """Whether a proposal already says what a statement says."""
    same = (proposal.head, proposal.relation) == (statement.head, statement.relation)
    return same and same_tail(proposal.tail, statement.tail)


def _replaced(statement: Statement, turn: Memory, related: Sequence[Memory]) -> Memory | None:
    """The latest thought that no longer holds if the statement does."""
    if statement.kind not in ("holds", "ended", "denied"):
        return None
    open_ones = [t for t in related if t.valid_until is None and t.occurred_at <= turn.occurred_at]
    whatever = statement.ends or (statement.kind == "holds" and statement.single)
    against = [t for t in open_ones if (holds(t.relation) if whatever else same_tail(t.tail, statement.tail))]
    return max(against, key=lambda t: t.occurred_at, default=None)


def _closing(statement: Statement, old: Memory) -> Statement:
    """The end of a thought, in the words of that thought: "lost their job" as "no longer works at Orbis"."""
    relation, tail = statement.ends or "", old.tail or ""
    when = statement.text.removeprefix(f"{statement.head} {statement.tail}")
    return statement._replace(relation=relation, tail=tail, text=f"{statement.head} {relation} {tail}{when}")


def _proposal(statement: Statement, turn: Memory, old: Memory | None) -> Proposal:
    start, end = _validity(statement, turn)
    return Proposal(
        action="insert" if old is None else "supersede",
        text=statement.text,
        head=statement.head,
        relation=statement.relation,
        tail=statement.tail,
        ids=() if old is None else (old.id,),
        source_ids=(turn.id,),
        speaker=turn.speaker,
        valid_from=start,
        valid_until=end,
        reason=None if old is None else "ended" if statement.kind == "ended" else "changed",
        extra={NAME_FIELD: statement.called} if statement.called else {},
    )


def _validity(statement: Statement, turn: Memory) -> tuple[datetime | None, datetime | None]:
    """Start and end of a statement's validity, as far as it says them."""
    if statement.span is None:
        return None, None
    start, end = as_utc(statement.span.start), as_utc(statement.span.end)
    if statement.kind == "planned":
        return None, end if end > turn.occurred_at else None
    if statement.kind == "held":
        return (start, end) if end <= turn.occurred_at else (None, None)
    return (start if start <= turn.occurred_at else None), None


def same_tail(tail: str | None, other: str | None) -> bool:
    """Whether two tails name the same thing: the same words, but for case, order and endings."""
    return tail_words(tail or "") == tail_words(other or "")


def tail_words(tail: str) -> frozenset[str]:
    """Stemmed content words of a tail; all its words where it has no others."""
    return frozenset(word.term for word in words(tail)) or frozenset(tail.casefold().split())
