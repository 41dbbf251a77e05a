"""A store: one database that holds every user's memory, and hands out banks."""

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from memkit.bank import MemoryBank
from memkit.errors import InputError, InvalidNameError
from memkit.flows import edit, erase, maintain, reencode, transfer
from memkit.flows import move as moving
from memkit.flows.audit import AuditReport, audit_bank
from memkit.flows.context import BankContext, Services
from memkit.flows.maintain import MaintenanceReport as MaintenanceReport
from memkit.flows.move import MoveProgress, MoveReport
from memkit.flows.portability import exporting, importing
from memkit.flows.portability.exporting import ExportFormat, FilesReport
from memkit.flows.portability.importing import ImportProgress, ImportReport
from memkit.flows.transfer import ExportReport, LoadReport
from memkit.identifiers import uuid7
from memkit.importers import ImportFormat
from memkit.models import ErasureReceipt, checked_bank_name
from memkit.operations import Reinforce
from memkit.protocols import BankName, Encoder, Storage, SurprisalModel, Thinker
from memkit.recall.present.recollection import Recollection
from memkit.recall.ranking.query import RecallKeywords, refuse_unknown_options
from memkit.rerankers import Reranker
from memkit.runtime.access import Access
from memkit.runtime.encoder_slot import EncoderSlot
from memkit.runtime.encoding_thread import Encode, EncodingThread
from memkit.runtime.file_settings import chosen_encoder, record_settings, stored_settings
from memkit.runtime.forks import begin_anew_in_children
from memkit.runtime.idempotency import IdempotencyKeys
from memkit.runtime.index_cache import IndexCache
from memkit.runtime.indexer import Indexer
from memkit.runtime.reinforcement_buffer import ReinforcementBuffer
from memkit.runtime.reranker_slot import RerankerSlot
from memkit.runtime.surprisal_cache import SurprisalCache
from memkit.runtime.threads import BackgroundThread
from memkit.settings import Settings
from memkit.storage import MEMORY_LOCATION, open_storage
from memkit.text.times.dates import first_mentioned_time
from memkit.think import as_thinker
from memkit.times import Clock, utc_now

MIN_KEY_BYTES = 16


def open_store(
    location: str | Path, *, encoder: Encoder | object | None = None, thinker: Thinker | object | None = None,
    surprisal: Callable[[], SurprisalModel] | None = None, reranker: Reranker | str | None = None,
    clock: Clock | None = None, settings: Settings | None = None, read_only: bool = False,
    erasure_key: bytes | None = None,
) -> "MemoryStore":  # fmt: skip
    """Open a database, or make it: a file's path, or ":memory:" for tests.

    `encoder`: an Encoder or any LangChain Embeddings; without it the file's own, for a new file
    all-MiniLM-L6-v2. `thinker`: a Thinker or any LangChain chat model; without it the extractive one.
    `surprisal`: a function that makes a bank's surprisal model, without it a fixed background; banks may be given
    the same one only if it learns nothing. `reranker`: a Reranker, or a cross-encoder's name. `clock` gives the moment,
    aware. `erasure_key`: a secret of at least 16 bytes that is kept elsewhere; with it, texts erased from a bank are
    known when they are brought in again, and left out. Raises InputError, StorageError and EncoderMismatchError.
    """
    from memkit.encoders import as_encoder

    if surprisal is not None and not callable(surprisal):
        raise InputError("surprisal: give a function that makes a bank's model, for example lambda: model.")
    if erasure_key is not None and len(erasure_key) < MIN_KEY_BYTES:
        raise InputError(f"erasure_key: must hold at least {MIN_KEY_BYTES} bytes: secrets.token_bytes(32).")
    runtime = (settings or Settings()).runtime
    reranker_slot = RerankerSlot.of(reranker, timeout=runtime.rerank_timeout)
    storage = open_storage(str(location), read_only=read_only, settings=runtime)
    try:
        settled = stored_settings(storage, settings)
        given = None if encoder is None else as_encoder(encoder)
        slot = EncoderSlot(chosen_encoder(storage, given), timeout=runtime.encode_timeout, batch=runtime.encode_batch)
        if not read_only:
            record_settings(storage, slot, settled)
            storage.purge(thorough=False)  # where an erasure was cut off
    except BaseException:
        storage.close()
        raise
    services = partial(
        open_services, storage, slot, as_thinker(thinker, settled.think.prompts), settled, surprisal=surprisal,
        reranker=reranker_slot, clock=clock or utc_now, read_only=read_only, erasure_key=erasure_key,
    )  # fmt: skip
    return MemoryStore(services)


