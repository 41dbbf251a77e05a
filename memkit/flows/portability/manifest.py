"""Manifest of an export: what a file holds, bank by bank, once all of it was checked."""

from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from math import isfinite
from pathlib import Path

from memkit.errors import InputError, MemkitError
from memkit.exported import ExportedBank, ExportedMemory, ExportedState
from memkit.flows.portability.lines import (
    BankCounts,
    ExportEnd,
    ExportHeader,
    Fingerprints,
    line_error,
    read_lines,
)
from memkit.identifiers import uuid7_bytes
from memkit.models import ErasureReceipt, Exchange, FrozenModel, Memory, checked_bank_name, checked_text
from memkit.recall.index.token_rows import is_packed
from memkit.storage.core.banks import checked_zone
from memkit.storage.core.receipts import chain_flaws
from memkit.storage.core.transfer import history_rows_of

MAX_INTEGER = 2**63 - 1  # that a column holds


class FlawError(Exception):
    """A line says what can't be; the sentence tells what."""


@dataclass
class BankSection:
    """One bank's part of an export: its offset, and the offsets of the lines that are read again.

    `relinked`: of memories with links to greater numbers. `ids`: 64-bit hashes. Beside numbers, nothing of the memories
    is held.
    """

    bank: ExportedBank
    start: int
    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    ids: "array[int]" = field(default_factory=lambda: array("q"))
    relinked: "array[int]" = field(default_factory=lambda: array("q"))
    exchanges: "array[int]" = field(default_factory=lambda: array("q"))
    receipts: list[ErasureReceipt] = field(default_factory=list)
    fingerprints: list[bytes] = field(default_factory=list)
    counts: BankCounts | None = None
    kinds: Counter[str] = field(default_factory=Counter)
    history: int = 0
    vectors: int = 0
    awaited: set[int] = field(default_factory=set)  # numbers that links lead to, and that haven't come yet

    @property
    def counted(self) -> BankCounts:
        """Counts of what came."""
        return BankCounts(
            memories=dict(sorted(self.kinds.items())),
            history=self.history,
            exchanges=len(self.exchanges),
            receipts=len(self.receipts),
            fingerprints=len(self.fingerprints),
            vectors=self.vectors,
        )

    def holds(self, number: int) -> bool:
        """Whether a memory with this number came."""
        place = bisect_left(self.numbers, number)
        return place < len(self.numbers) and self.numbers[place] == number


@dataclass(frozen=True)
class Manifest:
    """An export's header, and its banks."""

    header: ExportHeader
    sections: tuple[BankSection, ...]


def read_header(path: Path) -> ExportHeader:
    """The first line of an export. Raises InputError."""
    for offset, record in read_lines(path):
        if isinstance(record, ExportHeader):
            return record
        raise line_error(path, offset, "is not the first line of an export")
    raise InputError(f"load: {path.name} is empty: it is no export.")


def read_manifest(path: Path) -> Manifest:
    """Check a whole export, line by line, before anything of it is written. Raises InputError."""
    header, ended, sections = read_header(path), False, list[BankSection]()
    last = 0
    for offset, record in read_lines(path):
        last = offset
        try:
            ended = _take(sections, header, offset, record, ended=ended)
        except FlawError as flaw:
            raise line_error(path, offset, str(flaw)) from None
        except MemkitError as error:
            raise InputError(f"load: {path.name}, at byte {offset}: {error} Nothing was loaded.") from None
    if not ended:
        raise line_error(path, last, "is the last one, but not the end: the file is incomplete")
    return Manifest(header, tuple(sections))


def _take(sections: list[BankSection], header: ExportHeader, offset: int, record: FrozenModel, *, ended: bool) -> bool:
    """Check the next line; True for the last one."""
    if ended:
        raise FlawError("comes after the last line of an export")
    match record:
        case ExportHeader():
            if offset:
                raise FlawError("is a first line in the midst of the file")
        case ExportedBank():
            _check_closed(sections)
            _check_bank(sections, record)
            sections.append(BankSection(record, offset))
        case ExportEnd():
            _check_closed(sections)
            if record.banks != len(sections):
                raise FlawError(f"says that there are {record.banks} banks, and {len(sections)} came")
            return True
        case _:
            _take_part(sections, header, offset, record)
    return False


