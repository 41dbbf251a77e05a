"""Configurations for clients, as the README has them: each is read, and the server is started by its very command."""

import json
import re
import shlex
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_sessions import ROOT, call, environment

PAGE = (ROOT / "memkit" / "serve" / "mcp" / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(json|toml|bash)\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMAND = ["memkit", "mcp", "--bank", "me", "--db", "~/memkit.db"]


def blocks() -> list[dict[str, Any]]:
    """The JSON and TOML blocks of the page."""
    read = {"json": json.loads, "toml": tomllib.loads}
    return [read[kind](text) for kind, text in BLOCK.findall(PAGE) if kind in read]


def entries() -> list[dict[str, Any]]:
    """What each block says of the server called memkit."""
    return [entry_in(block) for block in blocks()]


def entry_in(block: dict[str, Any]) -> dict[str, Any]:
    while "memkit" not in block:
        [block] = block.values()
    return dict(block["memkit"])


def command_of(entry: dict[str, Any]) -> list[str]:
    command = entry["command"]
    return command if isinstance(command, list) else [command, *entry["args"]]


LOCAL = [entry for entry in entries() if "url" not in entry]


def test_all_formats_are_there_and_start_the_same_command() -> None:
    roots = [key for block in blocks() for key in block]
    assert roots == ["mcpServers", "servers", "mcp_servers", "context_servers", "mcp", "mcpServers"]
    assert [command_of(entry) for entry in LOCAL] == [COMMAND] * 5
    [served] = [entry for entry in entries() if "url" in entry]
    assert served["url"] == "http://127.0.0.1:8765/mcp"
    for text in re.findall(r"(?:claude|codex) mcp add .*? -- ([^`\n]*)", PAGE):
        assert shlex.split(text) == COMMAND


@pytest.mark.parametrize("entry", LOCAL[:1])
async def test_the_command_of_a_configuration_starts_a_memory(entry: dict[str, Any], tmp_path: Path) -> None:
    program, *arguments = command_of(entry)
    script = shutil.which(program, path=str(Path(sys.executable).parent))
    started = [script] if script else [sys.executable, "-m", program]
    server = StdioServerParameters(
        command=started[0], args=[*started[1:], *arguments], env={**environment(), "HOME": str(tmp_path)}, cwd=tmp_path
    )
    async with Client(server) as client:
        await call(client, "remember", facts=["The project builds with Bazel 7."])
        assert "Bazel" in (await call(client, "recall", query="What does the project build with?"))["block"]
    assert (tmp_path / "memkit.db").exists()
