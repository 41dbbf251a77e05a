"""CrewAI's memory in a memkit bank: what a crew remembered is there after a restart, and can be erased for good.

What it is: CrewAI's own Memory over MemkitStorage. Its vectors come from memkit's small encoder, so that the demo runs
anywhere; scope, category and importance are given, so that no model is asked.
How to run: python demos/with_crewai.py (in an environment of its own: its pins conflict with other frameworks')
What you will see: two notes remembered, found by another process's worth of Memory, and one of them forgotten.
"""

import os
import tempfile
from pathlib import Path

os.environ |= {"OTEL_SDK_DISABLED": "true", "CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_DISABLE_TRACKING": "true"}
os.environ["CREWAI_TRACING_ENABLED"] = "false"

from crewai.memory.unified_memory import Memory
from memkit_adapters.crewai import MemkitStorage

import memkit
from memkit.encoders.hashing import HashingEncoder

NOTES = {"Ana can't eat nuts.": "food", "Ana moved to Lisbon.": "place"}


def embedded(texts: list[str]) -> list[list[float]]:
    """Vectors of the small encoder."""
    return [[float(number) for number in row] for row in HashingEncoder().encode(texts)]


def main() -> None:
    """Remember, open again, recall, forget."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crew.db"
        with memkit.open(path, encoder=HashingEncoder()) as store:
            memory = Memory(storage=MemkitStorage(store.bank("acme", "crew")), embedder=embedded)
            for note, category in NOTES.items():
                memory.remember(note, scope="/users/ana", categories=[category], importance=0.5)
            memory.drain_writes()
        with memkit.open(path, encoder=HashingEncoder()) as store:
            storage = MemkitStorage(store.bank("acme", "crew"))
            memory = Memory(storage=storage, embedder=embedded)
            [best, *_] = memory.recall(
                "Which food must Ana not eat? nuts?", scope="/users/ana", depth="shallow", limit=1
            )
            print(f"Recalled after a restart: {best.record.content}")
            print(f"Categories: {storage.list_categories('/users')}")
            print(f"Forgotten: {storage.delete(categories=['place'])}, left: {storage.count()}")


if __name__ == "__main__":
    main()
