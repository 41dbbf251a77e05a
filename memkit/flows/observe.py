"""Observe: turns in; stored, indexed, encoded and queued for thinking when the call returns."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from memkit.errors import BankGoneError, ConflictError, MemkitError
from memkit.flows import reencode
from memkit.flows.context import BankContext, apply, retry_when_erased
from memkit.flows.erasure.fingerprints import ERASED_REASON, erased_before
from memkit.models import BankState, IndexEntry, Memory, Outcome, Receipt, RejectedTurn, Turn
from memkit.observe.episodes import Cutter, Piece
from memkit.observe.intake import as_turns
from memkit.operations import Insert, Step
from memkit.protocols import BankView
from memkit.runtime.indexer import IndexableText
from memkit.runtime.surprisal_state import PendingTurns
from memkit.settings import ObserveSettings
from memkit.surprisal.guard import TurnSalience

CHUNK = 1000  # turns in one transaction
STORED = ("added", "echoed")


@dataclass(frozen=True, slots=True)
class IncomingTurn:
    """A turn on its way in, with the id and the moment that its memory will have."""

    id: str
    text: str
    speaker: str
    occurred_at: datetime
    turn: Turn

    @property
    def bare(self) -> IndexableText:
        """What its trace is made from."""
        return IndexableText(self.text, self.speaker, self.occurred_at)

    def piece(self, *, quiet: bool) -> Piece:
        """What the cutter has to know of it."""
        return Piece(self.id, self.occurred_at, len(self.text), self.turn.role, self.turn.session, quiet)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was worked out of a turn before the transaction began; `told`: None where the bank's model can't tell it."""

    heard: IncomingTurn
    entry: IndexEntry
    told: TurnSalience | None
    small_talk: bool


@dataclass(frozen=True, slots=True)
class ErasedTurn:
    """A turn whose text was erased from this bank: it doesn't come back."""

    id: str


Item = Prepared | RejectedTurn | ErasedTurn


def observe(ctx: BankContext, items: Iterable[Any]) -> Receipt:
    """Store turns in chunks, each in one transaction. Raises the first error where none could be taken."""
    turns = as_turns(items)
    _refuse_if_all_are_bad(turns)
    receipts: list[Receipt] = []
    errors: list[MemkitError] = []
    for chunk in _chunks(turns):
        receipt, rejected = retry_when_erased(partial(_observe_chunk, ctx, chunk))
        receipts.append(receipt)
        errors += rejected
    outcomes = tuple(o for receipt in receipts for o in receipt.outcomes)
    if errors and len(errors) == len(outcomes):
        raise errors[0]
    change = receipts[-1].change if receipts else 0
    return Receipt(bank=ctx.name, change=change, outcomes=outcomes)


def _refuse_if_all_are_bad(turns: Sequence[Turn | RejectedTurn]) -> None:
    if turns and isinstance(turns[0], RejectedTurn) and all(isinstance(turn, RejectedTurn) for turn in turns):
        raise turns[0].error


def _chunks(turns: Sequence[Turn | RejectedTurn]) -> Iterator[list[Turn | RejectedTurn]]:
    rest = iter(turns)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _observe_chunk(ctx: BankContext, turns: Sequence[Turn | RejectedTurn]) -> tuple[Receipt, list[MemkitError]]:
    at, state = ctx.now(), ctx.ensure()
    items, hearing = prepare(ctx, state, turns, at)
    errors: list[MemkitError] = []

    def decide(view: BankView) -> list[Step]:
        decision = _Decision(ctx, view, at)
        steps = decision.decide(items)
        errors[:] = decision.errors
        return steps

    receipt = apply(ctx, decide, at=at, state=state)
    if ctx.services.encoding_thread is not None:
        ctx.services.encoding_thread.add(ctx)
    pairs = zip(items, receipt.outcomes, strict=True)
    stored = [o.id if o.action in STORED else None for item, o in pairs if isinstance(item, Prepared)]
    if hearing is not None:
        with suppress(BankGoneError):  # erased since it was stored: it must not be stored again
            ctx.services.surprisals.stored(state.number, hearing, stored, change=receipt.change, at=at)
    return receipt, errors


def prepare(
    ctx: BankContext, state: BankState, turns: Sequence[Turn | RejectedTurn], at: datetime
) -> tuple[list[Item], PendingTurns | None]:
    """Everything that is slow, before the transaction: hashing, surprisal, encoding."""
    read = [t if isinstance(t, RejectedTurn) else _heard(ctx, t, at) for t in turns]
    barred = erased_before(ctx, [h for h in read if isinstance(h, IncomingTurn)])
    items = [ErasedTurn(h.id) if isinstance(h, IncomingTurn) and h.id in barred else h for h in read]
    heard = [item for item in items if isinstance(item, IncomingTurn)]
    judged = ctx.services.surprisals.judge(state, [item.text for item in heard])
    prepared = map(Prepared, heard, _entries(ctx, state, heard, judged.small), judged.told, judged.small)
    return [next(prepared) if isinstance(item, IncomingTurn) else item for item in items], judged.hearing


