"""Export and load: everything that banks are, as JSON lines, and back into a store of either engine."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from uuid import uuid4

from memkit.errors import ConflictError, InputError, UnwritablePathError
from memkit.exported import ExportedBank
from memkit.flows.context import BankContext, Services, encode_afterwards
from memkit.flows.portability.lines import (
    FORMAT_VERSION,
    BankCounts,
    ExportEnd,
    ExportHeader,
    Fingerprints,
    as_line,
    outline,
    stored_encoder,
)
from memkit.flows.portability.loading import BankFile, Comparison, Progress, compare, load_bank
from memkit.flows.portability.manifest import read_manifest
from memkit.flows.portability.settling import settle
from memkit.flows.thinking.budget import stored_day
from memkit.identifiers import bank_path
from memkit.models import BankState, ErasureReceipt, FrozenModel
from memkit.protocols import BankName, BankView
from memkit.storage.core.banks import is_moving, target_name, unpublished
from memkit.storage.core.receipts import FIELDS_ON_BYTES, chains, parse_receipts

EXPORT_BATCH = 200  # memories read at once
FINGERPRINTS_PER_LINE = 1000

Write = Callable[[str], object]


class ExportReport(FrozenModel):
    """Counts of what was written, for each bank in order."""

    banks: tuple[tuple[BankName, BankCounts], ...]

    @property
    def memories(self) -> int:
        """Number of memories."""
        return sum(sum(counts.memories.values()) for _, counts in self.banks)


class BankReport(FrozenModel):
    """Report on one bank of a load: new as a whole, or there already, when nothing of it changed.

    `counts`: of what is new. `present`: memories that were there; `erased`: those left out, since they were erased
    here. `unencoded`: texts whose vector is still to be made.
    """

    bank: BankName
    new: bool
    counts: BankCounts = BankCounts(memories={})
    present: int = 0
    erased: int = 0
    unencoded: int = 0


class LoadReport(FrozenModel):
    """Report of a load: its banks, and in `notes`, a sentence each, what was made anew or not carried over."""

    banks: tuple[BankReport, ...]
    notes: tuple[str, ...] = ()

    @property
    def new(self) -> int:
        """Number of memories that are new."""
        return sum(self.counts.values())

    @property
    def counts(self) -> dict[str, int]:
        """Number of new memories by kind."""
        return dict(sum((Counter(bank.counts.memories) for bank in self.banks), Counter[str]()))


def export(services: Services, path: Path, *, prefix: BankName = (), vectors: bool = True) -> ExportReport:
    """Write everything that banks are whose names start so; a file that lies there is replaced once all is written."""
    services.reinforcements.flush()
    contexts = [BankContext(services, state.name) for state in services.storage.banks(prefix)]
    receipts = chains(services.storage.receipts())
    gone = {name for name in receipts if name[: len(prefix)] == prefix} - {ctx.name for ctx in contexts}
    with _written(path) as write:
        write(as_line(_header(services, len(gone), vectors=vectors)))
        banks = tuple(
            (ctx.name, _write_bank(ctx, write, receipts.get(ctx.name, []), vectors=vectors)) for ctx in contexts
        )
        write(as_line(ExportEnd(banks=len(banks))))
    return ExportReport(banks=banks)


def save(lines: Iterable[bytes], path: Path) -> ExportReport:
    """Write an export that comes line by line from elsewhere. Raises InputError where it isn't whole."""
    records: list[FrozenModel] = []
    with _written(path) as write:
        for line in lines:
            write(line.decode())
            records += filter(None, [outline(line)])
        if not (records and isinstance(records[-1], ExportEnd)):
            raise InputError("export: it broke off before its end, so nothing was written. Export again.")
    names = [record.name for record in records if isinstance(record, ExportedBank)]
    counts = [record for record in records if isinstance(record, BankCounts)]
    return ExportReport(banks=tuple(zip(names, counts, strict=True)))


def export_receipts(receipts: Sequence[ErasureReceipt], path: Path) -> int:
    """Write receipts, oldest first; gives back how many."""
    with _written(path) as write:
        for receipt in receipts:
            write(receipt.model_dump_json(exclude=FIELDS_ON_BYTES) + "\n")
    return len(receipts)


