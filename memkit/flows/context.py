"""The store's services, one bank seen through them, and the one way to change it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from memkit.errors import BankGoneError
from memkit.models import BankState, IndexEntry, Memory, Receipt
from memkit.operations import Step
from memkit.protocols import BankName, BankView, Decision, Storage, Thinker
from memkit.runtime.access import Access
from memkit.runtime.encoder_slot import EncoderSlot
from memkit.runtime.encoding_thread import EncodingThread
from memkit.runtime.idempotency import IdempotencyKeys
from memkit.runtime.index_cache import IndexCache
from memkit.runtime.indexer import Indexer
from memkit.runtime.page_ends import PageEnds
from memkit.runtime.reinforcement_buffer import ReinforcementBuffer
from memkit.runtime.reranker_slot import RerankerSlot
from memkit.runtime.surprisal_cache import SurprisalCache
from memkit.settings import Settings
from memkit.times import Clock, Moment, as_utc, to_micros

T = TypeVar("T")


@dataclass
class Services:
    """Everything that a store's banks share; nothing in it mixes what banks hold."""

    storage: Storage
    encoder: EncoderSlot
    indexer: Indexer
    thinker: Thinker
    reranker: RerankerSlot | None
    indexes: IndexCache
    surprisals: SurprisalCache
    reinforcements: ReinforcementBuffer
    clock: Clock
    new_id: Callable[[datetime], str]
    executor: Executor
    settings: Settings
    last_maintained: int = -1  # number of the bank
    page_ends: PageEnds = field(default_factory=PageEnds)
    zones: dict[BankName, str] = field(default_factory=dict)  # that banks are made with
    read_only: bool = False
    encoding_thread: EncodingThread | None = None  # makes the vectors that follow; None in a read-only store
    erasure_key: bytes | None = None  # under which erased texts are known when they come again
    access: Access = field(init=False)
    idempotency: IdempotencyKeys = field(init=False)

    def __post_init__(self) -> None:
        self.access = Access(self.storage, self.clock)
        self.idempotency = IdempotencyKeys(self.storage, self.clock)

    def load_models(self) -> None:
        """Load encoder, hashes and reranker, however long it takes."""
        self.encoder.warm()
        self.indexer.hashes()
        if self.reranker is not None:
            self.reranker.load()


@dataclass
class BankContext:
    """One bank and the services that work on it."""

    services: Services
    name: BankName
    storage: Storage = field(init=False)

    def __post_init__(self) -> None:
        self.storage = self.services.storage

    @property
    def settings(self) -> Settings:
        """Settings in force."""
        return self.services.settings

    @property
    def zone(self) -> str | None:
        """The zone that the bank is made with; None where nobody asked for one."""
        return self.services.zones.get(self.name)

    def zone_name(self) -> str:
        """The zone that decides what "day" means in the bank."""
        state = self.state()
        return (self.zone or "UTC") if state is None else state.zone

    def now(self) -> datetime:
        """The moment by the injected clock."""
        return self.services.clock()

    def moment(self, value: Moment | None, field: str) -> datetime | None:
        """A moment as it was given; a date alone is the beginning of that day in the bank's zone."""
        if value is None:
            return None
        return as_utc(value, field=field, zone=None if isinstance(value, datetime) else self.zone_name())

    def state(self) -> BankState | None:
        """The bank as it is stored now; None while nothing was ever written to it."""
        return self.storage.find_bank(self.name)

    def version(self) -> str:
        """A mark of what the bank holds; "" while nothing was ever written to it."""
        state = self.state()
        return "" if state is None else f"{state.number}.{to_micros(state.created_at)}.{state.change}"

    def ensure(self) -> BankState:
        """The bank's state; the bank is made where it isn't there yet."""
        return self.storage.open_bank(self.name, zone=self.zone)


def by_id(ctx: BankContext, ids: Sequence[str]) -> dict[str, Memory]:
    """Memories of these ids, whatever their state; those that aren't here are missing."""
    state = ctx.state()
    if state is None:
        return {}
    with ctx.storage.view(state.number) as view:
        seqs = view.locate(ids)
        memories = view.memories(list(seqs.values()))
        return {id: memories[seq] for id, seq in seqs.items()}


def zone_of(state: BankState) -> ZoneInfo:
    """The zone that decides what "day" means in this bank."""
    return ZoneInfo(state.zone)


def retry_when_gone(ctx: BankContext, attempt: Callable[[], T]) -> T:
    """Make the bank and begin again where it isn't there yet, or is erased meanwhile.

    What was worked out before holds under the key of the bank that was erased alone.
    """
    while True:
        with suppress(BankGoneError):
            return attempt()
        ctx.ensure()


def apply(
    ctx: BankContext,
    operations: Sequence[Step] | Decision,
    *,
    at: datetime | None = None,
    state: BankState | None = None,
) -> Receipt:
    """Do operations, together with the reinforcement that waits for this bank; vectors that they lack follow.

    `state`: of the bank that they are meant for. Raises BankGoneError where that isn't there any more.
    """
    state = state or ctx.ensure()
    waiting = ctx.services.reinforcements.take(state.number)
    steps: list[Step] = []

    def decide(view: BankView) -> list[Step]:
        steps[:] = operations(view) if callable(operations) else operations
        return [*steps, *waiting]

    receipt = ctx.storage.apply(state.number, decide, at=at or ctx.now())
    outcomes = receipt.outcomes[: len(receipt.outcomes) - len(waiting)]
    unencoded = sum(map(_lacks_vector, steps))
    if unencoded:
        encode_afterwards(ctx, at_once=ctx.settings.runtime.encode_late)
    if not waiting and not unencoded:
        return receipt
    return receipt.model_copy(update={"outcomes": outcomes, "unencoded": unencoded})


def _lacks_vector(step: Step) -> bool:
    entry = getattr(step, "entry", None)
    return isinstance(entry, IndexEntry) and entry.wanted and entry.vector is None


def encode_afterwards(ctx: BankContext, *, at_once: bool) -> None:
    """Have the vectors made that this bank lacks, in a thread; unless `at_once`, after a while."""
    if ctx.services.encoding_thread is not None:
        ctx.services.encoding_thread.add(ctx.name, at_once=at_once)
