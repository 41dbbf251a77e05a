"""Access tokens lie in the database: known by their secrets alone, seen by every process, never exported or moved."""

import sqlite3
import string
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from engines import EVERY_ENGINE, LASTING_ENGINES, POSTGRESQL
from hypothesis import given
from hypothesis import strategies as st

import memkit
from memkit.access import AccessToken
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import CorruptError, InputError, InvalidNameError, MemkitError, NaiveDatetimeError, ReadOnlyError
from memkit.runtime.access import Access
from memkit.testing import FrozenClock

DAY = timedelta(days=1)


def opened(location: str | Path, clock: FrozenClock, **options: Any) -> memkit.MemoryStore:
    return memkit.open(location, encoder=HashingEncoder(), clock=clock, **options)


@pytest.fixture(params=EVERY_ENGINE)
def any_store(request: pytest.FixtureRequest, clock: FrozenClock) -> Iterator[memkit.MemoryStore]:
    with request.param.database() as location, opened(location, clock) as store:
        yield store


@pytest.fixture(params=LASTING_ENGINES)
def location(request: pytest.FixtureRequest) -> Iterator[str]:
    with request.param.database() as location:
        yield location


def test_a_token_is_known_by_its_secret_and_by_no_other_word(any_store: memkit.MemoryStore) -> None:
    new = any_store.access.create("agent", under=[("acme", "ana"), ("é", "a/b")], rights=["write", "read"])
    assert any_store.access.token_of(new.secret) == new.token
    assert any_store.access.list() == [new.token]
    assert new.token.rights == ("read", "write")
    near = (new.secret[:-1], f"{new.secret}x", new.secret.swapcase(), f" {new.secret}", "", "mk_", "mk_\0", "\ud800")
    assert [any_store.access.token_of(word) for word in near] == [None] * len(near)


def test_secrets_are_256_random_bits_after_their_mark_and_are_shown_in_no_repr(any_store: memkit.MemoryStore) -> None:
    secrets = {any_store.access.create("agent").secret for _ in range(20)}
    assert len(secrets) == 20
    assert all(secret.startswith("mk_") and len(secret) == 3 + 43 for secret in secrets)
    assert set("".join(secrets)) <= set(string.ascii_letters + string.digits + "-_")
    new = any_store.access.create("agent")
    assert new.secret not in repr(new)


def test_a_database_asks_for_tokens_from_the_first_on_even_once_all_are_revoked(any_store: memkit.MemoryStore) -> None:
    assert not any_store.access.required
    new = any_store.access.create("agent")
    assert any_store.access.required
    any_store.access.revoke(new.token.id)
    assert any_store.access.required
    assert Access(any_store._storage, any_store._services.clock).required


def test_an_expired_token_never_counts(any_store: memkit.MemoryStore, clock: FrozenClock) -> None:
    new = any_store.access.create("agent", expires_at=clock.now + DAY)
    clock.advance(DAY - timedelta(microseconds=1))
    assert any_store.access.token_of(new.secret) is not None
    clock.advance(timedelta(microseconds=1))
    assert any_store.access.token_of(new.secret) is None


def test_a_revoked_token_never_counts_at_any_time(any_store: memkit.MemoryStore, clock: FrozenClock) -> None:
    new = any_store.access.create("agent")
    assert any_store.access.revoke(new.token.id).revoked_at == clock.now
    for days in (0, 1, -2, 10_000):
        clock.advance(days * DAY)
        assert any_store.access.token_of(new.secret) is None
    assert any_store.access.revoke(new.token.id).revoked_at == new.token.created_at


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.astimezone())


