"""Importers: each format in the shape in which it is exported, from samples of the project's own."""

import json
import shutil
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memkit.errors import InputError, UnknownOptionError
from memkit.importers import IMPORT_FORMATS, read_records
from memkit.importers.records import (
    ImportedContent,
    ImportedItem,
    ImportedThought,
    SkippedRecord,
    Source,
    SourceRecord,
)
from memkit.models import Turn
from memkit.storage.sqlite.foreign_tables import read_table

SAMPLES = Path(__file__).parents[2] / "data" / "imports"


def contents(format: str, path: Path, **fields: object) -> list[ImportedContent]:
    records = read_records(format, Source(path, **fields))  # type: ignore[arg-type]
    return [record.content for record in records if isinstance(record, SourceRecord)]


def turns(format: str, path: Path, **fields: object) -> list[Turn]:
    return [content for content in contents(format, path, **fields) if isinstance(content, Turn)]


def reasons(format: str, path: Path) -> Counter[str]:
    return Counter(r.reason for r in read_records(format, Source(path)) if isinstance(r, SkippedRecord))


def said(found: list[Turn]) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in found]


def written(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


# ChatGPT


def test_of_chatgpts_branches_the_turns_are_those_of_the_branch_that_was_kept() -> None:
    allotment = [t for t in turns("chatgpt", SAMPLES / "chatgpt.json") if t.session == "chatgpt:conv-a"]
    assert said(allotment) == [
        ("user", "I rented an allotment by the canal. What can I sow in March?"),
        ("assistant", "Broad beans and peas. Tomatoes wait until the last frost in April."),
        ("user", "This is the plot.\n[image: plot.jpg]"),
        ("assistant", "A sunny plot with a water butt."),
    ]
    assert allotment[0].at == datetime(2025, 3, 4, 9, 30, 1, 250_000, UTC)
    assert allotment[0].metadata == {"imported_from": "chatgpt", "conversation": "Allotment plans"}
    assert [turn.id for turn in allotment] == ["chatgpt:a-1", "chatgpt:a-5", "chatgpt:a-6", "chatgpt:a-7"]


def test_what_was_said_into_a_microphone_is_a_turn() -> None:
    voice = [t for t in turns("chatgpt", SAMPLES / "chatgpt.json") if t.session == "chatgpt:conv-b"]
    assert said(voice)[0] == ("user", "Remind me that my brother Idris lands on Friday.")


def test_all_that_chatgpt_holds_beside_is_left_out_with_its_reason() -> None:
    assert reasons("chatgpt", SAMPLES / "chatgpt.json") == {
        "hidden: instructions and settings": 2,
        "said to or by a tool": 2,
        "a model's reasoning": 1,
        "on a branch that was left": 1,
        "without words": 1,
    }


def test_a_conversation_that_names_no_last_message_goes_to_its_newest_leaf(tmp_path: Path) -> None:
    [first, _] = json.loads((SAMPLES / "chatgpt.json").read_text())
    del first["current_node"]
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([first]))
    assert [turn.id for turn in turns("chatgpt", path)][-1] == "chatgpt:a-7"


def test_a_tree_whose_messages_follow_each_other_in_a_circle_ends(tmp_path: Path) -> None:
    [first, _] = json.loads((SAMPLES / "chatgpt.json").read_text())
    first["mapping"]["a-1"]["parent"] = "a-7"
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([first]))
    assert len(turns("chatgpt", path)) == 4


@pytest.mark.parametrize("format", ["chatgpt", "claude"])
@pytest.mark.parametrize("packed", ["zip", "folder", "parts"])
def test_an_export_is_read_from_its_archive_its_folder_and_in_parts(format: str, packed: str, tmp_path: Path) -> None:
    sample, folder = SAMPLES / f"{format}.json", tmp_path / "export"
    folder.mkdir()
    path = folder
    if packed == "parts":
        for number, conversation in enumerate(json.loads(sample.read_text())):
            (folder / f"conversations-{number:03}.json").write_text(json.dumps([conversation]))
    elif packed == "folder":
        shutil.copy(sample, folder / "conversations.json")
    else:
        path = tmp_path / "export.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(sample, "data/conversations.json")
            archive.writestr("__MACOSX/data/conversations.json", "none")
            archive.writestr("data/user.json", "{}")
    assert turns(format, path) == turns(format, sample)


