"""`memkit import`: the report of what came in and what didn't, for people and for programs."""

from pathlib import Path

import pytest
from command_line import Cli, command_line

SAMPLES = Path(__file__).parents[2] / "data" / "imports"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, db: Path) -> Cli:
    return command_line(capfd, monkeypatch, str(db))


def test_an_import_says_what_came_in_what_did_not_and_why(cli: Cli, db: Path) -> None:
    said = cli("import", "chatgpt", SAMPLES / "chatgpt.json", "acme/noor", "--user", "Noor", "--encoder", "hashing")
    assert said.code == 0
    assert "6 new memories came from" in said.out
    assert "on a branch that was left" in said.out
    shown = cli("show", "acme/noor", "--where", "imported_from=chatgpt", "--json")
    assert {memory["speaker"] for memory in shown.json} == {"Noor", "assistant"}
    again = cli("import", "chatgpt", SAMPLES / "chatgpt.json", "acme/noor")
    assert "0 new memories" in again.out


def test_an_import_leaves_out_what_was_erased_where_ids_are_the_files_own(cli: Cli) -> None:
    cli("import", "chatgpt", SAMPLES / "chatgpt.json", "acme/noor", "--encoder", "hashing")
    for memory in cli("show", "acme/noor", "--json").json:
        cli("erase", "acme/noor", "--id", memory["id"], "--yes")
    again = cli("import", "chatgpt", SAMPLES / "chatgpt.json", "acme/noor")
    assert again.code == 0
    assert "0 new memories" in again.out
    assert "was erased on request" in again.out


def test_an_import_tells_how_many_came_in_that_may_have_been_erased(cli: Cli) -> None:
    first = cli("import", "csv", SAMPLES / "table.csv", "acme/ana", "--encoder", "hashing")
    assert "erasure_key" not in first.err
    cli("erase", "acme/ana", "--id", cli("show", "acme/ana", "--json").json[0]["id"], "--yes")
    again = cli("import", "csv", SAMPLES / "table.csv", "acme/ana")
    assert "1 of them have no ids in the file" in again.err


def test_a_dry_run_makes_no_database(cli: Cli, db: Path) -> None:
    said = cli("import", "jsonl", SAMPLES / "turns.jsonl", "acme/ana", "--dry-run")
    assert said.code == 0
    assert "6 new memories would come from" in said.out
    assert not db.exists()


def test_an_import_speaks_to_programs(cli: Cli) -> None:
    said = cli("import", "csv", SAMPLES / "table.csv", "--encoder", "hashing", "--json")
    assert said.json["new"] == {"turn": 2}
    assert said.json["banks"] == [["csv"]]
    assert said.json["skipped"]["without words"] == 1


def test_a_wrong_file_and_a_wrong_format_are_a_sentence_each(cli: Cli, tmp_path: Path) -> None:
    wrong = cli("import", "chatgpt", SAMPLES / "turns.jsonl", "--encoder", "hashing")
    assert wrong.code == 1
    assert len(wrong.err.strip().splitlines()) == 1
    unknown = cli("import", "diary", SAMPLES / "turns.jsonl")
    assert unknown.code == 1
    assert "known are chatgpt, claude" in unknown.err


def test_an_import_of_nothing_is_told_by_its_exit_code(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.touch()
    said = cli("import", "jsonl", path, "--encoder", "hashing")
    assert said.code == 3
    assert "Nothing came in" in said.out
    other = cli("import", "chatgpt", SAMPLES / "claude.json", "--encoder", "hashing")
    assert other.code == 3
    assert "a conversation without messages" in other.out


def test_an_export_for_reading_says_where_it_lies(cli: Cli, tmp_path: Path) -> None:
    cli("import", "jsonl", SAMPLES / "turns.jsonl", "acme/ana", "--encoder", "hashing")
    notes = cli("export", tmp_path / "notes", "acme/ana", "--as", "markdown")
    assert notes.code == 0
    assert "files are in" in notes.out
    lines = cli("export", tmp_path / "turns.jsonl", "acme/ana", "--as", "jsonl", "--json")
    assert lines.json["turns"] == 6
    assert cli("export", tmp_path / "x", "--as", "pdf").code == 1
