"""Memory of conversations as components: one recalls for the prompt, one observes what was said."""

import asyncio
from dataclasses import replace
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.dataclasses import ChatMessage, ChatRole

import memkit
from memkit_adapters.haystack.banks import BankOf, StoredBank, closed, opened, saved, warmed
from memkit_adapters.sparing import spared


@component
class MemkitMemoryRetriever:
    """Recalls what a bank knows: as the marked block for a prompt, and as documents.

    `bank`: one bank, or a function from the run's input `context` to the bank of whoever is asking. `k`: results;
    `max_tokens`: of the block. Where the memory fails, the pipeline goes on with an empty block.
    """

    def __init__(self, bank: memkit.Bank | StoredBank | BankOf, k: int = 10, max_tokens: int = 1000) -> None:
        self.bank, self.k, self.max_tokens = bank, k, max_tokens

    def to_dict(self) -> dict[str, Any]:
        """The bank's file and name, and the options. Raises InputError for a bank that is open."""
        return default_to_dict(self, bank=saved(self.bank).to_dict(), k=self.k, max_tokens=self.max_tokens)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "MemkitMemoryRetriever":
        """A component of a saved pipeline."""
        return default_from_dict(cls, data)

    def warm_up(self) -> None:
        """Load ahead what the first question needs."""
        warmed(self.bank)

    def close(self) -> None:
        """Close the file of a `StoredBank`."""
        closed(self.bank)

    @component.output_types(prompt=str, documents=list[Document])
    def run(
        self, query: str, messages: list[ChatMessage] | None = None, context: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The block, "" where nothing is known, and the memories; `messages`: what the model has before it anyway."""
        with spared("recall"):
            bank = opened(self.bank, context)
            before = bank.read(_said(messages or []))
            recollection = bank.recall(query, k=self.k, without=before)
            return {
                "prompt": recollection.prompt(self.max_tokens),
                "documents": [_document(hit) for hit in recollection],
            }
        return {"prompt": "", "documents": []}

    @component.output_types(prompt=str, documents=list[Document])
    async def run_async(
        self, query: str, messages: list[ChatMessage] | None = None, context: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The same, awaited."""
        return await asyncio.to_thread(self.run, query, messages, context)


@component
class MemkitMemoryWriter:
    """Observes what was said: the messages that the model was given, and its replies; the system's words are no talk.

    `bank`: one bank, or a function from the run's input `context` to the bank of whoever is talking. `session`: the
    conversation, where a run names none. Messages have no ids: what the session was given already, in order, is not
    observed again, also where it was erased, and another reply to the last message takes the place of the one before.
    """

    def __init__(self, bank: memkit.Bank | StoredBank | BankOf, session: str | None = None) -> None:
        self.bank, self.session = bank, session

    def to_dict(self) -> dict[str, Any]:
        """The bank's file and name, and the session. Raises InputError for a bank that is open."""
        return default_to_dict(self, bank=saved(self.bank).to_dict(), session=self.session)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "MemkitMemoryWriter":
        """A component of a saved pipeline."""
        return default_from_dict(cls, data)

    def warm_up(self) -> None:
        """Load ahead what the first message needs."""
        warmed(self.bank)

    def close(self) -> None:
        """Close the file of a `StoredBank`."""
        closed(self.bank)

    @component.output_types(written=int)
    def run(
        self,
        messages: list[ChatMessage],
        replies: list[ChatMessage] | None = None,
        session: str | None = None,
        speaker: str | None = None,
        context: dict[str, Any] | None = None,
    ) -> dict[str, int]:
        """Number of messages that were new, and are remembered; `speaker`: the person's name. 0 where that fails."""
        with spared("observe"):
            bank, named = opened(self.bank, context), session or self.session
            turns = bank.read(_said([*messages, *(replies or [])]), speakers={"user": speaker} if speaker else None)
            return {"written": _observe_new(bank, turns, named)}
        return {"written": 0}

    @component.output_types(written=int)
    async def run_async(
        self,
        messages: list[ChatMessage],
        replies: list[ChatMessage] | None = None,
        session: str | None = None,
        speaker: str | None = None,
        context: dict[str, Any] | None = None,
    ) -> dict[str, int]:
        """The same, awaited."""
        return await asyncio.to_thread(self.run, messages, replies, session, speaker, context)


def _observe_new(bank: memkit.Bank, turns: list[memkit.Turn], session: str | None) -> int:
    """Number of turns that were new, and are stored now; without a session only a question asked again is told."""
    if session is not None:
        receipt = bank.session(session).catch_up(turns)
        return sum(outcome.change is not None for outcome in receipt.outcomes)
    asked = max((place for place, turn in enumerate(turns) if turn.role == "user"), default=-1)
    question = bank.repeated(turns[: asked + 1])
    if question:
        turns = [replace(turn, reply_to=None if i else question[0].id) for i, turn in enumerate(turns[asked + 1 :])]
    return len(bank.observe(turns).ids) if turns else 0


def _said(messages: list[ChatMessage]) -> list[dict[str, Any]]:
    """Messages in the form that a bank reads, without those of the system."""
    said = (each for each in messages if not each.is_from(ChatRole.SYSTEM))
    return [each.to_openai_dict_format(require_tool_call_ids=False) for each in said]


def _document(hit: memkit.Hit) -> Document:
    memory = hit.memory
    meta = {
        "kind": memory.kind, "speaker": memory.speaker, "role": memory.role, "session": memory.session,
        "occurred_at": memory.occurred_at.isoformat(),
    }  # fmt: skip
    return Document(id=memory.id, content=memory.text, meta=meta, score=hit.score)