# Claude


def test_of_claudes_branches_the_turns_are_those_that_end_last() -> None:
    trip = [t for t in turns("claude", SAMPLES / "claude.json") if t.session == "claude:talk-1"]
    assert said(trip) == [
        ("user", "Our choir sings in Ghent on 14 June. I take the train."),
        ("assistant", "A return costs about 40 euros."),
        ("user", "I am allergic to walnuts, tell the hotel.\n[file: menu.txt]\n[file: hotel.pdf]"),
    ]
    assert trip[0].at == datetime(2025, 5, 2, 18, 0, 1, tzinfo=UTC)


def test_a_message_that_follows_one_that_is_missing_follows_the_one_before_it(tmp_path: Path) -> None:
    [trip, *_] = json.loads((SAMPLES / "claude.json").read_text())
    del trip["chat_messages"][2]  # the fourth follows it
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([trip]))
    assert [turn.id for turn in turns("claude", path)] == ["claude:m1", "claude:m2", "claude:m4"]


def test_an_older_export_of_claudes_has_its_words_in_one_piece_and_no_branches() -> None:
    old = [t for t in turns("claude", SAMPLES / "claude.json") if t.session == "claude:talk-3"]
    assert said(old) == [("user", "Which bread keeps longest?"), ("assistant", "Rye bread does.")]


def test_what_claude_said_to_tools_and_what_was_taken_back_is_left_out_with_its_reason() -> None:
    assert reasons("claude", SAMPLES / "claude.json") == {
        "on a branch that was left": 1,
        "said to or by a tool": 1,
        "a conversation without messages": 1,
    }


# lines and tables


def test_a_line_is_a_turn_with_role_and_content_or_speaker_and_text() -> None:
    read = turns("jsonl", SAMPLES / "turns.jsonl", speakers={"user": "Ana"})
    assert said(read)[:2] == [("Mira", "The ferry leaves at 07:15."), ("assistant", "I set an alarm for 06:30.")]
    assert (read[0].id, read[0].session) == ("f1", "ferry")
    assert read[1].at == datetime(2025, 3, 4, 9, 31, 40, tzinfo=UTC)
    assert said(read)[4:] == [("Ana", "My desk is in room 214."), ("assistant", "Room 214, noted.")]
    assert {turn.session for turn in read[4:]} == {"thread-9"}


def test_turns_without_ids_have_those_that_they_had_before_wherever_they_stand(tmp_path: Path) -> None:
    whole = (SAMPLES / "turns.jsonl").read_text()
    path = tmp_path / "longer.jsonl"
    path.write_text('{"speaker": "Mira", "text": "A new first line."}\n' + whole)
    ids, later = ([turn.id for turn in turns("jsonl", file)] for file in (SAMPLES / "turns.jsonl", path))
    assert later[1:] == ids
    assert len(set(ids)) == len(ids)


def test_a_file_that_is_one_array_is_read_as_its_elements(tmp_path: Path) -> None:
    path = tmp_path / "array.json"
    path.write_text('[{"role": "user", "content": "Hello."}]')
    assert said(turns("jsonl", path)) == [("user", "Hello.")]


