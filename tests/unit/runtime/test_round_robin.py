"""Rounds of maintenance reach every bank, and pass by those in which nothing can be due."""

from datetime import UTC, datetime, timedelta

from memkit.models import BankState
from memkit.runtime.round_robin import MAX_REST, RoundRobin

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)


def bank(number: int, *, change: int = 1, key: bytes = b"k") -> BankState:
    return BankState(
        number=number, name=(str(number),), zone="UTC", key=key, change=change, epoch=0, created_at=NOW, size=1
    )


def numbers(round_robin: RoundRobin, *banks: BankState, now: datetime = NOW) -> list[int]:
    return [state.number for state in round_robin.due(banks, now)]


def test_a_round_begins_after_the_bank_with_which_the_last_one_ended() -> None:
    round_robin, banks = RoundRobin(), [bank(3), bank(1), bank(2)]
    assert numbers(round_robin, *banks) == [1, 2, 3]
    round_robin.note_visit(banks[1], NOW, idle=False)
    assert numbers(round_robin, *banks) == [2, 3, 1]
    round_robin.note_visit(banks[2], NOW, idle=False)
    assert numbers(round_robin, *banks) == [3, 1, 2]


def test_an_idle_bank_rests_until_it_changes_or_an_hour_is_over_or_the_clock_goes_back() -> None:
    round_robin = RoundRobin()
    round_robin.note_visit(bank(1), NOW, idle=True)
    assert numbers(round_robin, bank(1), bank(2)) == [2]
    assert numbers(round_robin, bank(1, change=2), bank(2)) == [2, 1]
    assert numbers(round_robin, bank(1, key=b"other"), bank(2)) == [2, 1]
    assert numbers(round_robin, bank(1), bank(2), now=NOW + MAX_REST) == [2, 1]
    assert numbers(round_robin, bank(1), bank(2), now=NOW - timedelta(days=1)) == [2, 1]


def test_a_bank_in_which_something_waits_does_not_rest() -> None:
    round_robin = RoundRobin()
    round_robin.note_visit(bank(1), NOW, idle=True)
    round_robin.note_visit(bank(1), NOW, idle=False)
    assert numbers(round_robin, bank(1)) == [1]
