"""Import: what comes into banks, what is there already, and that nothing of a broken file is stored."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError
from memkit.flows.erasure.fingerprints import ERASED_REASON
from memkit.importers import ImportFormat

SAMPLES = Path(__file__).parents[2] / "data" / "imports"
SAMPLE_FILES: dict[ImportFormat, str] = {
    "chatgpt": "chatgpt.json",
    "claude": "claude.json",
    "jsonl": "turns.jsonl",
    "csv": "table.csv",
    "markdown": "notes",
    "mem0": "mem0.json",
    "letta": "letta.af",
    "graphiti": "graphiti.json",
}


def texts(bank: memkit.MemoryBank) -> list[str]:
    return [memory.text for memory in bank.list(order="occurred_at")]


def written(path: Path, rows: Iterator[dict[str, object]]) -> Path:
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


@pytest.mark.parametrize("format", SAMPLE_FILES)
def test_importing_again_adds_nothing_and_says_that_all_is_there(
    store: memkit.MemoryStore, format: ImportFormat
) -> None:
    path = SAMPLES / SAMPLE_FILES[format]
    first = store.import_from(format, path, bank=("acme", "ana"))
    change = store.stats()["banks"]
    again = store.import_from(format, path, bank=("acme", "ana"))
    assert sum(first.new.values()) > 0
    assert (again.new, again.present) == ({}, sum(first.new.values()))
    assert again.skipped == first.skipped
    assert store.stats()["banks"] == change


@pytest.mark.parametrize("format", SAMPLE_FILES)
def test_a_dry_run_says_what_the_import_then_does_and_stores_nothing(
    store: memkit.MemoryStore, format: ImportFormat
) -> None:
    path = SAMPLES / SAMPLE_FILES[format]
    dry = store.import_from(format, path, bank=("acme", "ana"), dry_run=True)
    assert store.banks() == []
    wet = store.import_from(format, path, bank=("acme", "ana"))
    assert dry.model_copy(update={"dry_run": False}) == wet


@pytest.mark.parametrize("format", SAMPLE_FILES)
def test_whatever_was_imported_says_from_where(store: memkit.MemoryStore, format: ImportFormat) -> None:
    store.import_from(format, SAMPLES / SAMPLE_FILES[format], bank=("acme", "ana"))
    bank = store.bank("acme", "ana")
    turns_and_thoughts = bank.list(kinds=["turn", "thought"])
    assert len(bank.list(where={"imported_from": format})) == len(turns_and_thoughts) > 0


def test_what_was_imported_is_recalled_under_the_name_of_who_said_it(store: memkit.MemoryStore) -> None:
    store.import_from("chatgpt", SAMPLES / "chatgpt.json", bank=("noor",), speakers={"user": "Noor"})
    [hit, *_] = store.bank("noor").recall("Who lands on Friday?", speaker="Noor")
    assert "Idris" in hit.memory.text
    assert [turn.speaker for turn in store.bank("noor").session("chatgpt:conv-b")] == ["Noor", "assistant"]


def test_a_conversation_that_went_on_brings_in_its_new_turns_alone(store: memkit.MemoryStore, tmp_path: Path) -> None:
    store.import_from("chatgpt", SAMPLES / "chatgpt.json", bank=("noor",))
    conversations = json.loads((SAMPLES / "chatgpt.json").read_text())
    node = {"id": "b-4", "parent": "b-2", "children": [], "message": conversations[1]["mapping"]["b-1"]["message"]}
    node["message"] = {**node["message"], "id": "b-4", "content": {"content_type": "text", "parts": ["Thank you."]}}
    conversations[1]["mapping"]["b-4"] = node
    conversations[1]["current_node"] = "b-4"
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(conversations))
    report = store.import_from("chatgpt", path, bank=("noor",))
    assert (report.new, report.present) == ({"turn": 1}, 6)


def test_other_content_under_an_id_that_is_there_is_refused_and_what_is_there_stays(
    store: memkit.MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "turns.jsonl"
    path.write_text('{"speaker": "Ana", "text": "The tram is late.", "id": "t1"}\n')
    store.import_from("jsonl", path, bank=("ana",))
    path.write_text('{"speaker": "Ana", "text": "The tram is early.", "id": "t1"}\n')
    report = store.import_from("jsonl", path, bank=("ana",))
    assert report.refused == {"other content under an id that is already stored": 1}
    assert texts(store.bank("ana")) == ["The tram is late."]


def test_of_a_file_that_breaks_off_nothing_is_stored(store: memkit.MemoryStore, tmp_path: Path) -> None:
    rows = ({"speaker": "Ana", "text": f"Line {n}."} for n in range(1_200))
    path = written(tmp_path / "turns.jsonl", rows)
    path.write_text(path.read_text() + '{"speaker": "Ana", "te')
    with pytest.raises(InputError, match="line 1201: is no JSON"):
        store.import_from("jsonl", path, bank=("ana",))
    assert store.banks() == []


def test_erased_turns_that_come_again_are_left_out_where_a_key_knows_them(tmp_path: Path) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), erasure_key=b"k" * 16) as store:
        store.import_from("jsonl", SAMPLES / "turns.jsonl", bank=("ana",))
        store.bank("ana").erase(ids=["f1"])
        report = store.import_from("jsonl", SAMPLES / "turns.jsonl", bank=("ana",))
        assert report.new == {}
        assert report.skipped[ERASED_REASON] == 1


def test_erased_turns_do_not_come_again_where_their_ids_are_the_files_own(store: memkit.MemoryStore) -> None:
    store.import_from("jsonl", SAMPLES / "turns.jsonl", bank=("ana",))
    store.bank("ana").erase(ids=["f1"])
    for dry_run in (True, False):
        report = store.import_from("jsonl", SAMPLES / "turns.jsonl", bank=("ana",), dry_run=dry_run)
        assert (report.new, report.skipped[ERASED_REASON], report.perhaps_erased) == ({}, 1, 0)
    assert "f1" not in [turn.id for turn in store.bank("ana").list()]


def test_erased_thoughts_do_not_come_again_where_their_ids_are_the_files_own(store: memkit.MemoryStore) -> None:
    store.import_from("mem0", SAMPLES / "mem0.json", bank=("ana",), split=True)
    bank = store.bank(*store.banks()[0])
    thought = bank.list(kinds=["thought"])[0]
    bank.erase(ids=[thought.id])
    report = store.import_from("mem0", SAMPLES / "mem0.json", bank=("ana",), split=True)
    assert (report.new, report.skipped[ERASED_REASON]) == ({}, 1)


def test_turns_of_an_export_that_were_erased_do_not_come_again(store: memkit.MemoryStore, tmp_path: Path) -> None:
    bank = store.bank("ana")
    bank.observe([("Ana", "The tram is late."), ("Bo", "So is the bus.")])
    store.export_as("jsonl", tmp_path / "turns.jsonl", prefix=("ana",))
    bank.erase(ids=[bank.list()[0].id])
    report = store.import_from("jsonl", tmp_path / "turns.jsonl", bank=("ana",))
    assert (report.new, report.present, report.skipped) == ({}, 1, {ERASED_REASON: 1})


def test_it_is_told_how_many_came_in_that_nobody_can_know_for_erased_ones(
    store: memkit.MemoryStore, tmp_path: Path
) -> None:
    path = written(tmp_path / "turns.jsonl", ({"speaker": "Ana", "text": f"Line {n}."} for n in range(3)))
    assert store.import_from("jsonl", path, bank=("ana",)).perhaps_erased == 0
    store.bank("ana").erase(ids=[store.bank("ana").list()[0].id])
    report = store.import_from("jsonl", path, bank=("ana",))
    assert (report.new, report.perhaps_erased) == ({"turn": 1}, 1)


def test_progress_is_told_in_pieces_of_all_that_the_file_holds(store: memkit.MemoryStore, tmp_path: Path) -> None:
    rows = ({"speaker": "Ana", "text": f"Line {n}."} for n in range(1_200))
    told: list[tuple[int, int]] = []
    path = written(tmp_path / "turns.jsonl", rows)
    store.import_from("jsonl", path, bank=("ana",), progress=lambda *pair: told.append(pair))
    assert told == [(500, 1200), (1000, 1200), (1200, 1200)]


def test_a_file_is_read_piece_by_piece_whatever_its_size(store: memkit.MemoryStore, tmp_path: Path) -> None:
    conversation = json.loads((SAMPLES / "claude.json").read_text())[0]
    text = json.dumps({**conversation, "summary": "x" * 20_000})
    path = tmp_path / "conversations.json"
    path.write_text("[" + ",".join([text] * 1_000) + "]")
    tracemalloc.start()
    store.import_from("claude", path, bank=("ana",), dry_run=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 20_000_000
    assert peak < 4_000_000


def test_namespaces_of_langgraph_are_banks_and_a_value_that_changed_takes_the_others_place(
    store: memkit.MemoryStore, tmp_path: Path
) -> None:
    first = store.import_from("langgraph", SAMPLES / "langgraph.jsonl")
    assert store.banks() == [("kai", "memories"), ("kai", "profile")]
    item = store.bank("kai", "memories").get_item("m1")
    assert item is not None
    assert item.value == {"text": "Likes mint tea."}
    path = tmp_path / "later.jsonl"
    path.write_text((SAMPLES / "langgraph.jsonl").read_text().replace("mint tea", "rooibos"))
    later = store.import_from("langgraph", path)
    assert (first.new, later.new, later.present) == ({"item": 2}, {"item": 1}, 1)


def test_what_belongs_to_several_people_never_ends_in_one_bank(store: memkit.MemoryStore, tmp_path: Path) -> None:
    path = tmp_path / "mem0.json"
    rows = [{"id": name, "memory": f"{name} likes rain", "user_id": name} for name in ("kai", "juno")]
    path.write_text(json.dumps(rows))
    with pytest.raises(InputError, match=r"2 owners, among them kai, juno\. .*--split"):
        store.import_from("mem0", path, bank=("acme",))
    assert store.banks() == []
    store.import_from("mem0", path, bank=("acme",), split=True)
    assert store.banks() == [("acme", "juno"), ("acme", "kai")]


def test_mem0s_thoughts_are_recalled_and_believed(store: memkit.MemoryStore) -> None:
    store.import_from("mem0", SAMPLES / "mem0.json", bank=("kai",))
    [hit, *_] = store.bank("kai").recall("What are the goats called?")
    assert (hit.memory.kind, hit.memory.author) == ("thought", "import")
    assert "Nutmeg" in hit.memory.text


def test_a_memory_that_mem0_changed_supersedes_what_was_imported_of_it_before(
    store: memkit.MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "mem0.json"
    bank = store.bank("kai")
    for text in ("Plays chess", "Plays go", "Plays go", "Plays bridge", "Plays bridge"):
        path.write_text(json.dumps([{"id": "m1", "memory": text}]))
        report = store.import_from("mem0", path, bank=("kai",))
    assert (report.new, report.present) == ({}, 1)
    assert texts(bank) == ["Plays bridge"]
    assert [memory.text for memory in bank.list(states=["superseded"])] == ["Plays chess", "Plays go"]
    bank.forget(bank.list()[0].id, reason="asked for")
    store.import_from("mem0", path, bank=("kai",))
    assert texts(bank) == []


def test_the_same_id_twice_in_a_file_is_a_repeat_or_refused(store: memkit.MemoryStore, tmp_path: Path) -> None:
    said = ("The tram is late.", "The tram is late.", "The tram is early.")
    rows = ({"speaker": "Ana", "text": text, "id": "t1"} for text in said)
    report = store.import_from("jsonl", written(tmp_path / "turns.jsonl", rows), bank=("ana",))
    assert (report.new, report.present, sum(report.refused.values())) == ({"turn": 1}, 1, 1)
    assert texts(store.bank("ana")) == ["The tram is late."]


def test_an_item_that_can_not_be_stored_keeps_no_other_out(store: memkit.MemoryStore, tmp_path: Path) -> None:
    values = ({"key": key, "value": value} for key, value in (("a", 1), ("b", "x" * 16_000_001), ("c", 3)))
    path = written(tmp_path / "items.jsonl", ({"namespace": ["kai"], **row} for row in values))
    report = store.import_from("langgraph", path)
    assert (report.new, sum(report.refused.values())) == ({"item": 2}, 1)
