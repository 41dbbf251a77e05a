"""The chain of erasure receipts shows every change from outside."""

from datetime import timedelta

from memkit.models import BankState, ErasureReceipt
from memkit.storage.core.receipts import bank_receipt, chain_flaws, erasure_receipt
from memkit.storage.core.unit_of_work import Erased
from memkit.testing.contract.cases import AT_NOON

BANK_STATE = BankState(
    number=3, name=("acme", "ana"), zone="UTC", key=bytes(16), change=7, epoch=1, created_at=AT_NOON, size=2
)


def chain(length: int) -> list[ErasureReceipt]:
    receipts: list[ErasureReceipt] = []
    for n in range(length):
        erased = Erased(seqs=(n,), counts={"turn": 1}, ids=(f"id{n}",), chosen=1)
        last = receipts[-1] if receipts else None
        receipts.append(erasure_receipt(erased, BANK_STATE, AT_NOON + timedelta(days=n), last))
    return receipts


def test_a_chain_is_sound_also_once_its_bytes_are_gone() -> None:
    receipts = [*(r.model_copy(update={"bytes_pending": False}) for r in chain(3))]
    receipts.append(bank_receipt(BANK_STATE, {"turn": 2}, AT_NOON, "ana", receipts[-1]))
    assert chain_flaws(receipts) == []
    assert chain_flaws([]) == []
    assert (receipts[-1].whole, receipts[-1].chosen, receipts[-1].born) == (True, 2, AT_NOON)


def test_a_receipt_that_was_changed_removed_or_moved_is_noticed() -> None:
    first, second, third = chain(3)
    changed = second.model_copy(update={"requested_by": "somebody"})
    assert chain_flaws([first, changed, third])
    assert chain_flaws([first, third])
    assert chain_flaws([second, third])
    assert chain_flaws([second, first, third])


def test_derived_memories_are_those_after_the_chosen_ones() -> None:
    erased = Erased(seqs=(1, 2, 3), counts={"turn": 1, "thought": 2}, ids=("a", "b", "c"), chosen=1, remade=("d",))
    receipt = erasure_receipt(erased, BANK_STATE, AT_NOON, None)
    assert (receipt.erased, receipt.derived, receipt.remade) == (("a", "b", "c"), ("b", "c"), ("d",))
