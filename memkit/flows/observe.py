"""Observe: turns in; stored, indexed, encoded and queued for thinking when the call returns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Self

from memkit.errors import ConflictError, MemkitError
from memkit.flows.context import BankContext, apply, encode_afterwards, retry_when_gone
from memkit.flows.erasure.fingerprints import ERASED_REASON, erased_before
from memkit.flows.sessions import Answers
from memkit.models import BankState, IndexEntry, Memory, Outcome, Receipt, RejectedTurn, Turn
from memkit.observe.episodes import Cutter, TurnOutline
from memkit.observe.intake import as_turns
from memkit.observe.small_talk import WINDOW_TURNS, may_be_small_talk, small_talk
from memkit.operations import Insert, Step, Supersede
from memkit.protocols import BankView
from memkit.runtime.indexer import IndexableText
from memkit.settings import ObserveSettings
from memkit.surprisal.salience import TurnSalience
from memkit.text.parts import without_recalled
from memkit.text.terms.tokens import has_words

TURNS_PER_TRANSACTION = 1000
ERASED_OUTCOME = Outcome.skipped(None, ERASED_REASON)
SAME_ANSWER_REASON = "the same answer was given to it before"
ANSWERED_AGAIN_REASON = "answered again"


@dataclass(frozen=True)
class IncomingTurn:
    """A turn on its way in, with the id and the moment that its memory will have."""

    id: str
    text: str
    speaker: str
    occurred_at: datetime
    turn: Turn

    @cached_property
    def indexable(self) -> IndexableText:
        """Its words for the index."""
        spoken = self.turn.role in (None, "user")
        return IndexableText(self.text, self.speaker, self.occurred_at, spoken, is_turn=True)

    def piece(self, *, quiet: bool) -> TurnOutline:
        """Its outline for the cutter."""
        return TurnOutline(self.id, self.occurred_at, len(self.text), self.turn.role, self.turn.session, quiet)


@dataclass(frozen=True, slots=True)
class PreparedTurn:
    """A turn with everything that is worked out before the transaction; `salience`: None where the model failed."""

    incoming: IncomingTurn
    entry: IndexEntry
    salience: TurnSalience | None
    small_talk: bool


ReadyTurn = (
    PreparedTurn | RejectedTurn | Outcome
)  # an outcome: its text was erased from this bank, it doesn't come back
BesideTurns = Callable[[BankView, Sequence[Step]], Sequence[Step]]  # steps of the same transaction, by those of turns


def nothing_beside(view: BankView, steps: Sequence[Step]) -> Sequence[Step]:
    """No further steps."""
    return ()


def observe(ctx: BankContext, items: Iterable[Any]) -> Receipt:
    """Store turns in chunks, each in one transaction. Raises the first error where none could be taken."""
    turns = as_turns(items)
    if turns and isinstance(turns[0], RejectedTurn) and all(isinstance(turn, RejectedTurn) for turn in turns):
        raise turns[0].error
    receipts: list[Receipt] = []
    errors: list[MemkitError] = []
    if len(turns) > TURNS_PER_TRANSACTION:
        ctx.services.encoder.expect(sum(len(turn.text) for turn in turns if isinstance(turn, Turn)))
    for start in range(0, len(turns), TURNS_PER_TRANSACTION):
        chunk = turns[start : start + TURNS_PER_TRANSACTION]
        receipt, rejected = retry_when_gone(ctx, partial(_observe_chunk, ctx, chunk))
        receipts.append(receipt)
        errors += rejected
    joined = receipts[0] if len(receipts) == 1 else Receipt.joined(ctx.name, receipts)
    if errors and len(errors) == len(joined.outcomes):
        raise errors[0]
    return joined


def observe_beside(ctx: BankContext, turns: Sequence[Turn | RejectedTurn], beside: BesideTurns) -> Receipt:
    """Store turns, as many as one transaction takes, with what stands beside them; outcomes are those of the turns."""
    return retry_when_gone(ctx, partial(_observe_chunk, ctx, turns, beside))[0]


def read(items: Iterable[Any], speakers: Mapping[str, str] | None) -> list[Turn]:
    """Turns as they would be observed. Raises the first error."""
    turns = as_turns(items, speakers=speakers)
    for turn in turns:
        if isinstance(turn, RejectedTurn):
            raise turn.error
    return [turn for turn in turns if isinstance(turn, Turn)]


def _observe_chunk(
    ctx: BankContext, turns: Sequence[Turn | RejectedTurn], beside: BesideTurns = nothing_beside
) -> tuple[Receipt, list[MemkitError]]:
    at = ctx.now()
    state, ready = prepare(ctx, turns, at)
    decision = _Decision(ctx, ready, at, beside)
    receipt = apply(ctx, decision.decide, at=at, state=state)
    return receipt.model_copy(update={"outcomes": receipt.outcomes[: len(turns)]}), decision.errors


def prepare(ctx: BankContext, turns: Sequence[Turn | RejectedTurn], at: datetime) -> tuple[BankState, list[ReadyTurn]]:
    """Everything that is slow, before the transaction: hashing, surprisal, encoding. Raises BankGoneError."""
    new_id = ctx.services.new_id
    checked = [
        t if isinstance(t, RejectedTurn) else IncomingTurn(t.id or new_id(at), t.text, t.speaker, t.moment or at, t)
        for t in turns
    ]
    erased = erased_before(ctx, ((turn.id, turn.indexable) for turn in checked if isinstance(turn, IncomingTurn)))
    state, prepared = _prepared(ctx, [t for t in checked if isinstance(t, IncomingTurn) and t.id not in erased])
    rest = iter(prepared)
    return state, [
        turn if isinstance(turn, RejectedTurn) else ERASED_OUTCOME if turn.id in erased else next(rest)
        for turn in checked
    ]


def _prepared(ctx: BankContext, turns: Sequence[IncomingTurn]) -> tuple[BankState, list[PreparedTurn]]:
    """The turns with vectors for the texts that the bank doesn't hold yet, once each; none for small talk."""
    texts = [turn.text for turn in turns]
    before = _Before.read(ctx, turns)
    saliences = ctx.services.surprisals.saliences(before.state, texts)
    small, entries = before.small_talk(texts, saliences, ctx.settings.observe), before.entries
    fresh = [i for i in before.unseen if not small[i]]
    encoded = ctx.services.indexer.encode([entries[i] for i in fresh], [turns[i].indexable for i in fresh])
    if before.is_behind and any(entry.vector is not None for entry in encoded):
        encode_afterwards(ctx, at_once=True)
    for i, entry in zip(fresh, encoded, strict=True):
        entries[i] = entry
    return before.state, list(map(PreparedTurn, turns, entries, saliences, small))