def _heard(ctx: BankContext, turn: Turn, at: datetime) -> IncomingTurn:
    return IncomingTurn(turn.id or ctx.services.new_id(at), turn.text, turn.speaker, turn.moment or at, turn)


def _entries(
    ctx: BankContext, state: BankState, heard: Sequence[IncomingTurn], small: Sequence[bool]
) -> list[IndexEntry]:
    """Traces, with vectors for the texts that the bank doesn't hold yet, once each; none for small talk."""
    indexer = ctx.services.indexer
    bares = [item.bare for item in heard]
    entries = [indexer.words(state, bare) for bare in bares]
    if ctx.services.encoding_thread is not None:
        return entries
    with ctx.storage.view(state.number) as view:
        seen = set(view.same_text([entry.text_key for entry in entries]))
        behind = bool(view.unencoded(1))
    first = {entry.text_key: i for i, entry in reversed(list(enumerate(entries)))}
    new = [i for i, t in enumerate(entries) if t.wanted and first[t.text_key] == i and t.text_key not in seen]
    fresh = [i for i in new if not small[i]]
    made = indexer.encode([entries[i] for i in fresh], [bares[i] for i in fresh])
    for i, entry in zip(fresh, made, strict=True):
        entries[i] = entry
    if behind and any(entry.vector is not None for entry in made):
        reencode.encode_pending(ctx, limit=reencode.ENCODE_BATCH)
    return entries


class _Decision:
    """What becomes of each prepared turn, seen from inside the transaction."""

    def __init__(self, ctx: BankContext, view: BankView, at: datetime) -> None:
        self._view, self._at = view, at
        self._cutter = cutter(view, ctx.settings.observe)
        self.errors: list[MemkitError] = []
        self._holders: dict[int, str] = {}  # text key -> the memory whose text it is
        self._batch: dict[str, Memory | IncomingTurn] = {}

    def decide(self, items: Sequence[Item]) -> list[Step]:
        prepared = [item for item in items if isinstance(item, Prepared)]
        self._holders = self._view.same_text([p.entry.text_key for p in prepared])
        known = self._view.locate([p.heard.id for p in prepared])
        stored = self._view.memories(list(known.values()))
        self._batch = {id: stored[seq] for id, seq in known.items()}
        steps = [self._step(item) for item in items]
        return [*steps, *self._cutter.queue()]

    def _step(self, item: Item) -> Step:
        if isinstance(item, RejectedTurn):
            return self._rejected(item.error)
        if isinstance(item, ErasedTurn):
            return Outcome.skipped(None, ERASED_REASON)
        earlier = self._batch.get(item.heard.id)
        if earlier is not None:
            return self._repeated(earlier, item.heard)
        return self._inserted(item)

    def _rejected(self, error: MemkitError, id: str | None = None) -> Outcome:
        self.errors.append(error)
        return Outcome.rejected(error, id)

    def _repeated(self, earlier: Memory | IncomingTurn, heard: IncomingTurn) -> Outcome:
        """The same id again: the same content is a repeat, other content a conflict."""
        if (earlier.text, earlier.speaker) == (heard.text, heard.speaker):
            return Outcome.skipped(earlier.id, "already stored")
        conflict = ConflictError(
            f"observe: the id {heard.id!r} is already stored with other content, which was left as it is. "
            "Give the new turn an id of its own, or change the old one with bank.supersede."
        )
        return self._rejected(conflict, heard.id)

    def _inserted(self, item: Prepared) -> Insert:
        heard, entry = item.heard, item.entry
        original = self._holders.get(entry.text_key) if entry.wanted else None
        cut = self._cutter.cut(heard.piece(quiet=original is not None or not entry.wanted))
        memory = self._memory(item, cut.label, original)
        self._batch[heard.id] = heard
        if original is not None:
            return Insert(memory, IndexEntry(entry.text_key, wanted=False), cut.placement)
        if entry.wanted:
            self._holders[entry.text_key] = heard.id
        return Insert(memory, replace(entry, wanted=False) if item.small_talk else entry, cut.placement)

    def _memory(self, item: Prepared, session: str, original: str | None) -> Memory:
        heard, turn = item.heard, item.heard.turn
        return Memory(
            id=heard.id,
            kind="turn",
            text=heard.text,
            occurred_at=heard.occurred_at,
            recorded_at=self._at,
            speaker=heard.speaker,
            role=turn.role,
            session=session,
            metadata=dict(turn.metadata or {}),
            echo_of=original,
            salience=item.told and item.told.salience,
            key_phrases=item.told.key_phrases if item.told else (),
        )


def cutter(view: BankView, settings: ObserveSettings) -> Cutter:
    """Cuts on from where a bank's last turns lie."""
    last = view.position(None)
    return Cutter(settings, last=last, find=view.position, number=0 if last is None else last.seq)


def piece_of(memory: Memory, *, quiet: bool) -> Piece:
    """What the cutter has to know of a turn."""
    return Piece(memory.id, memory.occurred_at, len(memory.text), memory.role, memory.session, quiet)
