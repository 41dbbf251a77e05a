"""A bank's files as Anthropic's memory tool shows them, and as `store.export_as("memory-tool")` writes them."""

from pathlib import Path

from memkit_adapters.anthropic_files import MemoryFolder

import memkit
from memkit.encoders.hashing import HashingEncoder


def test_the_tools_files_are_written_word_for_word_at_their_places(tmp_path: Path) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        folder = MemoryFolder(bank)
        folder.create("/memories/plans/trip.md", "# Trip\nTo Ronda.\n")
        folder.create("/memories/todo.txt", "no line break at the end")
        bank.insert("Ana lives in Cádiz.")
        store.export_as("memory-tool", tmp_path / "memories")
        assert (tmp_path / "memories/plans/trip.md").read_text("utf-8") == "# Trip\nTo Ronda.\n"
        assert (tmp_path / "memories/todo.txt").read_text("utf-8") == "no line break at the end"
        assert "Cádiz" in (tmp_path / "memories/memkit/beliefs.md").read_text("utf-8")
        assert "beliefs.md" in MemoryFolder(bank).view("/memories/memkit")
