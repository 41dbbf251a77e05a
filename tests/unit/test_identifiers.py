"""Ids are UUIDv7 and stand in the order in which they were made."""

import uuid
from datetime import UTC, datetime, timedelta

from memkit.identifiers import uuid7
from memkit.storage.core.records import is_uuid7

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)


def test_an_id_is_a_uuid7_of_its_moment() -> None:
    made = uuid.UUID(uuid7(NOW))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == NOW.timestamp() * 1000
    assert is_uuid7(str(made))


def test_ids_of_one_moment_stand_in_the_order_in_which_they_were_made() -> None:
    ids = [uuid7(NOW) for _ in range(5000)]
    assert ids == sorted(set(ids))


def test_ids_of_other_moments_made_between_do_not_disturb_that_order() -> None:
    ids = [uuid7(NOW + timedelta(seconds=n % 2)) for n in range(100)]
    assert ids[::2] == sorted(ids[::2])
    assert max(ids[::2]) < min(ids[1::2])
