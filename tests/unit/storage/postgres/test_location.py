"""Claims about the URL of a database on a server."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from memkit.errors import InputError, UnknownOptionError
from memkit.storage.postgres.errors import translation
from memkit.storage.postgres.location import Location

URL = "postgresql://ana:s3cret@db.example/memory"


def test_options_of_memkits_are_taken_out_and_all_others_are_libpqs() -> None:
    location = Location.parse(f"{URL}?schema=agents&pool=3&prepare=off&partitions=4&sslmode=require&connect_timeout=5")
    assert (location.schema, location.pool, location.prepare, location.partitions) == ("agents", 3, False, 4)
    given = conninfo_to_dict(location.url)
    assert (given["sslmode"], given["connect_timeout"], given["password"]) == ("require", "5", "s3cret")
    assert "pool" not in given


@pytest.mark.parametrize("value", ["-c statement_timeout=5s", "a+b", "50%", "ä&=?#"])
def test_a_value_reaches_libpq_as_it_was_meant(value: str) -> None:
    quoted = "".join(f"%{byte:02X}" for byte in value.encode())
    assert conninfo_to_dict(Location.parse(f"{URL}?options={quoted}").url)["options"] == value


def test_a_plus_in_a_value_is_a_plus_as_libpq_reads_it() -> None:
    assert conninfo_to_dict(Location.parse(f"{URL}?application_name=a+b").url)["application_name"] == "a+b"


@pytest.mark.parametrize("option", ["shema=agents", "pool=0", "pool=x", "partitions=-1", "prepare=maybe", "schema=a;b"])
def test_an_unknown_option_or_value_is_named_and_nothing_of_the_password(option: str) -> None:
    with pytest.raises(UnknownOptionError, match=option.partition("=")[0]) as raised:
        Location.parse(f"{URL}?{option}")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("url", ["postgresql://u:50%off-s3cret@h/db", "postgresql://u:s3cret@[::1/db"])
def test_a_url_that_libpq_cannot_read_is_told_so_without_its_password(url: str) -> None:
    with pytest.raises(InputError, match="libpq") as raised:
        Location.parse(url)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("bad value for connect_timeout: 's3cret'", "connect_timeout"),
        ('invalid sslmode value: "s3cret"', "sslmode"),
        ('invalid port number: "s3cret"', "port"),
        ('invalid integer value "s3cret" for connection option "keepalives_idle"', "keepalives_idle"),
    ],
)
def test_a_value_that_libpq_refuses_is_told_by_its_options_name(words: str, option: str) -> None:
    error = translation(psycopg.OperationalError(words), "place")
    assert isinstance(error, InputError)
    assert option in str(error)
    assert "s3cret" not in str(error)