def open_services(
    storage: Storage, slot: EncoderSlot, thinker: Thinker, settings: Settings, *,
    surprisal: Callable[[], SurprisalModel] | None, reranker: RerankerSlot | None, clock: Clock, read_only: bool,
    erasure_key: bytes | None, encode: Encode,
) -> Services:  # fmt: skip
    """Everything that a store's banks share: new caches, buffers and threads over an open storage."""
    indexer, runtime = Indexer(slot, settings), settings.runtime

    def reinforce(bank: int, operations: list[Reinforce]) -> None:
        storage.apply(bank, operations, at=clock())

    return Services(
        storage=storage,
        encoder=slot,
        indexer=indexer,
        thinker=thinker,
        reranker=reranker,
        indexes=IndexCache(
            storage, indexer, decay=settings.decay, ranking=settings.ranking, budget=runtime.cache_bytes
        ),
        surprisals=SurprisalCache(storage, surprisal),
        reinforcements=ReinforcementBuffer(
            write=reinforce, after=runtime.reinforce_after, count=runtime.reinforce_count
        ),
        clock=clock,
        new_id=uuid7,
        executor=ThreadPoolExecutor(runtime.workers, thread_name_prefix="memkit"),
        settings=settings,
        read_only=read_only,
        encoding_thread=None if read_only else EncodingThread(encode),
        erasure_key=erasure_key,
    )