def _check_closed(sections: list[BankSection]) -> None:
    if sections and sections[-1].counts is None:
        raise FlawError("comes before the counts of the bank before it: lines are missing")


def _check_bank(sections: list[BankSection], bank: ExportedBank) -> None:
    checked_bank_name(bank.name)
    checked_zone(bank.zone)
    if any(section.bank.name == bank.name for section in sections):
        raise FlawError("is a bank that came already")


def _take_part(sections: list[BankSection], header: ExportHeader, offset: int, record: FrozenModel) -> None:
    if not sections or sections[-1].counts is not None:
        raise FlawError("belongs to no bank")
    section = sections[-1]
    match record:
        case ExportedMemory():
            _take_memory(section, header, offset, record)
        case Exchange():
            section.exchanges.append(offset)
        case ErasureReceipt():
            section.receipts.append(record)
        case Fingerprints():
            section.fingerprints += [_mac(text) for text in record.macs]
        case BankCounts():
            _close(section, record)


def _mac(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise FlawError("holds a fingerprint that is no hexadecimal number") from None


def _close(section: BankSection, counts: BankCounts) -> None:
    if counts != section.counted:
        raise FlawError("doesn't count what came before it: lines are missing, or too many")
    if any(first == second for first, second in pairwise(sorted(section.ids))):
        raise FlawError("ends a bank in which an id comes twice")
    if not all(map(section.holds, section.awaited)):
        raise FlawError("ends a bank in which a memory points at one that isn't there")
    if chain_flaws(section.receipts) or any(receipt.bank != section.bank.name for receipt in section.receipts):
        raise FlawError("ends a bank whose receipts of erasures don't follow each other")
    section.counts = counts
    section.awaited.clear()
    del section.ids[:]


def _take_memory(section: BankSection, header: ExportHeader, offset: int, exported: ExportedMemory) -> None:
    last = section.numbers[-1] if section.numbers else 0
    if not last < exported.number < section.bank.next_number:
        raise FlawError("holds a memory whose number doesn't follow the one before, or is above the bank's")
    _check_memory(exported)
    _check_vectors(header, exported)
    section.numbers.append(exported.number)
    section.ids.extend(_id_hash(id) for id in (exported.content.id, exported.uuid) if id is not None)
    section.kinds[exported.content.kind] += 1
    section.history += len(exported.history)
    section.vectors += exported.vector is not None
    section.awaited.update(link for link in exported.links if link > exported.number)
    if not all(section.holds(link) for link in exported.links if link < exported.number):
        raise FlawError("holds a memory that points at one that isn't there")
    if exported.pointing_back() != exported:
        section.relinked.append(offset)


def _id_hash(id: str) -> int:
    return int.from_bytes(blake2b(id.encode(), digest_size=8).digest(), "little", signed=True)


def _check_memory(exported: ExportedMemory) -> None:
    content = exported.content
    checked_text(content.text, where="memory.content.text")
    if not content.id or content.sources or content.superseded_by or content.echo_of:
        raise FlawError("holds a memory whose contents have no id, or hold links: those stand beside them")
    if (exported.uuid is None) != (uuid7_bytes(content.id) is not None):
        raise FlawError("holds a memory with a caller's own id and no uuid, or with both ids of memkit's")
    if exported.number in exported.links:
        raise FlawError("holds a memory that points at itself")
    befores = (change.before for change in exported.history if change.before is not None)
    states: list[Memory | ExportedState] = [content, *befores]
    counts = [*(exported.place or ()), *(state.recall_count for state in states)]
    strengths = [state.strength for state in states]
    if not all(0 <= count <= MAX_INTEGER for count in counts) or not all(isfinite(s) and s > 0 for s in strengths):
        raise FlawError("holds a memory with a number that can't be")
    history_rows_of(exported)


def _check_vectors(header: ExportHeader, exported: ExportedMemory) -> None:
    width = 2 * header.encoder.dimension
    whole = exported.vector is None or len(exported.vector) == width
    parts = exported.passages, exported.tokens
    if not whole or len(exported.passages or b"") % width or (exported.vector is None and any(parts)):
        raise FlawError("holds a vector of another length than the encoder's")
    if exported.tokens is not None and not is_packed(exported.tokens, header.encoder.dimension):
        raise FlawError("holds words' signs of another length than the encoder's")