def test_a_table_is_read_by_the_names_of_its_columns_and_other_columns_are_metadata() -> None:
    [first, second] = turns("csv", SAMPLES / "table.csv", zone="Europe/Lisbon")
    assert (first.speaker, first.text) == ("Mira", "The ferry, the early one, leaves at 07:15.")
    assert first.metadata == {"place": "pier", "imported_from": "csv"}
    assert first.at == datetime(2025, 3, 4, 9, 30, tzinfo=UTC)
    assert second.at == datetime(2025, 3, 4, 9, tzinfo=UTC)
    assert reasons("csv", SAMPLES / "table.csv") == {"a row with more cells than the head": 1, "without words": 1}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_may_have_any_of_the_usual_marks_between_its_cells(delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(delimiter.join(("speaker", "text")) + "\n" + delimiter.join(("Ana", "Hello.")))
    assert said(turns("csv", path)) == [("Ana", "Hello.")]


# notes


def test_a_note_is_a_turn_for_each_section_dated_by_its_front_matter_or_its_name() -> None:
    boat, tasks, day, evening = turns("markdown", SAMPLES / "notes", speakers={"user": "Ana"})
    assert (boat.speaker, boat.text) == ("Mira", "Bought a small boat.")
    assert boat.at == datetime(2024, 5, 1, tzinfo=UTC)
    assert boat.metadata == {
        "imported_from": "markdown",
        "note": "Boat.md",
        "title": "The boat",
        "tags": ["sailing", "repairs"],
    }
    assert tasks.text.startswith("To do\n```sh\n# not a heading")
    assert (day.speaker, day.text) == ("Ana", "Rained all day. Mended the bicycle with Ana.")
    assert day.at == datetime(2024, 3, 9, tzinfo=UTC)
    assert evening.text == "Evening\nCooked lentils."
    assert evening.session == day.session == "markdown:journal/2024-03-09.md"


def test_a_single_note_and_an_archive_of_notes_are_read_too(tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "notes"), "zip", SAMPLES / "notes")
    assert [t.id for t in turns("markdown", Path(archive))] == [t.id for t in turns("markdown", SAMPLES / "notes")]
    assert len(turns("markdown", SAMPLES / "notes" / "Boat.md")) == 2


# other memories


def test_mem0s_memories_are_thoughts_with_what_it_knows_of_them() -> None:
    [first, second] = contents("mem0", SAMPLES / "mem0.json")
    assert isinstance(first, ImportedThought)
    assert isinstance(second, ImportedThought)
    assert first.text == "Works night shifts at the lighthouse"
    assert first.at == datetime(2025, 2, 1, 17, tzinfo=UTC)
    assert first.metadata == {"imported_from": "mem0", "user_id": "kai", "role": "user", "topic": "work"}
    assert second.at == datetime(2025, 3, 2, 17, tzinfo=UTC)
    assert second.metadata["categories"] == ["pets"]
    assert reasons("mem0", SAMPLES / "mem0.json") == {"of a kind that isn't read": 1}


@pytest.mark.parametrize("wrapped", [lambda rows: rows, lambda rows: {"count": 3, "next": None, "results": rows}])
def test_mem0s_memories_are_read_from_a_list_and_from_a_page(
    wrapped: Callable[[object], object], tmp_path: Path
) -> None:
    path = tmp_path / "mem0.json"
    path.write_text(json.dumps(wrapped(json.loads((SAMPLES / "mem0.json").read_text())["results"])))
    assert contents("mem0", path) == contents("mem0", SAMPLES / "mem0.json")


def test_of_mem0s_local_history_comes_what_each_memory_said_last_and_its_messages(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    changes = [
        ("h1", "m1", None, "Plays chess", "ADD", "2025-01-01T10:00:00+00:00", None, 0, None, "user"),
        ("h2", "m2", None, "Owns a kayak", "ADD", "2025-01-01T10:00:00+00:00", None, 0, None, None),
        ("h3", "m1", "Plays chess", "Plays go", "UPDATE", "2025-01-01T10:00:00+00:00", "2025-02-01", 0, None, None),
        ("h4", "m2", "Owns a kayak", None, "DELETE", "2025-01-01T10:00:00+00:00", None, 1, None, None),
    ]
    with closing(sqlite3.connect(path)) as database, database:
        columns = "memory_id, old_memory, new_memory, event, created_at, updated_at, is_deleted, actor_id, role"
        database.execute(f"CREATE TABLE history (id TEXT PRIMARY KEY, {columns})")
        database.executemany(f"INSERT INTO history VALUES ({', '.join('?' * 10)})", changes)
        database.execute("CREATE TABLE messages (id TEXT PRIMARY KEY, session_scope, role, content, name, created_at)")
        row = ("x1", "user_id=kai", "user", "I play go now.", "Kai", "2025-02-01T09:00:00+00:00")
        database.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)", row)
    [thought, turn] = contents("mem0", path, read_table=read_table)
    assert isinstance(thought, ImportedThought)
    assert (thought.id, thought.text, thought.at) == ("mem0:m1", "Plays go", datetime(2025, 2, 1, tzinfo=UTC))
    assert isinstance(turn, Turn)
    assert (turn.speaker, turn.text, turn.session) == ("Kai", "I play go now.", "mem0:user_id=kai")


