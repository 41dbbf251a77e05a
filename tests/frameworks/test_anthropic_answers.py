"""The memory tool's answers, word for word: as the tool documents them, and beside the SDK's own tool over files."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from anthropic.lib.tools import ToolError
from anthropic.tools.memory import BetaLocalFilesystemMemoryTool
from memkit_adapters.anthropic import AsyncMemkitMemoryTool, MemkitMemoryTool

import memkit
from memkit.encoders.hashing import HashingEncoder

pytestmark = pytest.mark.frameworks
NOTE = "/memories/ana.md"
Command = dict[str, Any]
PLAIN_PATHS = [
    f"/memories{rest}"
    for rest in ("/a", "/a/b", "/a/b/c", "/a.md", "/über b.md", "/d/.x", "/.h/y", "/d/e/f/g", "/d", "")
]
ODD_PATHS = [
    "/memories/", "/memories//a", "/memories/./a.md", "/memories/d/../a", "/memories/a/..", "/memories/..",
    "/memories/../etc", "/memories/a.md/", "/etc/a", "memories/a", "", "/memories/a/../../x",
]  # fmt: skip
TEXTS = [
    "",
    "\n",
    "a",
    "a\nb\na",
    "one\ntwo\n\nthree\r\nfour\n",
    "\ttab\u2028 é \U0001f40d\n\n",
    "x" * 1024,
    "x\n" * 777,
]
MIN_ANSWER_KINDS = 20
PARTS = ["a", "b\n", "two", "\n", "x", "é", "", "not there", "aa"]


def answer(tool: Any, command: str, **fields: Any) -> str:
    """What the model gets: the answer, or the error's text."""
    try:
        return str(tool.call({"command": command, **fields}))
    except ToolError as error:
        return f"error: {error.content}"


def random_command(random: Random) -> Command:
    """A command that makes sense more often than not."""
    paths = ODD_PATHS if random.random() < 0.1 else PLAIN_PATHS
    chosen: dict[str, Command] = {
        "create": {"path": random.choice(paths), "file_text": random.choice(TEXTS)},
        "view": {
            "path": random.choice(paths),
            "view_range": [random.randint(-2, 6) for _ in range(random.choice([0, 1, 2, 2]))],
        },
        "str_replace": {"path": random.choice(paths), "old_str": random.choice(PARTS), "new_str": random.choice(TEXTS)},
        "insert": {
            "path": random.choice(paths),
            "insert_line": random.randint(-1, 5),
            "insert_text": random.choice(TEXTS),
        },
        "delete": {"path": random.choice(paths)},
        "rename": {"old_path": random.choice(paths), "new_path": random.choice(paths)},
    }
    [name] = random.choices(list(chosen), [5, 5, 5, 5, 1, 3])
    return {"command": name, **chosen[name]}


def remove_empty_folders(root: Path) -> None:
    """A bank has no empty folders; the SDK's tool leaves them behind."""
    for folder, _, _ in os.walk(root, topdown=False):
        if Path(folder) != root and not any(Path(folder).iterdir()):
            Path(folder).rmdir()


def without_folder_sizes(text: str) -> str:
    """An answer without what a file system gives as a folder's size."""
    head, *rows = text.split("\n")
    if not head.startswith("Here're the files"):
        return text
    own = [rows[0].partition("\t")[2], *(row.partition("\t")[2] if row.endswith("/") else row for row in rows[1:])]
    return "\n".join([head, *own])


@pytest.mark.parametrize("seed", range(8))
def test_every_answer_is_that_of_the_sdks_own_tool_over_files(seed: int, tmp_path: Path) -> None:
    random, kinds = Random(seed), set()
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        own, files = MemkitMemoryTool(store.bank("ana")), BetaLocalFilesystemMemoryTool(str(tmp_path))
        for _ in range(300):
            command = random_command(random)
            given = answer(own, **command)
            try:
                expected = answer(files, **command)
            except (OSError, ValueError):  # for which the SDK's tool has no answer
                assert given.startswith("error: ")
            else:
                assert without_folder_sizes(given) == without_folder_sizes(expected), command
                kinds.add((command["command"], given[:20]))
            remove_empty_folders(files.memory_root)
    assert len(kinds) > MIN_ANSWER_KINDS


