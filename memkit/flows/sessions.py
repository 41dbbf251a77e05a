"""Sessions: what was said in one, in order, and the answers in whose place a new answer comes."""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, Self

from memkit.errors import BankGoneError, InputError
from memkit.flows.context import BankContext
from memkit.identifiers import MESSAGE_ID_KEY
from memkit.models import Memory, Role, Turn
from memkit.observe.episodes import UNNAMED_PREFIX
from memkit.observe.handed_in import ANSWER_ROLES, PERSON_ROLES
from memkit.protocols import BankView
from memkit.text.terms.forms import is_same_name

READ_BATCH = 500  # turns
MAX_SESSION_TURNS = 2**31  # above all sessions
ANSWER_TURNS = 200  # of one answer, with what tools said on the way
RECENT_TURNS = 32  # among which a turn that is said again is looked for


def session_turns(ctx: BankContext, name: str | None, part: slice) -> list[Memory]:
    """Turns of a part of a session, in order; None names the bank's last."""
    with suppress(BankGoneError), ctx.storage.view(ctx.name) as view:
        chosen, memories = _chosen_seqs(view, name, part), list[Memory]()
        for start in range(0, len(chosen), READ_BATCH):
            memories += view.memories(chosen[start : start + READ_BATCH]).values()
        return memories
    return []


def count(ctx: BankContext, name: str | None) -> int:
    """Number of a session's turns."""
    with suppress(BankGoneError), ctx.storage.view(ctx.name) as view:
        return len(_chosen_seqs(view, name, slice(None)))
    return 0


def turn_ids(ctx: BankContext, name: str | None) -> list[str]:
    """Ids of a session's turns, those that were taken back among them."""
    with suppress(BankGoneError), ctx.storage.view(ctx.name) as view:
        label = _label(view, name)
        memories = view.memories([] if label is None else view.labelled(label)).values()
        return [memory.id for memory in memories if memory.kind == "turn"]
    return []


def _chosen_seqs(view: BankView, name: str | None, part: slice) -> list[int]:
    """Seqs of a part of a session's turns, without those that were taken back or forgotten."""
    label, is_end = _label(view, name), part.stop is None and part.step is None and (part.start or 0) < 0
    if label is None:
        return []
    return view.labelled(label, min(-part.start, MAX_SESSION_TURNS) if is_end else MAX_SESSION_TURNS)[part]


def _label(view: BankView, name: str | None) -> str | None:
    """The name of a session; of the bank's last where none is given, None where there is none."""
    last = view.position(None) if name is None else None
    return name if last is None else last.label


def checked_count(count: int) -> int:
    """A number of turns. Raises InputError."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InputError("session: last takes how many turns are given, at least 1.")
    return count


def repeated(ctx: BankContext, turns: Sequence[Turn]) -> list[Memory]:
    """The stored turn that the last of these is, where it is to be answered again, and what was said after it.

    That is the last turn of a person in its session, and what these hold before it doesn't go beyond that. Ids of
    messages decide where both have one, else speaker and text.
    """
    question = turns[-1] if turns else None
    if question is None or question.role != "user":
        return []
    recent = session_turns(ctx, question.session, slice(-RECENT_TURNS, None))
    place = max((i for i, turn in enumerate(recent) if turn.role in PERSON_ROLES), default=None)
    if place is None or not (question.session or _goes_on(ctx, recent[-1])) or not _is_same(question, recent[place]):
        return []
    said_since = {(turn.role, turn.text) for turn in recent[place + 1 :]}
    before = turns[-2] if len(turns) > 1 else None
    return [] if before is not None and (before.role, before.text) in said_since else recent[place:]


def _goes_on(ctx: BankContext, last: Memory) -> bool:
    """Whether the next turn without a session of its own joins this one's."""
    is_unnamed = (last.session or "").startswith(UNNAMED_PREFIX)
    return is_unnamed and ctx.now() - last.occurred_at <= ctx.settings.observe.session_gap


def _is_same(turn: Turn, stored: Memory) -> bool:
    ids = (turn.metadata or {}).get(MESSAGE_ID_KEY), stored.metadata.get(MESSAGE_ID_KEY)
    if None not in ids:
        return ids[0] == ids[1]
    return is_same_name(turn.speaker, stored.speaker) and turn.text.split() == stored.text.split()


class SessionTurn(NamedTuple):
    """A turn, by its role and its session."""

    id: str
    role: Role | None
    session: str | None

    @classmethod
    def of(cls, turn: Memory) -> Self:
        return cls(turn.id, turn.role, turn.session)

    @property
    def is_persons(self) -> bool:
        """Whether a person said it."""
        return self.role in PERSON_ROLES


class Answers:
    """Finds what answered a person's turn before, among what is stored and what came earlier in a batch.

    Regenerating gives another answer to the same turn; several answers in a row, as tools and streams give them, name
    their question once. Once a person has gone on, nothing is taken back.
    """

    def __init__(self, view: BankView) -> None:
        self._view = view
        self._batch: list[SessionTurn] = []
        self._replaced: set[str] = set()

    def note(self, turn: Memory, former: Sequence[str]) -> None:
        """Take in the next turn of the batch, and in whose place it comes."""
        self._batch.append(SessionTurn.of(turn))
        self._replaced.update(former)

    def former(self, turn: Turn) -> list[str]:
        """Ids of the turns in whose place this one comes, in order."""
        turns = [] if turn.reply_to is None or turn.role in PERSON_ROLES else self._from(turn.reply_to)
        if not turns or turns[0].id != turn.reply_to or not turns[0].is_persons:
            return []
        session = turns[0].session
        if turn.session not in (None, session):
            return []
        said = [other for other in turns[1:] if other.session == session and other.id not in self._replaced]
        if any(other.is_persons for other in said):
            return []
        return [other.id for other in said if other.role in ANSWER_ROLES]

    def _from(self, question: str) -> list[SessionTurn]:
        """A turn and what came after it, at least of its session; none where it isn't known."""
        seq = self._view.locate([question]).get(question)
        if seq is None:
            place = next((i for i, turn in enumerate(self._batch) if turn.id == question), len(self._batch))
            return self._batch[place:]
        after = [later for number in self._view.sessions_of([seq]) for later in self._view.turns_of(number, seq)]
        stored = self._view.memories([seq, *after[:ANSWER_TURNS]]).values()
        return [*(SessionTurn.of(m) for m in stored if m.state == "active"), *self._batch]
