"""A graph of LangGraph whose long-term store is memkit: what one thread put is there in another, after a restart.

What it is: a graph of one node that keeps what a person says as items of the store, and looks there for what fits. The
store's file is closed and opened again in between, as if the process had ended. No model is needed.
How to run: python demos/with_langgraph.py   (needs: pip install 'memkit-agents[langgraph]')
What you will see: each thing that was said with what the graph found for it, in two threads of two runs, and then what
the store's bank holds for other users of the file: items, searched by LangGraph's filters and by memkit alike.
"""

import os
import tempfile
from pathlib import Path
from typing import Any, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from memkit_adapters.langgraph import MemkitStore

import memkit
from memkit.encoders import HashingEncoder


class Said(TypedDict, total=False):
    """State of the graph: what a person said, and what is known of it."""

    text: str
    known: list[str]


def remember(state: Said, runtime: Runtime[dict[str, str]]) -> Said:
    """The graph's node: search for what fits, then keep what was said."""
    store: Any = runtime.store
    namespace = ("memories", runtime.context["user"])
    found = store.search(namespace, query=state["text"], limit=1)
    store.put(namespace, f"said {len(state['text'])}", {"text": state["text"], "is_question": state["text"][-1] == "?"})
    return {"known": [item.value["text"] for item in found]}


def run(path: Path, said: str) -> None:
    """One run of the graph on the file, opened for it alone."""
    with memkit.open(path, encoder=HashingEncoder()) as memory:
        store = MemkitStore(memory, index={"fields": ["text"]})
        graph = StateGraph(Said, context_schema=dict).add_node(remember).add_edge(START, "remember")
        given = graph.compile(store=store).invoke({"text": said}, context={"user": "ana"})
        print(f"said   {said}\nknown  {', '.join(given['known']) or 'nothing'}\n")


def main() -> None:
    os.environ["LANGSMITH_TRACING"] = "false"  # its traces would hold what nodes read from the store
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        run(path, "I can't eat nuts.")
        run(path, "Can I eat nuts, or what else?")
        with memkit.open(path, encoder=HashingEncoder()) as memory:
            store = MemkitStore(memory)
            questions = store.search(("memories",), filter={"is_question": True})
            print("questions, by a filter:", [item.value["text"] for item in questions])
            hits = memory.bank("memories", "ana").recall("nuts", kinds=["item"], by="cosine")
            print("items, by memkit's recall:", [memkit.Item.of(hit.memory).key for hit in hits])


if __name__ == "__main__":
    main()