def test_langgraphs_items_keep_their_values_and_say_in_which_namespace_they_are() -> None:
    records = [r for r in read_records("langgraph", Source(SAMPLES / "langgraph.jsonl")) if isinstance(r, SourceRecord)]
    assert [(r.owner, r.content) for r in records] == [
        (("kai", "memories"), ImportedItem("m1", {"text": "Likes mint tea."})),
        (("kai", "profile"), ImportedItem("profile", {"name": "Kai", "tags": ["night", 3, None]})),
    ]
    left_out = reasons("langgraph", SAMPLES / "langgraph.jsonl")
    assert left_out == {"without a namespace": 1, "of a kind that isn't read": 1}


def test_langgraphs_store_in_sqlite_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE store (prefix, key, value, created_at, updated_at, expires_at, ttl_minutes)")
        row = ("kai.memories", "m1", '{"text": "Likes mint tea."}', "2025-03-01", "2025-03-01", None, 90)
        database.execute("INSERT INTO store VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    [record] = read_records("langgraph", Source(path, read_table=read_table))
    assert record == SourceRecord(ImportedItem("m1", {"text": "Likes mint tea."}, 90), ("kai", "memories"))


def test_of_a_letta_agent_come_the_lines_of_its_blocks_and_what_was_said() -> None:
    [name, boat, *talk] = contents("letta", SAMPLES / "letta.af")
    assert isinstance(name, ImportedThought)
    assert isinstance(boat, ImportedThought)
    assert [name.text, boat.text] == ["Name: Juno", "Keeps a blue sloop"]
    assert name.metadata == {"imported_from": "letta", "block": "human"}
    assert said([turn for turn in talk if isinstance(turn, Turn)]) == [
        ("user", "The harbour master is called Bex."),
        ("assistant", "Bex, noted."),
        ("user", "My berth is number 12."),
        ("assistant", "Berth 12."),
    ]
    assert reasons("letta", SAMPLES / "letta.af") == {
        "an agent's persona": 1,
        "hidden: instructions and settings": 2,
        "said to or by a tool": 1,
    }


def test_an_older_agent_file_holds_one_agent_with_its_blocks(tmp_path: Path) -> None:
    new = json.loads((SAMPLES / "letta.af").read_text())
    path = tmp_path / "old.af"
    path.write_text(json.dumps({**new["agents"][0], "core_memory": new["blocks"], "version": "0.6.47"}))
    assert contents("letta", path) == contents("letta", SAMPLES / "letta.af")


def test_an_episode_of_messages_is_a_turn_for_each_speaker_and_one_of_json_an_item() -> None:
    records = contents("graphiti", SAMPLES / "graphiti.json", speakers={"user": "Juno"})
    assert said([record for record in records if isinstance(record, Turn)]) == [
        ("Juno", "The sloop leaks.\nhttps://example.org/pumps may help."),
        ("assistant", "Which pump do you have?"),
        ("harbour newsletter", "The harbour closes in August."),
        ("Juno", "I sail on Sunday."),
    ]
    assert records[0].at == datetime(2025, 6, 1, 9, tzinfo=UTC)  # type: ignore[union-attr]
    assert records[3] == ImportedItem("graphiti:e-3", {"boat": "sloop", "metres": 7.5})
    assert reasons("graphiti", SAMPLES / "graphiti.json") == {"an episode of JSON that can't be read": 1}


# files as programs write them


@pytest.mark.parametrize(
    ("format", "name", "text"),
    [
        ("mem0", "a.json", '[{"id": "1", "memory": "Likes tea."}]'),
        ("jsonl", "a.jsonl", '{"speaker": "Ana", "text": "Hello."}'),
        ("jsonl", "a.jsonl", '[{"speaker": "Ana", "text": "Hello."}]'),
        ("csv", "a.csv", "speaker,text\r\nAna,Hello.\r\n"),
        ("markdown", "a.md", "---\r\ndate: 2024-01-01\r\n---\r\nHello.\r\n"),
    ],
)
def test_a_byte_order_mark_at_the_beginning_changes_nothing(format: str, name: str, text: str, tmp_path: Path) -> None:
    plain = contents(format, written(tmp_path, name, text.encode()))
    marked = contents(format, written(tmp_path, name, b"\xef\xbb\xbf" + text.encode()))
    assert len(plain) == 1
    assert marked == plain


def test_a_conversation_without_an_id_is_of_no_session(tmp_path: Path) -> None:
    message = {"id": "a", "author": {"role": "user"}, "content": {"content_type": "text", "parts": ["Hello."]}}
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([{"mapping": {"a": {"message": message}}, "current_node": "a"}]))
    assert [turn.session for turn in turns("chatgpt", path)] == [None]