ANSWERS: list[tuple[Command, str]] = [
    ({"command": "view", "path": "/memories"},
     "Here're the files and directories up to 2 levels deep in /memories, excluding hidden items:\n4K\t/memories"),
    ({"command": "create", "path": NOTE, "file_text": "no nuts\nlives in Porto\n"},
     "File created successfully at: /memories/ana.md"),
    ({"command": "create", "path": NOTE, "file_text": "again"}, "error: File /memories/ana.md already exists"),
    ({"command": "str_replace", "path": NOTE, "old_str": "Porto", "new_str": "Lisbon"},
     "The memory file has been edited. Here is the snippet showing the change (with line numbers):\n"
     "     1\tno nuts\n     2\tlives in Lisbon\n     3\t"),
    ({"command": "str_replace", "path": NOTE, "old_str": "Porto", "new_str": "x"},
     "error: No replacement was performed, old_str `Porto` did not appear verbatim in /memories/ana.md."),
    ({"command": "str_replace", "path": NOTE, "old_str": "n", "new_str": "x"},
     "error: No replacement was performed. Multiple occurrences of old_str `n` in lines: 1, 1, 2, 2. "
     "Please ensure it is unique"),
    ({"command": "insert", "path": NOTE, "insert_line": 0, "insert_text": "# Ana\n"},
     "The file /memories/ana.md has been edited."),
    ({"command": "insert", "path": NOTE, "insert_line": 9, "insert_text": "x"},
     "error: Invalid `insert_line` parameter: 9. It should be within the range [0, 3]."),
    ({"command": "view", "path": NOTE, "view_range": [1, 2]},
     "Here's the content of /memories/ana.md with line numbers:\n     1\t# Ana\n     2\tno nuts"),
    ({"command": "rename", "old_path": NOTE, "new_path": "/memories/people/ana.md"},
     "Successfully renamed /memories/ana.md to /memories/people/ana.md"),
    ({"command": "view", "path": NOTE},
     "error: The path /memories/ana.md does not exist. Please provide a valid path."),
    ({"command": "view", "path": "/memories"},
     "Here're the files and directories up to 2 levels deep in /memories, excluding hidden items:\n"
     "4K\t/memories\n4K\t/memories/people/\n30B\t/memories/people/ana.md"),
    ({"command": "delete", "path": "/memories/people"}, "Successfully deleted /memories/people"),
    ({"command": "delete", "path": "/memories"}, "error: Cannot delete the /memories directory itself"),
    ({"command": "delete", "path": NOTE}, "error: The path /memories/ana.md does not exist"),
]  # fmt: skip


@pytest.fixture
def tool() -> Iterator[MemkitMemoryTool]:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        yield MemkitMemoryTool(store.bank("ana"))


def test_the_answers_are_those_that_the_tool_documents(tool: MemkitMemoryTool) -> None:
    assert [answer(tool, **command) for command, _ in ANSWERS] == [expected for _, expected in ANSWERS]


async def test_the_async_tool_gives_the_same_answers() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        tool = AsyncMemkitMemoryTool(store.bank("ana"))
        assert [await async_answer(tool, command) for command, _ in ANSWERS] == [expected for _, expected in ANSWERS]
        assert await tool.clear_all_memory() == "All memory cleared"


async def async_answer(tool: AsyncMemkitMemoryTool, command: Command) -> str:
    """What the model gets from the async tool."""
    try:
        return str(await tool.call(command))
    except ToolError as error:
        return f"error: {error.content}"


@pytest.mark.parametrize("command", ["str_replace", "insert", "create", "rename"])
def test_a_file_that_another_process_writes_meanwhile_is_not_overwritten(
    tool: MemkitMemoryTool, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = dict(FIELDS_OF_A_RACE[command])
    if command != "create":
        answer(tool, "create", path=NOTE, file_text="one\n")
    put_many, others = memkit.MemoryBank.put_many, ["two\n"]

    def put_late(own: memkit.MemoryBank, *arguments: Any, **options: Any) -> Any:
        if others:
            written = {"memory_path": NOTE, "text": f"one\n{others.pop()}"}
            put_many(own, [{"key": f"anthropic:{NOTE}", "value": written, "index": ["text"]}])
        return put_many(own, *arguments, **options)

    monkeypatch.setattr(memkit.MemoryBank, "put_many", put_late)
    answer(tool, command, **fields)
    assert "\ttwo" in answer(tool, "view", path=NOTE)


FIELDS_OF_A_RACE: dict[str, Command] = {
    "str_replace": {"path": NOTE, "old_str": "one", "new_str": "1"},
    "insert": {"path": NOTE, "insert_line": 0, "insert_text": "zero"},
    "create": {"path": NOTE, "file_text": "mine"},
    "rename": {"old_path": NOTE, "new_path": "/memories/other.md"},
}