def read_receipts(path: Path) -> list[ErasureReceipt]:
    """The receipts of a file that `export_receipts` wrote. Raises InputError for another, or a changed one."""
    try:
        return parse_receipts(path.read_text(encoding="utf-8", errors="replace"), path.name)
    except OSError as error:
        raise InputError(f"erasures: {path} can't be read ({error.strerror}).") from error


@contextmanager
def _written(path: Path) -> Iterator[Write]:
    """A file that is there as a whole or not at all. Raises UnwritablePathError."""
    part = path.with_name(f"{path.name}.{uuid4().hex[:8]}.part")
    special = path.exists() and not path.is_file()  # a pipe, a terminal
    try:
        with (path if special else part).open("w", encoding="utf-8", newline="\n") as file:
            yield file.write
        if not special:
            part.replace(path)
    except OSError as error:
        raise UnwritablePathError(f"export: {path} can't be written ({error.strerror}).") from error
    finally:
        part.unlink(missing_ok=True)


def _header(services: Services, erased_banks: int, *, vectors: bool) -> ExportHeader:
    settings = services.settings
    return ExportHeader(
        version=FORMAT_VERSION,
        id=uuid4().hex,
        written_at=services.clock(),
        encoder=stored_encoder(services.storage),
        vectors=vectors,
        erased_banks=erased_banks,
        index=settings.index,
        observe=settings.observe,
        keep=settings.keep or (),
    )


def _write_bank(ctx: BankContext, write: Write, receipts: Sequence[ErasureReceipt], *, vectors: bool) -> BankCounts:
    """Write one bank, as it is at one moment."""
    state, macs = ctx.ensure(), ctx.storage.fingerprints(ctx.name)
    with ctx.storage.view(state.number) as view:
        write(as_line(view.outline().model_copy(update={"thinking": stored_day(ctx, state)})))
        kinds, history, vector_count = _write_memories(view, write, vectors=vectors)
        exchanges = view.exchanges()
    for record in (*exchanges, *receipts, *_fingerprint_lines(macs)):
        write(as_line(record))
    counts = BankCounts(
        memories=dict(sorted(kinds.items())),
        history=history,
        exchanges=len(exchanges),
        receipts=len(receipts),
        fingerprints=len(macs),
        vectors=vector_count,
    )
    write(as_line(counts))
    return counts


def _write_memories(view: BankView, write: Write, *, vectors: bool) -> tuple[Counter[str], int, int]:
    """Write a bank's memories; gives back how many of each kind, of lines of history, and of vectors."""
    kinds, history, vector_count = Counter[str](), 0, 0
    seqs = iter(view.matching({}))
    while chunk := list(islice(seqs, EXPORT_BATCH)):
        for memory in view.exported(chunk):
            record = memory if vectors else memory.model_copy(update={"vector": None, "passages": None, "tokens": None})
            write(as_line(record))
            kinds[record.content.kind] += 1
            history, vector_count = history + len(record.history), vector_count + (record.vector is not None)
    return kinds, history, vector_count


def _fingerprint_lines(macs: Sequence[bytes]) -> Iterator[Fingerprints]:
    for start in range(0, len(macs), FINGERPRINTS_PER_LINE):
        yield Fingerprints(macs=tuple(mac.hex() for mac in macs[start : start + FINGERPRINTS_PER_LINE]))


def load(services: Services, path: Path, *, progress: Progress = lambda count: None) -> LoadReport:
    """Read an export back: each bank as a whole, or not at all.

    A bank that holds all of the file's memories stays as it is. Raises InputError for a file that can't be read,
    ConflictError for a bank that holds others; nothing was loaded then.
    """
    manifest = read_manifest(path)
    files = [BankFile(services, path, manifest.header, section) for section in manifest.sections]
    comparisons = {file.name: _compared(file) for file in files}
    new = [file for file in files if comparisons[file.name] is None]
    notes = [*settle(services, manifest.header, [file.name for file in new]), *_notes_of_file(files)] if new else []
    reports = _load_each(files, comparisons, progress)
    return LoadReport(banks=tuple(reports), notes=(*notes, *_vector_notes(new, reports)))


