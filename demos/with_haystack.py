"""Haystack with a memory: a pipeline that recalls before its model and observes after it, over a store of documents.

What it is: what a person said in one conversation is known in the next one; beside it, documents are found by meaning
without an embedder. The model is scripted, so that the demo runs anywhere. Haystack's telemetry, which is on by
default, is switched off before Haystack is imported.
How to run: python demos/with_haystack.py (needs the extra haystack)
What you will see: the documents found, what the model was shown in each conversation, and what the memory holds.
"""

import argparse
import os
from typing import Any

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

from haystack import Document, Pipeline, component
from haystack.components.builders import ChatPromptBuilder
from haystack.components.writers import DocumentWriter
from haystack.dataclasses import ChatMessage
from haystack.telemetry import _telemetry
from memkit_adapters.haystack import (
    MemkitDocumentRetriever,
    MemkitDocumentStore,
    MemkitMemoryRetriever,
    MemkitMemoryWriter,
)

import memkit
from memkit.encoders import HashingEncoder

TEMPLATE = [
    ChatMessage.from_system(
        "{{ memory }}\n{% for document in documents %}Handbook: {{ document.content }}\n{% endfor %}"
    ),
    ChatMessage.from_user("{{ question }}"),
]
HANDBOOK = ["Nuts are kept in the cellar.", "The kitchen closes at nine.", "Guests park behind the house."]
TALK = [
    ("first", "I can't eat nuts.", "I'll remember."),
    ("second", "Can I eat the nuts of the house?", "No: you told me."),
]


@component
class ScriptedModel:
    """Stands where a chat generator stands: answers as it is told, and prints what it was shown."""

    def __init__(self, answers: list[str]) -> None:
        self.answers = answers

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage]) -> dict[str, Any]:
        """The next answer."""
        print("shown     " + "\n          ".join("\n".join(each.text or "" for each in messages).splitlines()))
        return {"replies": [ChatMessage.from_assistant(self.answers.pop(0))]}


def pipeline_of(bank: memkit.MemoryBank, documents: MemkitDocumentStore) -> Pipeline:
    """Recall and retrieval before the model, observing after it."""
    pipeline = Pipeline()
    pipeline.add_component("memory", MemkitMemoryRetriever(bank))
    pipeline.add_component("retriever", MemkitDocumentRetriever(documents, top_k=1))
    pipeline.add_component("prompt", ChatPromptBuilder(template=TEMPLATE, required_variables="*"))
    pipeline.add_component("model", ScriptedModel([answer for _, _, answer in TALK]))
    pipeline.add_component("writer", MemkitMemoryWriter(bank))
    pipeline.connect("memory.prompt", "prompt.memory")
    pipeline.connect("retriever", "prompt.documents")
    pipeline.connect("prompt", "model")
    pipeline.connect("prompt", "writer.messages")
    pipeline.connect("model", "writer.replies")
    return pipeline


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"Haystack's telemetry {'off' if _telemetry.telemetry is None else 'ON'}")
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank, documents = store.bank("acme", "ana"), MemkitDocumentStore(store.bank("acme", "handbook"))
        DocumentWriter(documents).run([Document(content=text) for text in HANDBOOK])
        pipeline = pipeline_of(bank, documents)
        for session, question, _ in TALK:
            print(f"\n{session} conversation\nasked     {question}")
            asked = {"query": question}
            pipeline.run(
                {
                    "memory": asked,
                    "retriever": asked,
                    "prompt": {"question": question},
                    "writer": {"session": session, "speaker": "Ana"},
                }
            )
        print("\nremembered")
        for turn in bank.list(kinds=["turn"]):
            print(f"  {turn.session} | {turn.speaker}: {turn.text}")


if __name__ == "__main__":
    main()
