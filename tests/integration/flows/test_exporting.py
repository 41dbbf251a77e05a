"""Export as files: what people, note apps and other programs read of a bank."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import memkit
from memkit.errors import InputError, UnknownOptionError
from memkit.flows.portability.notes import MAX_NAME_BYTES, file_name

DAY = datetime(2025, 3, 4, 23, 30, tzinfo=UTC)


@pytest.fixture
def filled(store: memkit.MemoryStore) -> memkit.MemoryBank:
    bank = store.bank("acme", "ana", zone="Europe/Madrid")
    bank.observe(
        [
            memkit.Turn("# No heading\nI live in Cádiz.", "Ana", role="user", at=DAY, id="t1", session="s"),
            memkit.Turn("By the sea, then.", "Bo", role="assistant", at=DAY, id="t2", session="s"),
            memkit.Turn("My old code was quetzal.", "Ana", role="user", at=DAY, id="t3", session="s"),
        ]
    )
    bank.forget("t3", reason="asked for")
    bank.insert("Ana lives in Cádiz.")
    bank.put("anthropic:x", {"memory_path": "/memories/plans/trip.md", "text": "# Trip\nTo Ronda."}, index=False)
    bank.put("anthropic:y", {"memory_path": "/memories/../../out", "text": "Stays inside, too."}, index=False)
    bank.put("profile", {"name": "Ana"}, index=False)
    bank.put("../../escape", "Stays inside.", index=False)
    bank.reflect()
    return bank


def files_in(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text("utf-8") for p in folder.rglob("*") if p.is_file()}


def test_notes_hold_days_on_the_banks_clocks_beliefs_summaries_and_items(
    store: memkit.MemoryStore, filled: memkit.MemoryBank, tmp_path: Path
) -> None:
    report = store.export_as("markdown", tmp_path / "notes", prefix=("acme",))
    files = files_in(tmp_path / "notes")
    assert report.files == ((("acme", "ana"), len(files)),)
    day = files["Days/2025-03-05.md"]
    assert day.startswith('---\nbank: "acme/ana"\ndate: 2025-03-05\n---\n\n# 2025-03-05\n')
    assert "**Ana** 00:30\n> # No heading\n> I live in Cádiz.\n" in day
    assert "- Ana lives in Cádiz." in files["Beliefs.md"]
    assert "Summaries/2025-03-05.md" in files
    assert '"name": "Ana"' in files["Items/profile.md"]


def test_what_was_forgotten_is_in_no_file(store: memkit.MemoryStore, filled: memkit.MemoryBank, tmp_path: Path) -> None:
    out = tmp_path / "out"
    store.export_as("markdown", out / "notes")
    store.export_as("memory-tool", out / "tool")
    store.export_as("jsonl", out / "turns.jsonl")
    files = files_in(out)
    assert len(files) > 5
    assert [name for name, text in files.items() if "quetzal" in text] == []


def test_a_memory_tools_files_lie_at_their_places_beside_what_the_bank_has_made(
    store: memkit.MemoryStore, filled: memkit.MemoryBank, tmp_path: Path
) -> None:
    store.export_as("memory-tool", tmp_path / "tool")
    files = files_in(tmp_path / "tool")
    assert files["plans/trip.md"] == "# Trip\nTo Ronda."
    assert files[f"{file_name('..')}/{file_name('..')}/out"] == "Stays inside, too."
    assert json.loads(files["items/profile.json"]) == {"name": "Ana"}
    assert files[f"items/{file_name('../../escape')}.txt"] == "Stays inside."
    assert "- Ana lives in Cádiz." in files["memkit/beliefs.md"]
    assert files["memkit/portrait.md"].strip()
    assert "memkit/summaries/2025-03-05.md" in files


def test_any_json_that_an_item_holds_can_be_written(store: memkit.MemoryStore, tmp_path: Path) -> None:
    store.bank("ana").put("half", ["\u2028", "\0"], index=False)
    for format in ("markdown", "memory-tool"):
        store.export_as(format, tmp_path / format)  # type: ignore[arg-type]
    assert "items/half.json" in files_in(tmp_path / "memory-tool")


def test_turns_as_lines_come_back_as_they_were(
    store: memkit.MemoryStore, filled: memkit.MemoryBank, tmp_path: Path
) -> None:
    report = store.export_as("jsonl", tmp_path / "turns.jsonl")
    assert report.turns == 2
    store.import_from("jsonl", tmp_path / "turns.jsonl", bank=("copy",))
    fields = ("id", "text", "speaker", "role", "occurred_at", "session")
    before, after = (
        [[getattr(memory, name) for name in fields] for memory in bank.list(["turn"], order="occurred_at")]
        for bank in (filled, store.bank("copy"))
    )
    assert after == before


def test_several_banks_have_a_folder_each_and_lines_are_of_one_bank(
    store: memkit.MemoryStore, filled: memkit.MemoryBank, tmp_path: Path
) -> None:
    store.bank("acme", "bo").observe([("Bo", "Hello there.")])
    store.export_as("markdown", tmp_path / "notes")
    assert {path.name for path in (tmp_path / "notes").iterdir()} == {"acme%2Fana", "acme%2Fbo"}
    with pytest.raises(InputError, match="Name one of 2: acme/ana, acme/bo"):
        store.export_as("jsonl", tmp_path / "turns.jsonl")


def test_a_folder_that_holds_something_is_left_alone(
    store: memkit.MemoryStore, filled: memkit.MemoryBank, tmp_path: Path
) -> None:
    (tmp_path / "notes").mkdir()
    store.export_as("markdown", tmp_path / "notes")
    with pytest.raises(InputError, match="isn't an empty folder"):
        store.export_as("markdown", tmp_path / "notes")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("notes")) == ["notes"]


def test_an_unknown_format_and_a_bank_that_is_not_there_are_errors(store: memkit.MemoryStore, tmp_path: Path) -> None:
    with pytest.raises(UnknownOptionError, match="known are markdown, jsonl, memory-tool"):
        store.export_as("pdf", tmp_path / "x")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no bank under acme"):
        store.export_as("markdown", tmp_path / "x", prefix=("acme",))


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "c:\\d", " x ", "ñ" * 500, "a" * 500, "\n", "%2F", "con?"])
def test_any_text_is_a_file_name_within_its_folder(text: str, tmp_path: Path) -> None:
    name = file_name(text)
    file = tmp_path / f"{name}.md"
    file.write_text("x")
    assert file.parent.resolve() == tmp_path.resolve()
    assert len(name.encode()) <= MAX_NAME_BYTES + 13
    assert not set(name) & set('/\\:*?"<>|\n')