@given(now=MOMENTS, expires_at=st.none() | MOMENTS, revoked_at=st.none() | MOMENTS)
def test_a_token_counts_only_before_its_end_and_unless_it_was_revoked(
    now: datetime, expires_at: datetime | None, revoked_at: datetime | None
) -> None:
    token = AccessToken(
        id="1", name="n", prefixes=((),), rights=("read",), created_at=now, expires_at=expires_at, revoked_at=revoked_at
    )
    assert token.is_valid(now) == (revoked_at is None and (expires_at is None or now < expires_at))


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"name": ""}, InputError, "1 to 100 characters"),
        ({"name": " "}, InputError, "1 to 100 characters"),
        ({"name": "two\nlines"}, InputError, "one line"),
        ({"name": "x" * 101}, InputError, "1 to 100"),
        ({"under": []}, InvalidNameError, "all banks"),
        ({"under": "acme"}, InvalidNameError, "each a tuple"),
        ({"under": ["acme"]}, InvalidNameError, "each a tuple"),
        ({"under": [("acme", "")]}, InvalidNameError, "1 to"),
        ({"rights": []}, InputError, "at least one"),
        ({"rights": ["all"]}, InputError, "read, write, erase, admin"),
        ({"expires_at": datetime(2030, 1, 1)}, NaiveDatetimeError, "expires_at"),
        ({"expires_at": "2025-06-02T12:00+00:00"}, InputError, "past"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_rule(
    store: memkit.MemoryStore, values: dict[str, Any], error: type[MemkitError], words: str
) -> None:
    with pytest.raises(error, match=words):
        store.access.create(**{"name": "agent", **values})
    assert store.access.list() == []


def test_revoking_an_unknown_id_says_where_ids_are(store: memkit.MemoryStore) -> None:
    with pytest.raises(InputError, match="memkit access list"):
        store.access.revoke("nobody")


def test_what_one_process_makes_and_revokes_another_sees_at_once(location: str, clock: FrozenClock) -> None:
    with opened(location, clock) as here, opened(location, clock) as there:
        assert not there.access.required
        new = here.access.create("agent")
        assert there.access.token_of(new.secret) == new.token
        assert there.access.required
        here.access.revoke(new.token.id)
        assert there.access.token_of(new.secret) is None


def test_a_read_only_store_knows_tokens_and_changes_none(location: str, clock: FrozenClock) -> None:
    with opened(location, clock) as store:
        new = store.access.create("agent")
    with opened(location, clock, read_only=True) as store:
        assert store.access.token_of(new.secret) == new.token
        assert store.access.required
        for change in (lambda: store.access.create("other"), lambda: store.access.revoke(new.token.id)):
            with pytest.raises(ReadOnlyError):
                change()


def test_no_file_ever_holds_a_secret(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock) as store:
        new = store.access.create("agent")
        store.access.token_of(new.secret)
        files = [file.read_bytes() for file in path.parent.iterdir()]
        assert any(new.token.id.encode() in contents for contents in files)
        assert not any(new.secret.removeprefix("mk_").encode() in contents for contents in files)


def test_neither_an_export_nor_a_move_takes_tokens_along_and_a_backup_does(
    location: str, clock: FrozenClock, tmp_path: Path
) -> None:
    with opened(location, clock) as store, opened(tmp_path / "target.db", clock) as target:
        store.bank("ana").observe([("ana", "I moved to Lisbon.")])
        new = store.access.create("agent of acme")
        store.export(tmp_path / "export.jsonl")
        assert "agent of acme" not in (tmp_path / "export.jsonl").read_text("utf-8")
        target.load(tmp_path / "export.jsonl")
        store.bank("bob").observe([("bob", "I moved to Porto.")])
        store.move(target, [("bob",)])
        assert target.banks() == [("ana",), ("bob",)]
        assert target.access.list() == []
        if "://" not in location:
            store.backup(tmp_path / "backup.db")
            with opened(tmp_path / "backup.db", clock) as backup:
                assert backup.access.token_of(new.secret) == new.token


def test_a_file_of_the_first_format_gets_its_tables_when_it_is_opened(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock) as store:
        store.bank("ana").observe([("ana", "I moved to Lisbon.")])
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TABLE access_token; DROP TABLE keyed_request; DELETE FROM migration WHERE name = 'format_2'; "
            "PRAGMA user_version = 1007"
        )
    with pytest.raises(ReadOnlyError, match="Open it once without read_only"):
        opened(path, clock, read_only=True)
    _check_brought_up(str(path), clock)


def test_tables_of_the_first_format_on_a_server_get_theirs_when_they_are_opened(clock: FrozenClock) -> None:
    psycopg = pytest.importorskip("psycopg")
    with POSTGRESQL.database() as location:
        with opened(location, clock) as store:
            store.bank("ana").observe([("ana", "I moved to Lisbon.")])
        with psycopg.connect(location) as connection:
            for table in ("access_token", "keyed_request"):
                connection.execute(f"DROP TABLE memkit.{table}")
            connection.execute("DELETE FROM memkit.migration WHERE number = 2")
        with pytest.raises(ReadOnlyError, match="without read_only"):
            opened(location, clock, read_only=True)
        _check_brought_up(location, clock)


def _check_brought_up(location: str, clock: FrozenClock) -> None:
    for _ in range(2):
        with opened(location, clock) as store:
            assert [memory.text for memory in store.bank("ana").list()] == ["I moved to Lisbon."]
            new = store.access.create("agent")
            assert store.access.token_of(new.secret) == new.token


def test_tokens_survive_the_repair_of_a_damaged_file(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock) as store:
        store.bank("ana").observe([("ana", "I moved to Lisbon.")])
        good, revoked = store.access.create("good"), store.access.create("revoked")
        store.access.revoke(revoked.token.id)
    with closing(sqlite3.connect(path)) as connection:
        [(page,)] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'memory'")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    contents = bytearray(path.read_bytes())
    contents[(page - 1) * 4096 : (page - 1) * 4096 + 200] = b"\xff" * 200
    path.write_bytes(contents)
    with opened(path, clock) as store:
        assert store.doctor(repair=True)
        assert store.access.required
        assert store.access.token_of(good.secret) == good.token
        assert store.access.token_of(revoked.secret) is None


@pytest.mark.parametrize(
    "damage", ["prefixes = 'acme'", "rights = '[\"all\"]'", "created_at = 'x'", f"expires_at = {2**62}", "name = x'ff'"]
)
def test_a_token_that_cant_be_read_lets_nobody_in_and_is_revoked_by_repairing(
    path: Path, clock: FrozenClock, damage: str
) -> None:
    with opened(path, clock) as store:
        new = store.access.create("agent")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE access_token SET {damage}")
        connection.commit()
    with opened(path, clock) as store:
        for use in (lambda: store.access.token_of(new.secret), lambda: store.access.required):
            with pytest.raises(CorruptError):
                use()
        assert store.doctor() == ["1 access tokens can't be read: revoke them by repairing, and make new ones."]
        store.doctor(repair=True)
        assert store.doctor() == []
        assert (store.access.required, store.access.token_of(new.secret)) == (True, None)
