"""A store that a server holds: the methods of `MemoryStore` that make sense over a network."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from memkit.errors import MemkitError
from memkit.flows import transfer
from memkit.flows.portability.importing import ImportProgress, ImportReport
from memkit.flows.transfer import ExportReport, LoadReport
from memkit.identifiers import bank_path
from memkit.importers import ImportFormat
from memkit.models import ErasureReceipt, Memory, checked_bank_name
from memkit.protocols import BankName
from memkit.runtime.forks import begin_anew_in_children
from memkit.runtime.threads import BackgroundThread
from memkit.serve.client.address import Address
from memkit.serve.client.aio import AsyncRemoteStore
from memkit.serve.client.answers import raw, reader
from memkit.serve.client.bank import RemoteBank, remote
from memkit.serve.client.calls import Call
from memkit.serve.client.line import AsyncLine, LineOptions, ServerLine
from memkit.serve.client.verbs import Scope
from memkit.serve.client.wire import lines_of
from memkit.store import MemoryStore
from memkit.times import Moment

T = TypeVar("T")


class RemoteStore:
    """One database that a server holds. A context manager, also of `async with`: leaving it sends what waits.

    In `async with`, connections are kept open for its event loop; else each awaited call has one of its own.
    """

    def __init__(self, address: Address, options: LineOptions) -> None:
        self._line, self._async_line = ServerLine(address, options), AsyncLine(address, options)
        self.host, self.scope = address.host, Scope("store/")
        self._begin()
        begin_anew_in_children(self)

    @property
    def store(self) -> Self:
        """The store itself, whose verbs are called like a bank's."""
        return self

    def _begin(self) -> None:
        self._afterwards = ThreadPoolExecutor(1, thread_name_prefix="memkit-strengthen")

    def after_fork(self) -> None:
        """Begin anew in a forked child, with connections of its own."""
        self._line.begin()
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await self._async_line.keep()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._async_line.release()
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Send what waits to be strengthened, and close the connections; harmless to repeat."""
        self._afterwards.shutdown(wait=True)
        self._line.close()
        self._async_line.close()

    def run(self, call: Call[T]) -> T:
        """The answer of a call, waited for. Raises MemkitError as the library does, UnreachableServerError."""
        try:
            content = self._line.send(call)
        except MemkitError as error:
            raise call.mend(error) from None
        return call.read(content, self)

    async def arun(self, call: Call[T]) -> T:
        """The answer of a call, awaited, as `run` gives it."""
        try:
            content = await self._async_line.send(call)
        except MemkitError as error:
            raise call.mend(error) from None
        return call.read(content, self)

    def strengthen(self, bank: BankName, ids: Sequence[str], now: Moment | None) -> None:
        """Have the server strengthen what was used, in a thread beside; what can't be sent is lost, no more."""
        if not self._line.is_closed:
            self._afterwards.submit(self._strengthen, bank, list(ids), now)

    def _strengthen(self, bank: BankName, ids: list[str], now: Moment | None) -> None:
        with suppress(MemkitError):
            self.bank(*bank).reinforce(ids, now=now)

    def memories(self, bank: BankName, ids: Sequence[str]) -> Mapping[str, Memory]:
        """Memories of a bank by id, asked for one by one; those that are gone are missing."""
        asked = self.bank(*bank)
        return {id: memory for id in ids if (memory := asked.get(id)) is not None}

    @cached_property
    def aio(self) -> AsyncRemoteStore:
        """The same verbs, awaitable, but for those about files."""
        return AsyncRemoteStore(self)

    def bank(self, *names: str, zone: str | None = None) -> RemoteBank:
        """The bank of this name, for example ("acme", "ana"); it is made with its first write.

        `zone`: its IANA time zone, kept from its making on (default UTC). Its verbs raise InputError where it has
        another; `bank.change_zone` changes it.
        """
        return RemoteBank(self, checked_bank_name(names), zone)

    banks = remote(MemoryStore.banks)
    recall = remote(MemoryStore.recall)
    maintain = remote(MemoryStore.maintain)
    flush = remote(MemoryStore.flush)
    doctor = remote(MemoryStore.doctor)
    audit = remote(MemoryStore.audit)
    stats = remote(MemoryStore.stats)
    erase_all = remote(MemoryStore.erase_all)
    receipts = remote(MemoryStore.receipts)
    purge = remote(MemoryStore.purge)

    def background(self, *, every_s: float = 30.0, budget_s: float = 30.0) -> BackgroundThread:
        """Start a thread that asks the server for maintenance every so many seconds, until it is stopped.

        A server that maintains its store itself needs none.
        """
        return BackgroundThread(lambda stopped, even_open: self.maintain(budget_s).finished, every_s)

    def export_receipts(self, path: str | Path) -> int:
        """Write the receipts of all erasures to a file here, as JSON lines; gives back how many."""
        return transfer.export_receipts(self.receipts(), Path(path))

    def repeat_erasures(self, path: str | Path) -> list[ErasureReceipt]:
        """Erase again what a file here of `export_receipts` says was erased. Raises InputError."""
        read, receipts = reader(list[ErasureReceipt]), transfer.read_receipts(Path(path))
        call: Call[list[ErasureReceipt]] = self.scope.plain("repeat_erasures", read, {"receipts": receipts})
        return self.run(call)

    def export(self, path: str | Path, *, prefix: Sequence[str] = (), vectors: bool = True) -> ExportReport:
        """Write all that banks are to a file here, as JSON lines; it is there once all has come.

        Without `vectors`, whoever loads the file makes them anew. Raises UnwritablePathError.
        """
        call = self.scope.plain("export", raw, {"prefix": bank_path(prefix), "vectors": vectors})
        return transfer.save(self._lines(call), Path(path))

    def _lines(self, call: Call[bytes]) -> Iterator[bytes]:
        """Lines of an answer, for which the server is asked when the first is wanted."""
        with self._line.stream(call) as pieces:
            yield from lines_of(pieces)

    def load(self, path: str | Path, *, progress: Callable[[int], None] = lambda count: None) -> LoadReport:
        """Read back a file here that `export` wrote, as `MemoryStore.load` does; `progress` isn't told anything.

        Raises InputError for a file that can't be read, ConflictError.
        """
        call: Call[LoadReport] = self.scope.uploading("load", reader(LoadReport), Path(path), {})
        return self.run(call)

    def import_from(
        self, format: ImportFormat, path: str | Path, *, bank: Sequence[str] = (),
        speakers: Mapping[str, str] | None = None, split: bool = False, dry_run: bool = False,
        progress: ImportProgress = lambda done, total: None,
    ) -> ImportReport:  # fmt: skip
        """Bring what a file here of another memory or chat holds into a bank, as `MemoryStore.import_from` does.

        `progress` isn't told anything. Raises InputError for a file that can't be read.
        """
        fields = {"format": format, "bank": bank_path(bank), "speakers": speakers, "split": split, "dry_run": dry_run}
        call: Call[ImportReport] = self.scope.uploading("import_from", reader(ImportReport), Path(path), fields)
        return self.run(call)
