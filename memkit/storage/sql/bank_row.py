"""Row of a bank: its state and its counters."""

import json
from typing import NamedTuple

from memkit.models import BankState
from memkit.storage.core.checksums import corrupt_error, decoding
from memkit.times import from_micros


class BankRow(NamedTuple):
    """A bank's row: its state and its counters."""

    bank: int
    name: str
    zone: str
    key: bytes
    change: int
    epoch: int
    created_at: int
    size: int
    next_seq: int
    next_history: int
    next_exchange: int
    next_block: int
    next_content: int
    unsealed_sketches: int
    unsealed_terms: int

    def checked(self) -> "BankRow":
        """The row, if its size and counters are whole numbers. Raises CorruptError."""
        if not all(isinstance(getattr(self, name), int) for name in COUNTER_COLUMNS):
            raise corrupt_error("a bank's row")
        return self

    @decoding("a bank's row")
    def to_state(self) -> BankState:
        return BankState(
            number=self.bank,
            name=tuple(json.loads(self.name)),
            zone=self.zone,
            key=self.key,
            change=self.change,
            epoch=self.epoch,
            created_at=from_micros(self.created_at),
            size=self.size,
        )


COUNTER_COLUMNS = BankRow._fields[BankRow._fields.index("size") :]
