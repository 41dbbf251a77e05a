"""Catching up: of a conversation that is handed in again and again, what is new is observed, and nothing comes back.

Turns with ids of their own are known by them, also where they were erased since. The others are known by their order
beside the session's history, which is written in the transaction of the turns.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from memkit.errors import BankGoneError, ConflictError, InputError
from memkit.flows.catching_up.session_history import SessionHistory
from memkit.flows.context import BankContext
from memkit.flows.erasure.fingerprints import ERASED_REASON, erased_before, erased_ids
from memkit.flows.observe import TURNS_PER_TRANSACTION, observe_beside
from memkit.identifiers import MESSAGE_ID_KEY, uuid7_bytes
from memkit.models import Memory, Outcome, Receipt, RejectedTurn, Turn
from memkit.observe.handed_in import GivenTurn, KnownTurn
from memkit.observe.intake import as_turns
from memkit.operations import Insert, Step, Supersede
from memkit.protocols import BankView
from memkit.runtime.indexer import WORDS_OF_AN_ECHO, IndexableText

MAX_TRIES = 20  # while others catch up with the same session
KNOWN_REASON = "already stored"
PLACE_REASON = "stands where a turn was erased, and is not taken in"
CONFLICT_TEXT = "catch_up: this id is stored with other words, which were left as they are."

AnyTurn = Turn | RejectedTurn


def catch_up(ctx: BankContext, session: str, items: Any, *, leaving: int = 0) -> Receipt:
    """Observe those of a session's turns that are new; the receipt has an outcome for each, in order.

    `leaving`: how many of them, from the first on, are not handed in again. Raises InputError.
    """
    check_leaving(leaving)
    given = as_turns(items)
    for _ in range(MAX_TRIES - 1):
        try:
            return _caught_up(ctx, session, given, leaving)
        except (ConflictError, BankGoneError):
            continue  # somebody else caught up with the session meanwhile, or erased the bank
    return _caught_up(ctx, session, given, leaving)


def check_leaving(leaving: int) -> None:
    """Raise InputError for what is no number of turns."""
    if isinstance(leaving, bool) or not isinstance(leaving, int) or leaving < 0:
        raise InputError("catch_up: leaving is how many of the turns are not handed in again, 0 or more.")


def _placed(turn: AnyTurn, session: str) -> AnyTurn:
    """The turn in its session; one with an id of its own says so, to be known when it was erased."""
    if isinstance(turn, RejectedTurn):
        return turn
    named = {} if turn.id is None else {MESSAGE_ID_KEY: turn.id}
    return replace(turn, session=session, metadata={**(turn.metadata or {}), **named} or None)


def _caught_up(ctx: BankContext, session: str, given: Sequence[AnyTurn], leaving: int) -> Receipt:
    """One attempt upon what the bank holds now. Raises ConflictError where somebody else was faster."""
    comparison = _Comparison.of(ctx, session, given, leaving)
    fresh = [place for place in range(len(given)) if place not in comparison.outcomes]
    if len(fresh) > TURNS_PER_TRANSACTION:
        end = fresh[TURNS_PER_TRANSACTION]
        first, rest = _caught_up(ctx, session, given[:end], 0), _caught_up(ctx, session, given, leaving)
        return Receipt.joined(ctx.name, [first, _with_outcomes(rest, rest.outcomes[end:])])
    receipt = _store(ctx, comparison, [_placed(given[place], session) for place in fresh])
    outcomes = comparison.outcomes | dict(zip(fresh, receipt.outcomes, strict=False))
    return _with_outcomes(receipt, [outcomes[place] for place in range(len(given))])


def _with_outcomes(receipt: Receipt, outcomes: Sequence[Outcome]) -> Receipt:
    return receipt.model_copy(update={"outcomes": tuple(outcomes)})


class _Comparison(NamedTuple):
    """Turns beside what the bank holds. The turns without ids begin with a part of the session's history.

    outcomes: of those that are known, by their places; history: as it was read
    shared: the part of it that they begin with, left: what it holds beyond that; question: the id of the stored turn
    that their first new one answers anew; leaving: how many turns it then loses, from the first on"""

    outcomes: dict[int, Outcome]
    history: SessionHistory
    shared: list[KnownTurn]
    left: list[KnownTurn]
    question: str | None
    leaving: int

    @classmethod
    def of(cls, ctx: BankContext, session: str, given: Sequence[AnyTurn], leaving: int) -> "_Comparison":
        """Compare them."""
        ids = {place: turn.id for place, turn in enumerate(given) if isinstance(turn, Turn) and turn.id is not None}
        unnamed, state = [place for place in range(len(given)) if place not in ids], ctx.ensure()
        with ctx.storage.view(state.number) as view:
            seqs = view.locate(list(ids.values()))
            memories = view.memories(list(seqs.values()))
            history = SessionHistory.read(view, session, len(unnamed)) if unnamed else SessionHistory("", [], [])
        outcomes = _named_outcomes(ctx, given, ids, {id: memories[seq] for id, seq in seqs.items()})
        turns, leaving = _comparable(ctx, history, [given[i] for i in unnamed]), sum(i < leaving for i in unnamed)
        held, part = history.shared_with(turns, all_leave=leaving == len(turns))
        end = part.start + part.length
        shared, left = held[part.start : end], held[end if part.length else 0 :]
        outcomes |= zip(unnamed, map(_known_outcome, shared), strict=False)
        return cls(outcomes, history, shared, left, shared[-1].id if part.is_again else None, leaving)

    def held(self, new: Sequence[KnownTurn]) -> list[KnownTurn] | None:
        """The history with new turns, or None where it stays as it is.

        Where none is new, a part of the conversation tells nothing of what it holds before and after.
        """
        return [*self.shared, *(new or self.left)][self.leaving :] if new or self.leaving else None


def _named_outcomes(
    ctx: BankContext, given: Sequence[AnyTurn], ids: dict[int, str], stored: dict[str, Memory]
) -> dict[int, Outcome]:
    """Outcomes of turns with ids that are stored, or were erased, by their places."""
    erased = erased_ids(ctx, [id for id in ids.values() if id not in stored])
    outcomes = {place: Outcome.skipped(None, ERASED_REASON) for place, id in ids.items() if id in erased}
    return outcomes | {place: _stored_outcome(given[place], stored[id]) for place, id in ids.items() if id in stored}


def _stored_outcome(turn: AnyTurn, memory: Memory) -> Outcome:
    if isinstance(turn, Turn) and turn.text.split() == memory.text.split():
        return Outcome.skipped(memory.id, KNOWN_REASON)
    return Outcome.rejected(ConflictError(CONFLICT_TEXT), memory.id)


def _known_outcome(turn: KnownTurn) -> Outcome:
    return Outcome.skipped(None, PLACE_REASON) if turn.words is None else Outcome.skipped(turn.id, KNOWN_REASON)


def _comparable(ctx: BankContext, history: SessionHistory, given: Sequence[AnyTurn]) -> list[GivenTurn]:
    """Turns as the history is compared with them; where a key knows erased texts, with which of them were erased."""
    turns = [GivenTurn(t.role, tuple(t.text.split())) if isinstance(t, Turn) else GivenTurn(None, None) for t in given]
    if ctx.services.erasure_key is None or all(turn.words for turn in history.turns):
        return turns
    long = {str(i): turn for i, turn in enumerate(given) if len(turns[i].words or ()) > WORDS_OF_AN_ECHO}
    now = ctx.now()
    texts = [(i, IndexableText(turn.text, turn.speaker, now)) for i, turn in long.items() if isinstance(turn, Turn)]
    erased = erased_before(ctx, texts)
    return [t._replace(is_erased=str(i) in erased if str(i) in long else None) for i, t in enumerate(turns)]


def _store(ctx: BankContext, comparison: _Comparison, fresh: Sequence[AnyTurn]) -> Receipt:
    """Store new turns, and with them the history that they lead to. Raises ConflictError."""
    before = comparison.history
    unnamed = [i for i, turn in enumerate(fresh) if isinstance(turn, RejectedTurn) or turn.id is None]
    turns = [_named(ctx, turn, comparison.question if [i] == unnamed[:1] else None) for i, turn in enumerate(fresh)]

    def history_steps(view: BankView, steps: Sequence[Step]) -> list[Step]:
        new = [_known_as(ctx, turns[i], steps[i]) for i in unnamed]
        held, last = comparison.held(new), new[-1].id if new else None
        return [] if held is None else before.following(held, last, ctx.now()).put(view, before)

    if not turns and comparison.held([]) is None:
        return Receipt(bank=ctx.name, change=0, outcomes=())
    return observe_beside(ctx, turns, history_steps)


def _named(ctx: BankContext, turn: AnyTurn, question: str | None) -> AnyTurn:
    """The turn with the id that it will have."""
    if isinstance(turn, RejectedTurn) or turn.id is not None:
        return turn
    return replace(turn, id=ctx.services.new_id(ctx.now()), reply_to=turn.reply_to or question)


def _known_as(ctx: BankContext, turn: AnyTurn, step: Step) -> KnownTurn:
    """The place in the history of a turn that this step stores; one that isn't stored leaves an id of nothing."""
    if isinstance(turn, RejectedTurn):
        return KnownTurn(ctx.services.new_id(ctx.now()), None, None)
    stored = step.memory.id if isinstance(step, Insert | Supersede) else getattr(step, "id", None)
    own = stored if stored and uuid7_bytes(stored) else turn.id
    return KnownTurn(own or "", turn.role, None)
