"""Claims about locations of databases."""

import pytest

import memkit
from memkit.errors import StorageError
from memkit.storage.locations import is_server, public_name

URL = "postgresql://ana:s3cret@db.example:5433/memory?sslpassword=s3cret&schema=agents"


@pytest.mark.parametrize("location", [URL, "postgres://localhost", "PostgreSQL:///memory"])
def test_a_url_of_postgresql_is_a_server(location: str) -> None:
    assert is_server(location)


@pytest.mark.parametrize("location", ["memory.db", ":memory:", "postgres", "postgresql:/x", "a/postgresql://b", ""])
def test_everything_else_is_a_file(location: str) -> None:
    assert not is_server(location)


def test_a_url_is_shown_without_password_and_options() -> None:
    assert public_name(URL) == "postgresql://ana@db.example:5433/memory"
    assert public_name("postgres:///memory?password=s3cret") == "postgres:///memory"
    for password in ("p@ss:w@rd", "p@ss/w", "a?b@c", "#1"):
        assert "ss" not in public_name(f"postgres://ana:{password}@host/db").replace("postgres", "")
    assert public_name("postgres://ana:p@ss:w@rd@host/db") == "postgres://ana@host/db"
    assert public_name("postgres://ana:p@ss/w@host/db") == "postgres://ana@host/db"
    assert public_name("folder/memory.db") == "folder/memory.db"


def test_what_a_server_does_itself_is_refused_with_its_way_and_without_the_password() -> None:
    with pytest.raises(StorageError, match="pg_restore") as restoring:
        memkit.restore("backup.db", URL)
    with pytest.raises(StorageError, match="go back to a backup") as repairing:
        memkit.repair(URL)
    assert "s3cret" not in f"{restoring.value} {repairing.value}"
