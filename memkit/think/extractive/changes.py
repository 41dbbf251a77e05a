"""Changes that statements make to the thoughts: each adds one, takes the place of one, or ends one.

A statement is seen against the thoughts as they stand after those before it: within one exchange, too, the later
of what there is one of takes the place of the earlier.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from memkit.models import Memory
from memkit.operations import Proposal
from memkit.text.terms.forms import is_same_name
from memkit.think.extractive.contradictions import StandingFacts
from memkit.think.extractive.coreference import NAME_FIELD
from memkit.think.extractive.relations import Statement
from memkit.times import as_utc

NAME_KEY = "name"


class StandingThought(NamedTuple):
    """A fact that stands when a statement is made: a thought by its `id`, or a proposal by its `number`."""

    head: str | None
    relation: str | None
    tail: str | None
    text: str
    said_at: datetime
    is_open: bool
    id: str | None = None
    number: int = -1


class Changes:
    """Proposals that an exchange's statements lead to, one after the other."""

    def __init__(self, thoughts: Iterable[Memory]) -> None:
        self.proposals: list[Proposal] = []
        self._standing = StandingFacts(
            StandingThought(t.head, t.relation, t.tail, t.text, t.occurred_at, t.valid_until is None, t.id)
            for t in thoughts
        )

    def take(self, statement: Statement, turn: Memory) -> None:
        """Propose what one more statement changes; what it says again is cited."""
        same = self._standing.repeated_by(statement)
        old = self._replaced(statement, turn) if same is None else None
        if same is not None:
            self._cite(same, turn)
        elif old is not None or not _tells_own_name(statement):
            self._propose(statement, turn, old)

    def _replaced(self, statement: Statement, turn: Memory) -> StandingThought | None:
        """The latest of what doesn't hold if the statement does, whichever was said first.

        Only what was said before can be ended without being named.
        """
        if statement.kind not in ("holds", "ended", "denied"):
            return None
        ended = self._standing.affirming(statement.head, statement.key) if statement.ends else None
        against = self._standing.succeeded_by(statement) if ended is None else ended
        open_ones = [t for t in reversed(against) if t.is_open]
        if statement.ends:
            open_ones = [t for t in open_ones if t.said_at <= turn.occurred_at]
        return max(open_ones, key=lambda t: t.said_at, default=None)

    def _cite(self, same: StandingThought, turn: Memory) -> None:
        if same.id is not None:
            self.proposals.append(Proposal("cite", ids=(same.id,), source_ids=(turn.id,)))
            return
        proposal = self.proposals[same.number]
        both = dict.fromkeys((*proposal.source_ids, turn.id))
        self.proposals[same.number] = replace(proposal, source_ids=tuple(both))

    def _propose(self, statement: Statement, turn: Memory, old: StandingThought | None) -> None:
        """Add a proposal; one that takes the place of another is an insertion: revision sees what it succeeds."""
        stated = _closing(statement, old) if statement.ends and old else statement
        proposal = _proposal(stated, turn, old.id if old else None)
        if old is not None:
            self._standing.remove(old)
        fact = (proposal.head, proposal.relation, proposal.tail, proposal.text)
        is_open = proposal.valid_until is None
        self._standing.add(StandingThought(*fact, turn.occurred_at, is_open, number=len(self.proposals)))
        self.proposals.append(proposal)


def _tells_own_name(statement: Statement) -> bool:
    """Whether somebody only says the name under which they are known already."""
    return statement.key == NAME_KEY and is_same_name(statement.head, statement.tail)


def _closing(statement: Statement, old: StandingThought) -> Statement:
    """The end of a thought, in the words of that thought: "lost their job" as "no longer works at Orbis"."""
    relation, tail = statement.ends or "", old.tail or ""
    when = statement.text.removeprefix(f"{statement.head} {statement.tail}")
    return statement._replace(relation=relation, tail=tail, text=f"{statement.head} {relation} {tail}{when}")


def _proposal(statement: Statement, turn: Memory, old: str | None) -> Proposal:
    start, end = _validity(statement, turn)
    return Proposal(
        action="insert" if old is None else "supersede",
        text=statement.text,
        head=statement.head,
        relation=statement.relation,
        tail=statement.tail,
        ids=() if old is None else (old,),
        source_ids=(turn.id,),
        speaker=turn.speaker,
        valid_from=start,
        valid_until=end,
        reason=None if old is None else "ended" if statement.kind == "ended" else "changed",
        extra={NAME_FIELD: statement.called} if statement.called else {},
    )


def _validity(statement: Statement, turn: Memory) -> tuple[datetime | None, datetime | None]:
    """Start and end of a statement's validity, as far as it says them: the whole interval that it names counts."""
    time = statement.time
    if time is None or time.interval.unit == "vague":
        return None, None
    start, end, said = as_utc(time.interval.start), as_utc(time.interval.end), turn.occurred_at
    begun, over = start if start <= said else None, end if end <= said else None
    if statement.kind == "held":
        return (None if time.is_end or over is None else start), over
    if statement.kind == "planned" or (time.is_end and statement.kind == "holds"):
        return None, end if over is None else None
    return begun, end if time.is_whole and statement.kind == "holds" and begun else None