@dataclass(frozen=True, slots=True)
class _Before:
    """Knowledge of turns before they are in the bank, read in one snapshot of it.

    entries: those of the turns, still without vectors
    unseen: places of the turns whose text the bank doesn't hold yet; none where vectors are made later
    saliences: of the bank's last turns, in nats; None where none of these can be small talk
    is_behind: vectors are missing in the bank
    """

    state: BankState
    entries: list[IndexEntry]
    unseen: list[int]
    saliences: list[float] | None
    is_behind: bool

    @classmethod
    def read(cls, ctx: BankContext, turns: Sequence[IncomingTurn]) -> Self:
        """Read it. Raises BankGoneError."""
        observing, words = ctx.settings.observe, ctx.services.indexer.words
        with ctx.storage.view(ctx.name) as view:
            entries = [words(view.state, turn.indexable) for turn in turns]
            keys = [entry.text_key for entry in entries]
            view.read_ahead(
                lambda view: view.same_text(keys),
                lambda view: view.unencoded(1),
                lambda view: view.last_saliences(WINDOW_TURNS),
            )
            unseen = [] if ctx.settings.runtime.encode_late else _unseen(view, entries)
            early = max(0, observing.small_talk_from - view.state.size)
            may_be_small = bool(observing.small_talk) and any(may_be_small_talk(turn.text) for turn in turns[early:])
            saliences = view.last_saliences(WINDOW_TURNS) if may_be_small else None
            return cls(view.state, entries, unseen, saliences, bool(unseen) and bool(view.unencoded(1)))

    def small_talk(
        self, texts: Sequence[str], saliences: Sequence[TurnSalience | None], settings: ObserveSettings
    ) -> list[bool]:
        """Small talk among the turns, none while the bank is small."""
        if self.saliences is None:
            return [False] * len(texts)
        values = [s and s.salience for s in saliences]
        judged, early = small_talk(settings.small_talk, self.saliences, values, texts), settings.small_talk_from
        return [is_small and self.state.size + i >= early for i, is_small in enumerate(judged)]


def _unseen(view: BankView, entries: Sequence[IndexEntry]) -> list[int]:
    """Places of the texts that the bank doesn't hold yet; of a text that comes twice, the first."""
    stored = view.same_text([entry.text_key for entry in entries])
    first = {entry.text_key: i for i, entry in reversed(list(enumerate(entries)))}
    return [i for i, e in enumerate(entries) if e.wanted and first[e.text_key] == i and e.text_key not in stored]


