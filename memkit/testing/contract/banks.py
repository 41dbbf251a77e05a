"""Contract of storages: banks, their names, leases, notes and thinking queues."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from memkit.errors import BankGoneError, ClosedError, InvalidNameError, UnknownMemoryError, UnknownOptionError
from memkit.models import Exchange, Outcome, Placement
from memkit.operations import Claim, CloseExchange, Enqueue, Erase, Forget, Insert, Postpone, Rewrite, Settle, SetZone
from memkit.protocols import BankClaim, BankRest, Storage
from memkit.testing.contract.cases import AT_NOON, ContractSteps, entry, memory, refused
from memkit.times import MAX_REST


def claimed(
    storage: Storage,
    owner: str,
    *,
    mark: str = "idle",
    after: int = -1,
    last: int = 2**63 - 1,
    limit: int = 10,
    at: datetime = AT_NOON,
) -> list[int]:
    """Numbers of the banks that an owner gets for a minute."""
    claim = BankClaim(owner, mark, after, last, limit, at, 60)
    return [state.number for state in storage.claim_banks(claim)]


class BankContract(ContractSteps):
    """Banks, their names, leases, notes and thinking queues."""

    def test_a_bank_is_found_only_once_it_was_opened(self, storage: Storage) -> None:
        assert storage.find_bank(("acme", "ana")) is None
        state = storage.open_bank(("acme", "ana"), zone="Europe/Lisbon")
        assert storage.find_bank(("acme", "ana")) == state
        assert (state.zone, state.change) == ("Europe/Lisbon", 0)
        storage.open_bank(("acme", "bob"))
        storage.open_bank(("other",))
        assert [b.name for b in storage.banks(("acme",))] == [("acme", "ana"), ("acme", "bob")]

    def test_banks_never_meet(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("mine", id="t1"), entry(1)))
        other = storage.open_bank(("acme", "bob"))
        with storage.view(other.number) as view:
            assert (view.locate(["t1"]), view.same_text([1]), list(view.rows())) == ({}, {}, [])
        receipt = storage.drop_bank(storage.open_bank(("acme", "ana")).number, at=AT_NOON)
        assert receipt is not None
        assert (receipt.bank, receipt.whole, receipt.counts) == (("acme", "ana"), True, {"turn": 1})
        assert storage.banks() == [other]

    def test_banks_in_which_a_wanted_vector_is_missing_are_listed_until_it_is_there(self, storage: Storage) -> None:
        bare = replace(entry(), vector=None, sketch=None)
        self.put(storage, Insert(memory("a", id="t1"), bare), Insert(memory("b"), bare))
        for name, row in ((("zoo",), bare), (("acme", "bob"), replace(bare, wanted=False)), (("acme", "cy"), entry())):
            storage.apply(storage.open_bank(name).number, [Insert(memory("c"), row)], at=AT_NOON)
        assert [state.name for state in storage.unencoded_banks()] == [("acme", "ana"), ("zoo",)]
        self.put(storage, Rewrite("t1", entry()))
        assert [state.name for state in storage.unencoded_banks()] == [("acme", "ana"), ("zoo",)]
        self.put(storage, Erase(tuple(stored.id for stored in self.all(storage))))
        assert [state.name for state in storage.unencoded_banks()] == [("zoo",)]

    def test_a_lease_is_held_by_one_owner_until_it_runs_out(self, storage: Storage) -> None:
        bank = storage.open_bank(("acme", "ana")).number
        assert [storage.lease(bank, owner, AT_NOON, 60) for owner in ("one", "one", "two")] == [True, True, False]
        assert storage.lease(bank, "two", AT_NOON + timedelta(seconds=61), 60)
        storage.release(bank, "two")
        assert storage.lease(bank, "one", AT_NOON, 60)

    def test_banks_are_claimed_in_order_by_one_owner_each_and_not_while_they_are_loaded(self, storage: Storage) -> None:
        numbers = sorted(storage.open_bank((name,)).number for name in "abcde")
        storage.open_bank(("", "export", "f"))
        assert claimed(storage, "one", limit=2) == numbers[:2]
        assert claimed(storage, "two", limit=2) == numbers[2:4]
        assert claimed(storage, "one") == numbers[4:]
        assert claimed(storage, "three") == []
        storage.release(numbers[1], "one")
        assert claimed(storage, "three", after=numbers[1]) == []
        assert claimed(storage, "three", last=numbers[1]) == numbers[1:2]
        assert claimed(storage, "four", at=AT_NOON + timedelta(seconds=61)) == numbers

    def test_a_bank_rests_under_a_mark_until_it_changes_or_an_hour_is_over(self, storage: Storage) -> None:
        state = storage.open_bank(("acme", "ana"))

        def rest() -> None:
            assert claimed(storage, "one") == [state.number]
            change = storage.open_bank(("acme", "ana")).change
            storage.release(state.number, "one", BankRest("idle", change, AT_NOON + MAX_REST))
            assert claimed(storage, "one") == []

        rest()
        assert claimed(storage, "one", mark="other") == [state.number]
        storage.release(state.number, "one")
        rest()
        assert storage.lease(state.number, "two", AT_NOON, 60)
        storage.release(state.number, "two")
        rest()
        self.put(storage, Insert(memory("a"), entry()))
        rest()
        assert claimed(storage, "one", at=AT_NOON - timedelta(days=1)) == [state.number]
        storage.release(state.number, "one")
        rest()
        assert claimed(storage, "one", at=AT_NOON + MAX_REST) == [state.number]

    def test_a_storage_that_was_used_is_sound(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), entry(i)) for i in range(1, 50)))
        self.put(storage, Erase(("t7", "t8")), Forget("t9", "test"))
        assert (storage.purge(wait=30.0), storage.audit()) == (True, [])  # a server reads its tables when it likes
        assert len(self.all(storage, "active", "forgotten")) == 47
        assert storage.sizes()["total"] > 0

    def test_a_bank_opened_again_keeps_its_zone(self, storage: Storage) -> None:
        state = storage.open_bank(("acme", "ana"), zone="Europe/Lisbon")
        assert storage.open_bank(("acme", "ana"), zone="Asia/Tokyo") == state

    def test_a_bank_gets_another_zone_and_its_thoughts_days_move_with_it(self, storage: Storage) -> None:
        number, day = storage.open_bank(("acme", "ana"), zone="Europe/Lisbon").number, AT_NOON.replace(hour=0)
        fields: dict[str, Any] = {"kind": "thought", "valid_from": day - timedelta(hours=1)}  # midnight in Lisbon
        self.put(
            storage,
            Insert(memory("since that day", id="h1", author="thinker", **fields), entry(1)),
            Insert(memory("since that moment", id="h2", author="import", **fields), entry(2)),
            Insert(memory("since noon", id="h3", kind="thought", author="thinker", valid_from=AT_NOON), entry(3)),
        )
        before = storage.open_bank(("acme", "ana"))
        receipt = storage.apply(number, [SetZone("Asia/Tokyo")], at=AT_NOON)
        after = storage.open_bank(("acme", "ana"))
        assert (receipt.outcomes, receipt.change, after.zone) == ((), before.change + 1, "Asia/Tokyo")
        assert after.epoch > before.epoch
        begins = [self.stored(storage, id).valid_from for id in ("h1", "h2", "h3")]
        assert begins == [day - timedelta(hours=9), fields["valid_from"], AT_NOON]
        assert storage.apply(number, [SetZone("Asia/Tokyo")], at=AT_NOON).change == after.change
        with refused(UnknownOptionError):
            storage.apply(number, [SetZone("Atlantis/Capital")], at=AT_NOON)
        assert storage.open_bank(("acme", "ana")) == after

    def test_names_and_zones_that_can_not_be_stored_are_refused(self, storage: Storage) -> None:
        for name in ((), ("",), ("acme", "\ud800")):
            with refused(InvalidNameError):
                storage.open_bank(name)
        with refused(UnknownOptionError):
            storage.open_bank(("acme", "ana"), zone="Atlantis/Capital")
        assert storage.banks() == []

    def test_a_bank_that_is_gone_is_neither_read_nor_written(self, storage: Storage) -> None:
        number = storage.open_bank(("acme", "ana")).number
        storage.drop_bank(number, at=AT_NOON)
        with refused(BankGoneError):
            storage.apply(number, [Insert(memory("a"), entry())], at=AT_NOON)
        with refused(BankGoneError), storage.view(number):
            pass
        assert storage.drop_bank(number, at=AT_NOON) is None
        assert not storage.lease(number, "one", AT_NOON, 60)

    def test_a_bank_that_is_made_again_is_another_one(self, storage: Storage) -> None:
        before = storage.open_bank(("acme", "ana"))
        storage.drop_bank(before.number, at=AT_NOON)
        again = storage.open_bank(("acme", "ana"))
        assert (again.key == before.key, again.change, again.size) == (False, 0, 0)

    def test_notes_of_the_store_are_read_back_and_overwritten(self, storage: Storage) -> None:
        assert storage.get_meta("colour") is None
        storage.set_meta({"colour": "red", "size": "9"})
        storage.set_meta({"colour": "blue"})
        assert (storage.get_meta("colour"), storage.get_meta("size")) == ("blue", "9")

    def test_a_closed_storage_refuses_every_call(self, storage: Storage) -> None:
        number = storage.open_bank(("acme", "ana")).number
        storage.close()
        storage.close()
        for call in (storage.banks, storage.receipts, lambda: storage.lease(number, "one", AT_NOON, 60)):
            with refused(ClosedError):
                call()

    # the thinking queue: exchanges that wait, are claimed, settled and postponed

    def test_the_queue_keeps_an_exchange_until_it_is_settled(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry(1), Placement(1, 1)), Enqueue(1, ("t1",), False, AT_NOON))
        [waiting] = self.read(storage, lambda view: view.exchanges())
        assert (waiting.turn_ids, waiting.closed, waiting.attempts) == (("t1",), False, 0)
        self.each(
            storage,
            Postpone(waiting.number, "ThinkerError", AT_NOON + timedelta(hours=1)),
            CloseExchange(waiting.number),
        )
        assert self.read(storage, lambda view: view.exchanges(due_at=AT_NOON)) == []
        [due] = self.read(storage, lambda view: view.exchanges(due_at=AT_NOON + timedelta(hours=2)))
        assert (due.closed, due.attempts, due.error) == (True, 1, "ThinkerError")
        outcomes = (Outcome.skipped(None, "nothing"), Outcome.rejected(UnknownMemoryError("x")))
        assert self.put(storage, Settle(waiting.number), *outcomes).outcomes == outcomes
        assert self.read(storage, lambda view: view.exchanges()) == []

    def test_a_claim_that_was_never_released_counts_as_an_attempt(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry(1), Placement(1, 1)), Enqueue(1, ("t1",), True, AT_NOON))
        soon = AT_NOON + timedelta(minutes=2)

        def exchange() -> Exchange:
            [waiting] = self.read(storage, lambda view: view.exchanges(numbers=[1]))
            return waiting

        self.put(storage, Claim(1, soon))
        assert (exchange().leased(AT_NOON), exchange().leased(soon), exchange().attempts) == (True, False, 0)
        self.put(storage, Claim(1, soon + timedelta(minutes=2)))
        assert exchange().attempts == 1
        self.put(storage, Claim(1, None))
        assert (exchange().attempts, exchange().due_at) == (1, None)
        self.each(storage, Postpone(1, "ThinkerError", soon), Claim(1, soon))
        assert (exchange().attempts, exchange().error) == (2, None)

    def test_erased_turns_leave_the_queue_and_an_exchange_without_any_goes(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {n}", id=f"t{n}"), entry(n), Placement(1, 1)) for n in (1, 2, 3)))
        self.put(storage, Enqueue(1, ("t1", "t2"), True, AT_NOON), Enqueue(1, ("t3",), True, AT_NOON))
        self.put(storage, Erase(("t1", "t3")))
        left = self.read(storage, lambda view: view.exchanges())
        assert [(exchange.number, exchange.turn_ids) for exchange in left] == [(1, ("t2",))]

    def test_turns_join_their_exchange_and_one_without_turns_is_none(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {n}", id=f"t{n}"), entry(n), Placement(1, 1)) for n in (1, 2)))
        later = AT_NOON + timedelta(minutes=1)
        self.put(storage, Enqueue(1, ("t1",), False, later), Enqueue(1, (), True, AT_NOON))
        self.put(storage, Enqueue(1, ("t2", "t1"), True, AT_NOON, number=1))
        [exchange] = self.read(storage, lambda view: view.exchanges())
        assert (exchange.turn_ids, exchange.closed, exchange.last_at) == (("t1", "t2"), True, later)

    def test_operations_on_an_exchange_that_left_the_queue_change_nothing(self, storage: Storage) -> None:
        change = self.put(storage, Insert(memory("a", id="t1"), entry())).change
        receipt = self.put(
            storage, CloseExchange(9), Claim(9, AT_NOON), Settle(9), Postpone(9, "ThinkerError", AT_NOON)
        )
        assert (receipt.change, receipt.outcomes) == (change, ())
