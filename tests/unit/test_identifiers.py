"""Ids are UUIDv7 and stand in the order in which they were made."""

import uuid
from datetime import UTC, datetime, timedelta

from memkit.identifiers import uuid7, uuid7_bytes

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)


def test_an_id_is_a_uuid7_of_its_moment() -> None:
    id = uuid.UUID(uuid7(NOW))
    assert (id.version, id.variant) == (7, uuid.RFC_4122)
    assert id.int >> 80 == NOW.timestamp() * 1000
    assert uuid7_bytes(str(id)) == id.bytes


def test_other_ids_are_no_uuid7() -> None:
    for id in ("t1", "", str(uuid.UUID(int=1)), uuid7(NOW).upper(), uuid7(NOW).replace("-", "")):
        assert uuid7_bytes(id) is None


def test_ids_of_one_moment_stand_in_the_order_in_which_they_were_made() -> None:
    ids = [uuid7(NOW) for _ in range(5000)]
    assert ids == sorted(set(ids))


def test_ids_of_other_moments_made_between_do_not_disturb_that_order() -> None:
    ids = [uuid7(NOW + timedelta(seconds=n % 2)) for n in range(100)]
    assert ids[::2] == sorted(ids[::2])
    assert max(ids[::2]) < min(ids[1::2])
