"""Access tokens from the command line: the secret is shown once, and never again."""

from pathlib import Path

import pytest
from command_line import Cli, command_line

import memkit
from memkit.encoders.hashing import HashingEncoder


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, path: Path) -> Cli:
    return command_line(capfd, monkeypatch, str(path))


def test_the_secret_alone_is_on_stdout_and_counts(cli: Cli, path: Path) -> None:
    said = cli("access", "create", "ci", "--under", "acme", "--under", "beta/ana", "--right", "read")
    assert said.code == 0
    assert "can't be shown again" in said.err
    with memkit.open(path, encoder=HashingEncoder()) as store:
        token = store.access.token_of(said.out.strip())
    assert token is not None
    assert (token.prefixes, token.rights) == ((("acme",), ("beta", "ana")), ("read",))


def test_tokens_are_listed_without_secrets_and_revoked_by_id(cli: Cli) -> None:
    new = cli("access", "create", "agent", "--expires", "2999-01-01", "--json").json
    id, secret = new["token"]["id"], new["secret"]
    listed = cli("access", "list")
    assert secret not in listed.out
    assert all(word in listed.out for word in (id, "agent", "all banks", "read, write", "2999-01-01 00:00", "valid"))
    assert cli("access", "revoke", id, "--json").json["revoked_at"]
    assert "revoked" in cli("access", "list").out
    assert [token["id"] for token in cli("access", "list", "--json").json] == [id]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "x", "--right", "all"), "known are read, write, erase, admin"),
        (("create", "x", "--under", ""), "1 to"),
        (("create", "x", "--expires", "soon"), "no date or time"),
        (("create", "x", "--expires", "2020-01-01"), "past"),
        (("revoke", "nobody"), "no such database"),
        (("list",), "no such database"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    said = cli("access", *arguments)
    assert said.code == 1
    assert words in " ".join(said.err.split())
    assert said.out == ""


def test_there_may_be_no_tokens_yet(cli: Cli, path: Path) -> None:
    memkit.open(path, encoder=HashingEncoder()).close()
    assert "There are no access tokens." in cli("access", "list").out