class _Decision:
    """Decides the operation of each turn, inside the transaction."""

    def __init__(self, ctx: BankContext, turns: Sequence[ReadyTurn], at: datetime, beside: BesideTurns) -> None:
        self._settings, self._turns, self._at, self._beside = ctx.settings.observe, turns, at, beside
        self.errors: list[MemkitError] = []

    def decide(self, view: BankView) -> list[Step]:
        """Steps for all turns; where the transaction is tried again, from the beginning."""
        self.errors = []
        prepared = [turn for turn in self._turns if isinstance(turn, PreparedTurn)]
        keys = [turn.entry.text_key for turn in prepared]
        ids = [turn.incoming.id for turn in prepared if turn.incoming.turn.id is not None]
        view.read_ahead(
            lambda view: view.position(None),
            lambda view: view.same_text(keys),
            lambda view: view.locate(ids),
            lambda view: view.locate([turn.incoming.id for turn in prepared]),
        )
        self._cutter = cutter(view, self._settings)
        self._holders = view.same_text(keys)  # text key -> whose text it is
        seqs = view.locate(ids)
        memories = view.memories(list(seqs.values()))
        self._by_id: dict[str, Memory | IncomingTurn] = {id: memories[seq] for id, seq in seqs.items()}
        self._answers = Answers(view)
        steps = list(map(self._step, self._turns))
        return [*steps, *self._beside(view, steps), *self._cutter.queue()]

    def _step(self, turn: ReadyTurn) -> Step:
        if isinstance(turn, RejectedTurn):
            return self._rejected(turn.error)
        if isinstance(turn, Outcome):
            return turn
        earlier = self._by_id.get(turn.incoming.id)
        return self._insert(turn) if earlier is None else self._repeated(earlier, turn.incoming)

    def _rejected(self, error: MemkitError, id: str | None = None) -> Outcome:
        self.errors.append(error)
        return Outcome.rejected(error, id)

    def _repeated(self, earlier: Memory | IncomingTurn, incoming: IncomingTurn) -> Outcome:
        """The same id again: the same content is a repeat, other content a conflict."""
        if (earlier.text, earlier.speaker) == (incoming.text, incoming.speaker):
            return Outcome.skipped(earlier.id, "already stored")
        conflict = ConflictError(
            f"observe: the id {incoming.id!r} is already stored with other content, which was left as it is. "
            "Give the new turn an id of its own, or change the old one with bank.supersede."
        )
        return self._rejected(conflict, incoming.id)

    def _insert(self, turn: PreparedTurn) -> Step:
        former = self._answers.former(turn.incoming.turn)
        original = self._holders.get(turn.entry.text_key) if turn.entry.wanted else None
        if former == [original]:
            return Outcome.skipped(original, SAME_ANSWER_REASON)
        new = self._new(turn, None if original in former else original)
        self._answers.note(new.memory, former)
        if not former:
            return new
        return Supersede(former[0], new.memory, new.entry, ANSWERED_AGAIN_REASON, new.placement, tuple(former[1:]))

    def _new(self, turn: PreparedTurn, original: str | None) -> Insert:
        incoming, entry = turn.incoming, turn.entry
        cut = self._cutter.cut(incoming.piece(quiet=not _has_own_words(incoming.text)))
        memory = self._memory(turn, cut.label, original)
        self._by_id[incoming.id] = incoming
        if original is not None:
            return Insert(memory, entry.as_echo(), cut.placement)
        if entry.wanted:
            self._holders[entry.text_key] = incoming.id
        return Insert(memory, replace(entry, wanted=False) if turn.small_talk else entry, cut.placement)

    def _memory(self, turn: PreparedTurn, session: str, original: str | None) -> Memory:
        incoming, given = turn.incoming, turn.incoming.turn
        return Memory(
            id=incoming.id,
            kind="turn",
            text=incoming.text,
            occurred_at=incoming.occurred_at,
            recorded_at=self._at,
            speaker=incoming.speaker,
            role=given.role,
            session=session,
            metadata=dict(given.metadata or {}),
            echo_of=original,
            salience=turn.salience and turn.salience.salience,
            key_phrases=turn.salience.key_phrases if turn.salience else (),
        )


def _has_own_words(text: str) -> bool:
    return has_words(without_recalled(text))


def cutter(view: BankView, settings: ObserveSettings) -> Cutter:
    """A cutter that goes on where the bank's last turns lie."""
    last = view.position(None)
    return Cutter(settings, last=last, find=view.position, number=0 if last is None else last.seq)
