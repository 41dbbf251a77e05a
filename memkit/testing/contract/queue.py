"""Contract of storages: the thinking queue: exchanges that wait, are claimed, settled and postponed."""

from datetime import timedelta

from memkit.errors import UnknownMemoryError
from memkit.models import Exchange, Outcome, Placement
from memkit.operations import (
    Claim,
    CloseExchange,
    Enqueue,
    Erase,
    Insert,
    Postpone,
    Settle,
)
from memkit.protocols import Storage
from memkit.testing.contract.cases import AT_NOON, ContractSteps, entry, memory


class QueueContract(ContractSteps):
    """The thinking queue: exchanges that wait, are claimed, settled and postponed."""

    def test_the_queue_keeps_an_exchange_until_it_is_settled(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry(1), Placement(1, 1)), Enqueue(1, ("t1",), False, AT_NOON))
        number = storage.open_bank(("acme", "ana")).number
        with storage.view(number) as view:
            [waiting] = view.exchanges()
        assert (waiting.turn_ids, waiting.closed, waiting.attempts) == (("t1",), False, 0)
        self.put(storage, Postpone(waiting.number, "ThinkerError", AT_NOON + timedelta(hours=1)))
        self.put(storage, CloseExchange(waiting.number))
        with storage.view(number) as view:
            assert view.exchanges(due_at=AT_NOON) == []
            [due] = view.exchanges(due_at=AT_NOON + timedelta(hours=2))
        assert (due.closed, due.attempts, due.error) == (True, 1, "ThinkerError")
        outcomes = (Outcome.skipped(None, "nothing"), Outcome.rejected(UnknownMemoryError("x")))
        receipt = self.put(storage, Settle(waiting.number), *outcomes)
        assert receipt.outcomes == outcomes
        with storage.view(number) as view:
            assert view.exchanges() == []

    def test_a_claim_that_was_never_released_counts_as_an_attempt(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry(1), Placement(1, 1)), Enqueue(1, ("t1",), True, AT_NOON))
        number, soon = storage.open_bank(("acme", "ana")).number, AT_NOON + timedelta(minutes=2)

        def exchange() -> Exchange:
            with storage.view(number) as view:
                [waiting] = view.exchanges(numbers=[1])
            return waiting

        self.put(storage, Claim(1, soon))
        assert exchange().leased(AT_NOON)
        assert not exchange().leased(soon)
        assert exchange().attempts == 0
        self.put(storage, Claim(1, soon + timedelta(minutes=2)))
        assert exchange().attempts == 1
        self.put(storage, Claim(1, None))
        assert (exchange().attempts, exchange().due_at) == (1, None)
        self.put(storage, Postpone(1, "ThinkerError", soon))
        self.put(storage, Claim(1, soon))
        assert (exchange().attempts, exchange().error) == (2, None)

    def test_erased_turns_leave_the_queue_and_an_exchange_without_any_goes(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {n}", id=f"t{n}"), entry(n), Placement(1, 1)) for n in (1, 2, 3)))
        self.put(storage, Enqueue(1, ("t1", "t2"), True, AT_NOON), Enqueue(1, ("t3",), True, AT_NOON))
        self.put(storage, Erase(("t1", "t3")))
        with self.view(storage) as view:
            assert [(exchange.number, exchange.turn_ids) for exchange in view.exchanges()] == [(1, ("t2",))]

    def test_turns_join_their_exchange_and_one_without_turns_is_none(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {n}", id=f"t{n}"), entry(n), Placement(1, 1)) for n in (1, 2)))
        later = AT_NOON + timedelta(minutes=1)
        self.put(storage, Enqueue(1, ("t1",), False, later), Enqueue(1, (), True, AT_NOON))
        self.put(storage, Enqueue(1, ("t2", "t1"), True, AT_NOON, number=1))
        with self.view(storage) as view:
            [exchange] = view.exchanges()
        assert (exchange.turn_ids, exchange.closed, exchange.last_at) == (("t1", "t2"), True, later)

    def test_operations_on_an_exchange_that_left_the_queue_change_nothing(self, storage: Storage) -> None:
        change = self.put(storage, Insert(memory("a", id="t1"), entry())).change
        receipt = self.put(
            storage, CloseExchange(9), Claim(9, AT_NOON), Settle(9), Postpone(9, "ThinkerError", AT_NOON)
        )
        assert (receipt.change, receipt.outcomes) == (change, ())
