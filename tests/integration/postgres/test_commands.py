"""Every command takes a server's URL, and never shows its password."""

import json
from pathlib import Path

import pytest
from command_line import Cli, command_line
from postgres_server import server

TURNS = [
    {"id": "t1", "speaker": "Ana", "text": "I moved to Lisbon in May 2024.", "at": "2025-03-01T09:00:00+00:00"},
    {"id": "t2", "speaker": "Ana", "text": "My sister Rita visits on Thursday.", "at": "2025-03-02T09:00:00+00:00"},
]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return command_line(capfd, monkeypatch, server().new_database())


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.jsonl"
    path.write_text("".join(json.dumps(turn) + "\n" for turn in TURNS))
    return path


def test_a_bank_is_filled_asked_kept_and_erased_from_the_shell(cli: Cli, talk: Path, tmp_path: Path) -> None:
    secret, shown = server().password, []

    def done(*arguments: str | Path, code: int = 0) -> str:
        said = cli(*arguments)
        shown.append(said.out + said.err)
        assert said.code == code, shown[-1]
        return said.out

    done("observe", talk, "acme/ana", "--encoder", "hashing")
    assert "acme/ana" in done("banks")
    assert "Rita" in done("recall", "acme/ana", "Who visits?")
    done("think", "acme/ana")
    done("maintain", "--budget", "5")
    assert "Lisbon" in done("show", "acme/ana")
    assert "healthy" in done("doctor")
    done("stats")
    done("export", tmp_path / "banks.jsonl")
    assert "memories are gone" in done("erase", "acme/ana", "--id", "t1", "--yes")
    done("purge")
    assert "can't tell" in done("receipts")
    assert "healthy" in done("doctor")
    for command in (["backup", tmp_path / "x.db"], ["restore", talk, "--yes"]):
        done(*command, code=1)
        assert "PostgreSQL's" in shown[-1]
    assert [text for text in shown if secret in text] == []


def test_what_export_wrote_is_loaded_into_a_database_with_the_files_encoder(
    cli: Cli, talk: Path, tmp_path: Path
) -> None:
    file, first, second = tmp_path / "banks.jsonl", tmp_path / "first.db", server().new_database()
    assert cli("observe", talk, "acme/ana", "--encoder", "hashing", "--db", first).code == 0
    assert cli("export", file, "--db", first).code == 0
    assert cli("load", file, "--db", second).code == 0
    assert cli("stats", "--json", "--db", second).json["encoder"]["name"].startswith("hashing")
    assert "0 new memories" in cli("load", file, "--db", second).out


def test_a_server_that_is_not_there_is_told_in_one_sentence(cli: Cli) -> None:
    said = cli("banks", "--db", "postgresql://ana:s3cret@127.0.0.1:1/memory")
    assert (said.code, said.out) == (1, "")
    assert "can't be reached" in said.err
    assert "s3cret" not in said.err