def _compared(file: BankFile) -> Comparison | None:
    """The file's memories beside those of the bank; None where there is no such bank yet. Raises ConflictError."""
    state = file.services.storage.find_bank(file.name)
    if state is None or not state.change:
        return None
    comparison, name = compare(file, state), bank_path(file.name)
    if comparison.missing or comparison.different:
        raise ConflictError(
            f"load: bank {name} is there already; of the file's {file.size} memories it lacks {comparison.missing} "
            f"and has {comparison.different} with other words, so nothing was loaded. Load into a new database, or "
            "erase the bank first: bank.erase_all(confirm=bank.name)."
        )
    return comparison


def _load_each(
    files: Sequence[BankFile], comparisons: Mapping[BankName, Comparison | None], progress: Progress
) -> list[BankReport]:
    """Load bank after bank; where one can't be loaded, the error says which were."""
    reports: list[BankReport] = []
    for file in files:
        try:
            reports.append(_load_one(file, comparisons[file.name], progress))
        except InputError as error:
            loaded = [bank_path(report.bank) for report in reports if report.new]
            raise type(error)(f"{error} Loaded before it: {', '.join(loaded) or 'nothing'}.") from error
    return reports


def _load_one(file: BankFile, comparison: Comparison | None, progress: Progress) -> BankReport:
    if comparison is not None:
        progress(file.size)
        return BankReport(bank=file.name, new=False, present=comparison.present, erased=comparison.erased)
    ctx, erased = load_bank(file, progress)
    with ctx.storage.view(ctx.ensure().number) as view:
        unencoded = len(view.unencoded(file.size or 1))
        counts = _counted(file, view) if erased else file.section.counted
    if unencoded:
        encode_afterwards(ctx, at_once=ctx.settings.runtime.encode_late)
    return BankReport(bank=file.name, new=True, counts=counts, erased=erased, unencoded=unencoded)


def _counted(file: BankFile, view: BankView) -> BankCounts:
    """Counts of what is there, where something was left out."""
    kinds, history, vectors = _write_memories(view, lambda line: None, vectors=True)
    exchanges = len(view.exchanges())
    memories = dict(sorted(kinds.items()))
    update = {"memories": memories, "history": history, "exchanges": exchanges, "vectors": vectors}
    return file.section.counted.model_copy(update=update)


def _notes_of_file(files: Sequence[BankFile]) -> Iterator[str]:
    """Sentences on what the file leaves out."""
    gone = files[0].header.erased_banks
    if gone:
        yield (
            f"Receipts and fingerprints of banks that were erased as a whole ({gone:,}) are not in the file; "
            "store.export_receipts writes the receipts."
        )


def _vector_notes(files: Sequence[BankFile], reports: Sequence[BankReport]) -> Iterator[str]:
    if files and not files[0].brings_vectors:
        encoder, header = stored_encoder(files[0].services.storage), files[0].header
        why = f"the file's are of {header.encoder.name}" if header.vectors else "the file has none"
        yield f"Vectors are made anew with {encoder.name}: {why}."
    waiting = sum(report.unencoded for report in reports)
    if waiting:
        yield f"{waiting:,} texts have no vector yet. Words find them meanwhile, and their vectors follow."
    erased = sum(report.erased for report in reports)
    if erased:
        yield f"{erased:,} memories were left out: they were erased here."


def unfinished(services: Services, *, repair: bool = False) -> list[str]:
    """Banks whose loading was cut off, one sentence each; dropped on request."""
    states = unpublished(services.storage)
    if repair:
        for state in states:
            services.storage.discard(state.number)
    return [
        f"bank {bank_path(target_name(state))}: {_way_on(state)}; repairing drops what is there." for state in states
    ]


def _way_on(state: BankState) -> str:
    """A sentence on a bank whose loading was cut off, or is going on."""
    if is_moving(state):
        return "its move was cut off, or goes on. Move it again to finish it"
    return f"its load was cut off after {state.size} memories. Load the same file again to finish it"
