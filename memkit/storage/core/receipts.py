"""The chain of erasure receipts: each holds the hash of the one before."""

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from memkit.models import BankState, ErasureReceipt
from memkit.storage.core.change_set import Erased


def receipt_of(erased: Erased, state: BankState, at: datetime, last: ErasureReceipt | None) -> ErasureReceipt:
    """The next receipt, for memories that went; `state` is the bank as it is then."""
    made = ErasureReceipt(
        number=1 if last is None else last.number + 1,
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
    return chained(made, last)


def receipt_of_bank(
    state: BankState, counts: dict[str, int], at: datetime, requested_by: str | None, last: ErasureReceipt | None
) -> ErasureReceipt:
    """The next receipt, for a bank that went as a whole."""
    made = ErasureReceipt(
        number=1 if last is None else last.number + 1,
        bank=state.name,
        at=at,
        change=state.change,
        counts=counts,
        chosen=sum(counts.values()),
        whole=True,
        born=state.created_at,
        requested_by=requested_by,
    )
    return chained(made, last)


def chained(made: ErasureReceipt, last: ErasureReceipt | None) -> ErasureReceipt:
    """The receipt as the one after `last`, with its hash; its bytes are still to be looked for."""
    linked = made.model_copy(update={"previous": "" if last is None else last.hash, "bytes_pending": True})
    return linked.model_copy(update={"hash": digest(linked)})


def digest(receipt: ErasureReceipt) -> str:
    """SHA-256 over all of a receipt but the hash itself and whether bytes are pending."""
    fields = receipt.model_dump(mode="json", exclude={"hash", "bytes_pending"})
    return sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def flaws(receipts: Sequence[ErasureReceipt]) -> list[str]:
    """What is wrong with a chain, one sentence each; [] for a sound one."""
    previous = ["", *(receipt.hash for receipt in receipts)]
    found = []
    for place, (before, receipt) in enumerate(zip(previous, receipts, strict=False), start=1):
        if (receipt.number, receipt.previous, receipt.hash) != (place, before, digest(receipt)):
            found.append(f"the chain of erasure receipts is broken at number {place}: it was changed from outside.")
    return found
