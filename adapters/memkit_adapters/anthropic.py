"""memkit as the memory tool of Anthropic's SDK: a bank that a model reads and writes as a folder of files.

    from memkit_adapters.anthropic import MemkitMemoryTool

    tools = [MemkitMemoryTool(store.bank("acme", "ana"))]
    client.beta.messages.tool_runner(model=..., max_tokens=..., messages=..., tools=tools).until_done()

The model's files lie under /memories; under /memories/memkit it finds what the bank has made of what it observed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import memkit
from memkit.errors import MemkitError
from memkit_adapters.anthropic_files import FileError, MemoryFolder
from memkit_adapters.sparing import log

try:
    from anthropic.lib.tools import BetaAbstractMemoryTool, BetaAsyncAbstractMemoryTool, ToolError
    from anthropic.types.beta import (
        BetaMemoryTool20250818CreateCommand,
        BetaMemoryTool20250818DeleteCommand,
        BetaMemoryTool20250818InsertCommand,
        BetaMemoryTool20250818RenameCommand,
        BetaMemoryTool20250818StrReplaceCommand,
        BetaMemoryTool20250818ViewCommand,
    )
    from anyio.to_thread import run_sync
except ModuleNotFoundError as error:
    raise ImportError(
        "memkit_adapters.anthropic needs Anthropic's SDK: pip install 'memkit-agents[anthropic]'"
    ) from error

BankOf = Callable[[], memkit.Bank]
FIELD_TYPES: dict[str, dict[str, type]] = {
    "view": {"path": str},
    "create": {"path": str, "file_text": str},
    "str_replace": {"path": str, "old_str": str, "new_str": str},
    "insert": {"path": str, "insert_line": int, "insert_text": str},
    "delete": {"path": str},
    "rename": {"old_path": str, "new_path": str},
}


class MemkitMemoryTool(BetaAbstractMemoryTool):
    """The memory tool over a bank. `bank`: one bank, or a function that gives the bank of whoever is there.

    Its answers are those of the SDK's own tool over files. Whatever goes wrong is a ToolError, which the runner gives
    to the model; where the bank fails, it names no memory text, and the log is told, too.
    """

    def __init__(self, bank: memkit.Bank | BankOf, *, cache_control: Any = None) -> None:
        super().__init__(cache_control=cache_control)
        self._bank_of: BankOf = bank if callable(bank) else lambda: bank

    def execute(self, command: Any) -> Any:
        """Answer a command of the model. Raises ToolError for what is no command, too."""
        _check(command)
        return super().execute(command)

    def view(self, command: BetaMemoryTool20250818ViewCommand) -> str:
        """A file with line numbers, or what lies in a folder."""
        with _answering():
            return self._folder.view(command.path, command.view_range)

    def create(self, command: BetaMemoryTool20250818CreateCommand) -> str:
        """Write a new file."""
        with _answering():
            return self._folder.create(command.path, command.file_text)

    def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> str:
        """Replace a text that a file holds once."""
        with _answering():
            return self._folder.str_replace(command.path, command.old_str, command.new_str)

    def insert(self, command: BetaMemoryTool20250818InsertCommand) -> str:
        """Insert lines behind one; 0 is before the first."""
        with _answering():
            return self._folder.insert(command.path, command.insert_line, command.insert_text)

    def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> str:
        """Delete a file, or a folder with all in it."""
        with _answering():
            return self._folder.delete(command.path)

    def rename(self, command: BetaMemoryTool20250818RenameCommand) -> str:
        """Move a file or a folder."""
        with _answering():
            return self._folder.rename(command.old_path, command.new_path)

    def clear_all_memory(self) -> str:
        """Delete all files of the model's own."""
        with _answering():
            return self._folder.clear()

    @property
    def _folder(self) -> MemoryFolder:
        return MemoryFolder(self._bank_of())


class AsyncMemkitMemoryTool(BetaAsyncAbstractMemoryTool):
    """The same for AsyncAnthropic; the event loop is never blocked."""

    def __init__(self, bank: memkit.Bank | BankOf, *, cache_control: Any = None) -> None:
        super().__init__(cache_control=cache_control)
        self._tool = MemkitMemoryTool(bank)

    async def execute(self, command: Any) -> Any:
        """Answer a command of the model. Raises ToolError for what is no command, too."""
        _check(command)
        return await super().execute(command)

    async def view(self, command: BetaMemoryTool20250818ViewCommand) -> str:
        """A file with line numbers, or what lies in a folder."""
        return await run_sync(self._tool.view, command)

    async def create(self, command: BetaMemoryTool20250818CreateCommand) -> str:
        """Write a new file."""
        return await run_sync(self._tool.create, command)

    async def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> str:
        """Replace a text that a file holds once."""
        return await run_sync(self._tool.str_replace, command)

    async def insert(self, command: BetaMemoryTool20250818InsertCommand) -> str:
        """Insert lines behind one; 0 is before the first."""
        return await run_sync(self._tool.insert, command)

    async def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> str:
        """Delete a file, or a folder with all in it."""
        return await run_sync(self._tool.delete, command)

    async def rename(self, command: BetaMemoryTool20250818RenameCommand) -> str:
        """Move a file or a folder."""
        return await run_sync(self._tool.rename, command)

    async def clear_all_memory(self) -> str:
        """Delete all files of the model's own."""
        return await run_sync(self._tool.clear_all_memory)


@contextmanager
def _answering() -> Iterator[None]:
    """Give the model what goes wrong as an answer, never as a traceback."""
    try:
        yield
    except FileError as error:
        raise ToolError(str(error)) from None
    except MemkitError as error:
        log.warning("memkit: the memory tool failed: %s", error)
        raise ToolError(f"The memory failed: {error}") from None


def _check(command: Any) -> None:
    """The SDK doesn't check what the model sends. Raises ToolError for what is missing."""
    name = getattr(command, "command", None)
    fields = FIELD_TYPES.get(name) if isinstance(name, str) else None
    if fields is None:
        raise ToolError(f"Unknown command. Known are {', '.join(FIELD_TYPES)}.")
    for field, kind in fields.items():
        if type(getattr(command, field, None)) is not kind:
            raise ToolError(f"The command {name} needs the parameter `{field}`, of type {kind.__name__}.")
    part = getattr(command, "view_range", None)
    if part is not None and not (isinstance(part, list) and all(type(line) is int for line in part)):
        raise ToolError("The parameter `view_range` is the first line and the last one, for example [1, 20].")