class MemoryStore:
    """One database. A context manager: leaving it writes what waits and closes the file."""

    def __init__(self, open_services: Callable[..., Services]) -> None:
        self._open_services = open_services
        self._services = open_services(encode=self._catch_up)
        self._storage = self._services.storage
        self._banks: weakref.WeakValueDictionary[BankName, MemoryBank] = weakref.WeakValueDictionary()
        self._contexts: weakref.WeakValueDictionary[BankName, BankContext] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()
        self._background: BackgroundThread | None = None
        begin_anew_in_children(self)
        reencode.encode_leftovers(self._services)

    def after_fork(self) -> None:
        """Begin anew in a forked child: caches and locks were left as other threads, now gone, had them."""
        self._lock = threading.Lock()
        self._background = None
        before = self._services
        self._services = replace(
            self._open_services(encode=self._catch_up), settings=before.settings, zones=before.zones
        )
        for context in list(self._contexts.values()):
            context.services = self._services

    def _catch_up(self, name: BankName, may_go_on: Callable[[], bool]) -> bool:
        return reencode.catch_up(self._context_of(name), may_go_on)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the workers, write what waits and close the database; harmless to repeat."""
        if self._background is not None:
            self._background.stop()
        if self._services.encoding_thread is not None:
            self._services.encoding_thread.stop()
        self._services.reinforcements.flush()
        self._services.executor.shutdown(wait=True)
        self._storage.close()

    @property
    def settings(self) -> Settings:
        """Settings in force: the given ones, and the file's own where those shape what it holds."""
        return self._services.settings

    @property
    def access(self) -> Access:
        """Access tokens of servers in front of this store."""
        return self._services.access

    @property
    def idempotency(self) -> IdempotencyKeys:
        """Idempotency keys of requests to servers in front of this store."""
        return self._services.idempotency

    def bank(self, *names: str, zone: str | None = None) -> MemoryBank:
        """The bank of this name, for example ("acme", "ana"); it is made with its first write.

        `zone`: its IANA time zone, kept from its making on (default UTC). Raises InputError where it has another;
        `bank.change_zone` changes it.
        """
        name = checked_bank_name(names)
        with self._lock:
            bank = self._banks.get(name) or MemoryBank(self._context(name))
            self._banks[name] = bank
            if zone is not None:
                edit.ask_for_zone(self._context(name), zone)
            return bank

    def _context(self, name: BankName) -> BankContext:
        context = self._contexts.get(name)
        if context is None:
            context = self._contexts[name] = BankContext(self._services, name)
        return context

    def banks(self, prefix: Sequence[str] = (), *, with_items: bool = False) -> list[BankName]:
        """Names of the banks there are, those that start with `prefix`, in order; or of those alone that hold items."""
        items_at = self._services.clock() if with_items else None
        return [state.name for state in self._storage.banks(tuple(prefix), items_at=items_at)]

    def recall(
        self,
        query: str,
        *,
        banks: Sequence[Sequence[str]] | None = None,
        under: Sequence[str] | None = None,
        k: int = 10,
        **options: Unpack[RecallKeywords],
    ) -> Recollection:
        """Ask several banks at once, by name or by prefix; each hit says which bank it is from.

        `options`: those of `MemoryBank.recall`. Raises UnknownOptionError for any other.
        """
        if (banks is None) == (under is None):
            raise InvalidNameError("recall: give either banks=[...] or under=(...): which banks to ask.")
        refuse_unknown_options(options)
        names = [tuple(name) for name in banks] if banks is not None else self.banks(under or ())
        return Recollection.best([self.bank(*name).recall(query, k=k, **options) for name in names], k)

    def maintain(self, budget_s: float) -> MaintenanceReport:
        """Think, reflect, fade, prune and encode for the banks that are due, for about this many seconds.

        Several workers and processes share the work through leases.
        """
        return self._maintain(budget_s)

    def _maintain(
        self, budget_s: float, *, stopped: Callable[[], bool] = lambda: False, even_open: bool = False
    ) -> MaintenanceReport:
        return maintain.maintain(self._services, self._context_of, budget_s, stopped=stopped, even_open=even_open)

    def background(self, *, every_s: float = 30.0, budget_s: float = 30.0) -> BackgroundThread:
        """Start a thread that does this now and then, until it is stopped or the store is closed.

        `flush()` waits until all that waits was thought about. Raises InputError where one runs already.
        """
        if self._background is not None and self._background.running:
            raise InputError("background: a thread runs already. Use it, or stop it first.")
        if not (every_s > 0 and budget_s > 0):
            raise InputError("background: every_s and budget_s are seconds, above 0.")
        self._background = BackgroundThread(
            lambda stopped, even_open: self._maintain(budget_s, stopped=stopped, even_open=even_open).finished, every_s
        )
        return self._background

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait for the vectors that follow (see `Receipt.unencoded`); False where time ran out or the encoder fails."""
        return self._services.encoding_thread is None or self._services.encoding_thread.flush(timeout_s)

    def doctor(self, repair: bool = False) -> list[str]:
        """Problems of the file and its indexes, one sentence each, repaired on request; [] is healthy."""
        return maintain.doctor(self._services, self._every_context(), repair=repair)

    def audit(self, *, prefix: Sequence[str] = (), fix: bool = False) -> list[AuditReport]:
        """Look for what banks should not hold: copies, contradictions, orphans, recall loops, junk; one report a bank.

        `fix` puts right what can be; each report's receipt can be undone with `bank.undo`.
        """
        return [audit_bank(ctx, fix=fix) for ctx in self._every_context(prefix)]

    def stats(self, *, measure: bool = False, prefix: Sequence[str] = ()) -> dict[str, Any]:
        """Bytes by part, banks, memories, the thinking queue, the encoder, the caches.

        `prefix`: only of banks whose names start so. `measure`: for each also by how many sketches it is searched, if
        by any, and which share of exact search's ten best they find. That reads every vector; recall waits meanwhile.
        """
        return maintain.stats(self._services, list(self._every_context(prefix)), measure=measure)

    def waiting(self) -> dict[str, int]:
        """Sums over all banks, for monitoring: exchanges that wait to be thought about, texts for a vector."""
        return maintain.count_waiting(self._every_context())

    def warm(self) -> None:
        """Load the models, the hashes and the date parser ahead of the first request, however long it takes."""
        self._services.load_models()
        first_mentioned_time("in May 2024", self._services.clock(), "UTC")

    def reencode(self, encoder: Encoder | object, *, progress: Callable[[int], None] | None = None) -> int:
        """Make all vectors again with another encoder; gives back how many. May be resumed."""
        from memkit.encoders import as_encoder

        return reencode.reencode(self._services, list(self._every_context()), as_encoder(encoder), progress=progress)

    def erase_all(
        self, *, under: Sequence[str], confirm: Sequence[str], requested_by: str | None = None
    ) -> list[ErasureReceipt]:
        """Remove all banks whose names start with `under`; `confirm` must be the same prefix. One receipt for each."""
        chosen = list(self._every_context(under)) if under else []
        return erase.erase_under(
            self._storage, chosen, under=tuple(under), confirm=tuple(confirm), requested_by=requested_by
        )

    def receipts(self, prefix: Sequence[str] = ()) -> list[ErasureReceipt]:
        """Receipts of the erasures from banks whose names start with `prefix`, oldest first; they hold no text."""
        return [r for r in self._storage.receipts() if r.bank[: len(prefix)] == tuple(prefix)]

    def purge(self) -> bool:
        """Drive what was erased out of the files, and look whether any byte is left; True where none is.

        In a file erasing does it by itself, as far as readers let it. On a server the tables are rewritten, each locked
        meanwhile; its log follows as it is recycled: call it again then. `receipts` say how far each erasure is.
        """
        return self._storage.purge()

    def repeat_erasures(self, path: str | Path) -> list[ErasureReceipt]:
        """Erase again what was erased since the database was set back to an earlier moment; gives back the receipts.

        `path`: what `export_receipts` wrote before. For databases that others back up: PostgreSQL after a dump or a
        point in time was restored. A backup of a file is restored by `memkit.restore`, which does this by itself.
        Raises InputError where the list isn't that of the same database.
        """
        return erase.repeat_erasures(self._context_of, self._storage, transfer.read_receipts(Path(path)))

    def export_receipts(self, path: str | Path) -> int:
        """Write the receipts of all erasures as JSON lines, for `memkit.restore`; gives back how many."""
        return transfer.export_receipts(self._storage.receipts(), Path(path))

    def backup(self, path: str | Path) -> None:
        """Write a consistent copy of the database while it is in use."""
        self._services.reinforcements.flush()
        self._storage.backup(str(path))

    def export(self, path: str | Path, *, prefix: Sequence[str] = (), vectors: bool = True) -> ExportReport:
        """Write all that banks are as JSON lines; without `vectors`, whoever loads the file makes them anew."""
        return transfer.export(self._services, Path(path), prefix=tuple(prefix), vectors=vectors)

    def export_as(self, format: ExportFormat, path: str | Path, *, prefix: Sequence[str] = ()) -> FilesReport:
        """Write what is active in banks for people and other programs; `export` writes all that banks are.

        A new folder of Markdown notes or of a memory tool's files; or a bank's turns as JSON lines. Raises InputError.
        """
        return exporting.export_as(self._services, format, Path(path), tuple(prefix))

    def load(self, path: str | Path, *, progress: Callable[[int], None] = lambda count: None) -> LoadReport:
        """Read back what `export` wrote: each bank as a whole or not at all; one that holds all of it stays as it is.

        `progress` is told how many memories are done. Raises InputError for a file that can't be read, ConflictError
        where a bank of that name holds others.
        """
        return transfer.load(self._services, Path(path), progress=progress)

    def move(
        self, target: "str | Path | MemoryStore", banks: Sequence[Sequence[str]] | None = None, *, keep: bool = False,
        progress: MoveProgress = lambda done, total: None,
    ) -> MoveReport:  # fmt: skip
        """Move banks to another database, a file or PostgreSQL, table by table: all of them, or those named.

        Each bank is there as a whole and checked before it leaves this store, which refuses its name from then on; with
        `keep` it stays. Cut off, the same call goes on. `progress` is told how many memories of how many are done.
        Raises ConflictError where the target holds something under a name, EncoderMismatchError, BusyError.
        """
        names = None if banks is None else [checked_bank_name(name) for name in banks]
        if isinstance(target, MemoryStore):
            return moving.move(self._services, target._services, names, keep=keep, progress=progress)
        if str(target) == MEMORY_LOCATION:
            raise InputError("move: a store in memory goes with its process. Open one and pass it as the target.")
        with closing(open_storage(str(target), settings=self.settings.runtime)) as storage:
            moving.prepare_target(self._storage, storage)
        with open_store(target, encoder=self._services.encoder.get(), clock=self._services.clock) as opened:
            return moving.move(self._services, opened._services, names, keep=keep, progress=progress)

    def import_from(
        self, format: ImportFormat, path: str | Path, *, bank: Sequence[str] = (),
        speakers: Mapping[str, str] | None = None, split: bool = False, dry_run: bool = False,
        progress: ImportProgress = lambda done, total: None,
    ) -> ImportReport:  # fmt: skip
        """Bring what another memory or chat exported into a bank; what is there already stays as it is.

        `speakers` names who speaks in a role, for example {"user": "Ana"}. `split`: what belongs to several people goes
        to banks of their own, below `bank`. `dry_run`: only say what would come. `progress` is told how many pieces of
        how many are done. Raises InputError for a file that can't be read; nothing of it is stored then.
        """
        name, names = tuple(bank), speakers or {}
        return importing.import_from(
            self._services, format, Path(path), name, speakers=names, split=split, dry_run=dry_run, progress=progress
        )

    def _context_of(self, name: BankName) -> BankContext:
        with self._lock:
            return self._context(checked_bank_name(name))

    def _every_context(self, prefix: Sequence[str] = ()) -> Iterator[BankContext]:
        return (self._context_of(name) for name in self.banks(prefix))
