"""Chains of erasure receipts, one for each bank: each receipt holds the hash of the one before."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import IntEnum
from hashlib import sha256
from heapq import merge
from typing import Any

from pydantic import ValidationError

from memkit.errors import ConflictError, InputError
from memkit.identifiers import bank_path
from memkit.models import BankState, ErasureReceipt
from memkit.protocols import BankName
from memkit.storage.core.unit_of_work import Erased

FIELDS_ON_BYTES = {"bytes_pending", "bytes_checkable"}  # of a receipt: what changes after it was written


class BytesState(IntEnum):
    """State of an erasure's bytes, as stored; a server's log has some, and what moved away nobody can look at."""

    ALL_GONE = 0
    IN_FILES = 1
    IN_LOG = 2
    OUT_OF_SIGHT = 3


def erasure_receipt(erased: Erased, state: BankState, at: datetime, last: ErasureReceipt | None) -> ErasureReceipt:
    """The next receipt, for erased memories; `state` is the bank after their erasure."""
    return _chained(
        last,
        bank=state.name,
        at=at,
        change=state.change,
        counts=dict(erased.counts),
        chosen=erased.chosen,
        erased=erased.ids,
        derived=erased.ids[erased.chosen :],
        remade=erased.remade,
        requested_by=erased.requested_by,
    )


def bank_receipt(
    state: BankState, counts: dict[str, int], at: datetime, requested_by: str | None, last: ErasureReceipt | None
) -> ErasureReceipt:
    """The next receipt, for an erased bank."""
    return _chained(
        last,
        bank=state.name,
        at=at,
        change=state.change,
        counts=counts,
        chosen=sum(counts.values()),
        whole=True,
        born=state.created_at,
        requested_by=requested_by,
    )


def _chained(last: ErasureReceipt | None, **fields: Any) -> ErasureReceipt:
    """A receipt linked to the one before it, with its hash; whether bytes are left in the files is still open."""
    number, previous = (1, "") if last is None else (last.number + 1, last.hash)
    receipt = ErasureReceipt(number=number, previous=previous, bytes_pending=True, **fields)
    return receipt.model_copy(update={"hash": receipt_hash(receipt)})


def receipt_columns(receipt: ErasureReceipt, bank: int, seqs: bytes, name: str | None) -> dict[str, object]:
    """Columns of the table `erasure`; `seqs` of what went, `name` of a bank that isn't there (any more)."""
    text = receipt.model_dump_json(exclude=FIELDS_ON_BYTES)
    place = {"bank": bank, "number": receipt.number, "change": receipt.change}
    return {**place, "seqs": seqs, "receipt": text, "name": name}


def stored_receipt(text: str, state: int) -> ErasureReceipt:
    """A receipt as it is stored: its columns `receipt` and `pending`. Raises ValueError."""
    on_bytes = {"bytes_pending": state != BytesState.ALL_GONE, "bytes_checkable": state != BytesState.OUT_OF_SIGHT}
    return ErasureReceipt.model_validate_json(text).model_copy(update=on_bytes)


def awaits_purge(receipt: ErasureReceipt) -> bool:
    """Whether a purge can still tell more of its bytes."""
    return receipt.bytes_pending and receipt.bytes_checkable


def receipt_hash(receipt: ErasureReceipt) -> str:
    """SHA-256 over a receipt, without the hash itself and what is told of bytes."""
    fields = receipt.model_dump(mode="json", exclude={"hash", *FIELDS_ON_BYTES})
    return sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def chains(receipts: Iterable[ErasureReceipt]) -> dict[BankName, list[ErasureReceipt]]:
    """Receipts by bank, in the order given."""
    by_bank: dict[BankName, list[ErasureReceipt]] = {}
    for receipt in receipts:
        by_bank.setdefault(receipt.bank, []).append(receipt)
    return by_bank


def longer_chain(own: Sequence[ErasureReceipt], others: Sequence[ErasureReceipt]) -> Sequence[ErasureReceipt]:
    """The one of two chains of a bank that goes on where the other ends. Raises ConflictError where they part."""
    if any(mine.hash != other.hash for mine, other in zip(own, others, strict=False)):
        raise ConflictError(
            f"load: the receipts of erasures from bank {bank_path(own[0].bank)} are others here than in the file. Load "
            "into a new database."
        )
    return max(own, others, key=len)


def parse_receipts(text: str, source: str) -> list[ErasureReceipt]:
    """Receipts of a text that `store.export_receipts` wrote. Raises InputError for another, or a changed one."""
    try:
        listed = [ErasureReceipt.model_validate_json(line) for line in text.splitlines() if line.strip()]
    except ValidationError:
        raise InputError(f"erasures: {source} is no list of receipts. Give what store.export_receipts wrote.") from None
    return sound(listed, source)


def sound(listed: list[ErasureReceipt], source: str) -> list[ErasureReceipt]:
    """The receipts, if their chains are whole. Raises InputError."""
    flaws = chain_flaws(listed)
    if flaws:
        raise InputError(f"erasures: {source}: {flaws[0]} They must be complete to be carried out again.")
    return listed


def missing_receipts(listed: Sequence[ErasureReceipt], own: Sequence[ErasureReceipt]) -> list[ErasureReceipt]:
    """The listed receipts that a database lacks. Raises InputError where the list isn't that of the same database."""
    hashes = {(receipt.bank, receipt.number): receipt.hash for receipt in listed}
    last = [chain[-1] for chain in chains(own).values()]
    if listed and any(hashes.get((r.bank, r.number)) != r.hash for r in last):
        raise InputError(
            "erasures: the list doesn't go on from the database's own. Give the list of the same database, not older "
            "than its backup; or restore the backup to another path, with erasures=None."
        )
    numbers = Counter({receipt.bank: receipt.number for receipt in last})
    return [receipt for receipt in listed if receipt.number > numbers[receipt.bank]]


def by_time(receipts: Iterable[ErasureReceipt]) -> list[ErasureReceipt]:
    """Receipts in order of time; those of one bank stay in the order given."""
    return list(merge(*chains(receipts).values(), key=lambda receipt: receipt.at))


def chain_flaws(receipts: Sequence[ErasureReceipt]) -> list[str]:
    """Breaks of the chains, one sentence each; [] for sound ones."""
    return [flaw for bank, chain in chains(receipts).items() for flaw in _breaks(bank, chain)]


def _breaks(bank: BankName, chain: Sequence[ErasureReceipt]) -> Iterator[str]:
    previous = ["", *(receipt.hash for receipt in chain)]
    for place, (before, receipt) in enumerate(zip(previous, chain, strict=False), start=1):
        if (receipt.number, receipt.previous, receipt.hash) != (place, before, receipt_hash(receipt)):
            yield (
                f"bank {bank_path(bank)}: the chain of erasure receipts is broken at number {place}: "
                "it was changed from outside."
            )