# what can't be read


@pytest.mark.parametrize(
    ("format", "name", "data", "sentence"),
    [
        ("chatgpt", "conversations.json", b'[{"mapping": {', "breaks off or isn't valid"),
        ("chatgpt", "conversations.json", b"<html>", "breaks off or isn't valid"),
        ("chatgpt", "conversations.json", b'["\xff"]', "conversations.json"),
        ("jsonl", "a.jsonl", b'{"speaker": "Ana", "text": "x"}\n{oops', "a.jsonl, line 2: is no JSON"),
        ("jsonl", "a.jsonl", b'{"speaker": "Ana", "text": "\xff"}', "is no UTF-8"),
        ("csv", "a.csv", b"when,place\n1,2\n", "no column tells what was said"),
        ("csv", "a.csv", b"text\nHello\n", "no column tells who said it"),
        ("csv", "a.csv", b"", "no column tells what was said"),
        ("markdown", "a.md", b"\xff\xfe", "is no UTF-8"),
    ],
)
def test_a_file_that_is_not_of_its_format_is_an_error_in_a_sentence(
    format: str, name: str, data: bytes, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=sentence) as failure:
        contents(format, written(tmp_path, name, data))
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("format", ["chatgpt", "claude", "markdown"])
def test_an_archive_without_what_is_read_says_what_to_give(format: str, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("user.json", "{}")
    with pytest.raises(InputError, match=r"export\.zip: holds no"):
        contents(format, path)


def test_a_damaged_archive_says_so(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(SAMPLES / "chatgpt.json", "conversations.json")
    data = bytearray(path.read_bytes())
    data[100:140] = b"\0" * 40
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        contents("chatgpt", path)


def test_a_format_that_does_not_exist_names_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(UnknownOptionError, match="chatgpt, claude, jsonl"):
        read_records("diary", Source(tmp_path))


@pytest.mark.parametrize("format", IMPORT_FORMATS)
def test_a_file_that_is_not_there_is_an_error_that_names_it(format: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        contents(format, tmp_path / "missing.json")


STRANGE_VALUES: list[object] = [
    None, 7, "words", [], {}, [None, 7, "x", [], {"mapping": {"a": 3}}],
    [{"mapping": {"a": {"message": {"author": 3, "content": 4, "metadata": 5}}}, "current_node": 9}],
    [{"chat_messages": [3, {"sender": "human", "text": None, "content": 3, "uuid": 4, "created_at": []}]}],
    [{"chat_messages": [{"uuid": [1], "parent_message_uuid": {}}, {"uuid": {}, "parent_message_uuid": [2]}]}],
    {"results": [3, {"id": 1, "memory": 4}, {"id": 1, "memory": "x", "created_at": []}]},
    [{"namespace": [3], "key": 4}, {"namespace": "a", "key": "b", "value": 1, "ttl_minutes": "x"}],
    {"agents": [3, {"messages": [3, {"role": "user", "content": "{", "tool_calls": 3}]}], "blocks": [3, {"value": 4}]},
    {"episodes": [3, {"uuid": "a", "content": "b: c", "source": "message", "valid_at": {}, "role_type": []}]},
    [{"role": 3, "content": {"type": "text"}}, {"speaker": {}, "text": "x", "at": True, "id": [1]}],
]  # fmt: skip


@pytest.mark.parametrize("value", STRANGE_VALUES, ids=str)
@pytest.mark.parametrize("format", [format for format in IMPORT_FORMATS if format not in ("csv", "markdown")])
def test_json_of_any_other_shape_gives_turns_or_reasons_and_no_crash(
    format: str, value: object, tmp_path: Path
) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(value))
    list(read_records(format, Source(path)))
