"""What a statement changes of what is known: what it adds, what it takes the place of, what it ends."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from memkit.models import Memory
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.text.terms.tokens import words
from memkit.think.extractive.clauses import utc
from memkit.think.extractive.coreference import CALLED
from memkit.think.extractive.language import languages
from memkit.think.extractive.relations import Statement


def changed(statement: Statement, turn: Memory, task: Task, earlier: Sequence[Proposal] = ()) -> list[Proposal]:
    """The proposals that a statement leads to, seen against the task's thoughts and what was proposed before."""
    related = [t for t in task.thoughts if t.head == statement.head and tells_of(t.relation, statement.key)]
    same = [t for t in related if t.relation == statement.relation and same_tail(t.tail, statement.tail)]
    if same:
        return [Proposal("cite", ids=(same[-1].id,), source_ids=(turn.id,))]
    taken = {id for proposal in earlier if proposal.action != "cite" for id in proposal.ids}
    old = _replaced(statement, turn, [t for t in related if t.id not in taken])
    closing = _closing(statement, old) if statement.ends and old else statement
    return [_proposal(closing, turn, old)]


def says(proposal: Proposal, statement: Statement) -> bool:
    """Whether a proposal already says what a statement says."""
    same = (proposal.head, proposal.relation) == (statement.head, statement.relation)
    return same and same_tail(proposal.tail, statement.tail)


def _replaced(statement: Statement, turn: Memory, related: Sequence[Memory]) -> Memory | None:
    """The latest thought that no longer holds if the statement does."""
    if statement.kind not in ("holds", "ended", "denied"):
        return None
    open_ones = [t for t in related if t.valid_until is None and t.occurred_at <= turn.occurred_at]
    if statement.kind == "holds" and statement.single:
        against = [t for t in open_ones if holds(t.relation)]
    elif not statement.ends:
        against = [t for t in open_ones if same_tail(t.tail, statement.tail)]
    else:
        against = [t for t in open_ones if holds(t.relation)]
    return max(against, key=lambda t: t.occurred_at, default=None)


def _closing(statement: Statement, old: Memory) -> Statement:
    """What ends, in the words of what is known: "lost their job" as "no longer works at Orbis"."""
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
        extra={CALLED: statement.called} if statement.called else {},
    )


def _validity(statement: Statement, turn: Memory) -> tuple[datetime | None, datetime | None]:
    """From when and until when a statement holds, as far as it says so."""
    if statement.span is None:
        return None, None
    start, end = utc(statement.span.start), utc(statement.span.end)
    if statement.kind == "planned":
        return None, end if end > turn.occurred_at else None
    if statement.kind == "held":
        return (start, end) if end <= turn.occurred_at else (None, None)
    return (start if start <= turn.occurred_at else None), None


@cache
def _keys() -> dict[str, str]:
    """Relation -> key, for all names that say of something how it stands now."""
    found: dict[str, str] = {}
    for language in languages().values():
        for rule in language.file.relation:
            for name in (rule.now, rule.negated, rule.ended):
                if name is not None and "{what}" not in name:
                    found.setdefault(f"{name} {rule.key}", rule.key)
    return found


def tells_of(relation: str | None, key: str) -> bool:
    """Whether a thought's relation belongs to what the key stands for."""
    return relation is not None and (relation == key or f"{relation} {key}" in _keys())


@cache
def _holding() -> frozenset[str]:
    rules = [rule for language in languages().values() for rule in language.file.relation]
    return frozenset(rule.now for rule in rules) - {rule.ended for rule in rules}


def holds(relation: str | None) -> bool:
    """Whether a relation says that something is so, not that it isn't or no longer is."""
    return relation in _holding() or (relation or "").startswith("favourite ")


def same_tail(one: str | None, other: str | None) -> bool:
    """Whether two tails name the same thing: the same words, but for case, order and endings."""
    return tail_words(one or "") == tail_words(other or "")


def tail_words(tail: str) -> frozenset[str]:
    """The words of a tail by which it is compared."""
    return frozenset(word.term for word in words(tail)) or frozenset(tail.casefold().split())
