"""The LLM thinker: one question to any LangChain chat model for each task, and one to repair its answer."""

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from memkit.errors import ThinkerError, ThinkerOutputError
from memkit.models import Memory, Usage
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.think.llm.parsing import read_operations, read_structured
from memkit.think.prompts import prompt_text, schema
from memkit.think.sans_io import adrive, at_once, drive

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

MOST_THOUGHTS = 24  # shown to the model
LONGEST_TURN = 2000  # characters of a turn that are shown to it

Conversation = Generator["list[BaseMessage]", Any, list[Proposal]]


@dataclass
class LLMThinker:
    """Asks a chat model for operations.

    `prompts`: a folder with files like those in `memkit/think/prompts`, or texts by name ("post_think",
    "post_think.de"); they take the place of memkit's own. `structured`: whether the model is asked for
    structured output; None: where LangChain says that it has it. `usage` adds up what was asked.
    """

    model: "BaseChatModel"
    prompts: Mapping[str, str] | Path | None = None
    structured: bool | None = None
    usage: Usage = field(default_factory=Usage)
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    @property
    def name(self) -> str:
        return f"llm:{type(self.model).__name__}"

    def think(self, task: Task) -> list[Proposal]:
        """Proposals for an exchange. Raises ThinkerError where the model fails, ThinkerOutputError where

        neither its answer nor its second try can be read.
        """
        return self.ask(task, Usage())

    def ask(self, task: Task, usage: Usage) -> list[Proposal]:
        """As `think`, counting what was asked in `usage`."""
        try:
            return drive(self._conversation(task, usage), self._invoke)
        finally:
            self.count(usage)

    async def aask(self, task: Task, usage: Usage) -> list[Proposal]:
        """As `ask`, awaiting the model."""
        try:
            return await adrive(self._conversation(task, usage), self._ainvoke, at_once)
        finally:
            self.count(usage)

    def messages(self, task: Task) -> "list[BaseMessage]":
        """What the model is asked first: the rules, then the data, in the conversation's language."""
        from langchain_core.messages import HumanMessage, SystemMessage

        return [SystemMessage(prompt_text("post_think", task, self.prompts)), HumanMessage(described(task))]

    def _conversation(self, task: Task, usage: Usage) -> Conversation:
        messages = self.messages(task)
        usage.calls += 1
        answer = counted(usage, messages, (yield messages))
        try:
            return _proposals(_operations(answer), task)
        except ThinkerOutputError:
            usage.repairs += 1
        messages = [*messages, *_repairing(answer, prompt_text("repair", task, self.prompts))]
        return _proposals(_operations(counted(usage, messages, (yield messages))), task)

    def _invoke(self, messages: "list[BaseMessage]") -> Any:
        with _foreign():
            return self._asked.invoke(messages)

    async def _ainvoke(self, messages: "list[BaseMessage]") -> Any:
        with _foreign():
            return await self._asked.ainvoke(messages)

    @cached_property
    def _asked(self) -> Any:
        """The model itself, or as LangChain makes it answer in a given form."""
        if self.structured is False:
            return self.model
        try:
            return self.model.with_structured_output(schema(), include_raw=True)
        except NotImplementedError:
            if self.structured:
                raise
            return self.model

    def count(self, usage: Usage) -> None:
        """Add to `usage` what was asked, by whichever thread."""
        with self._lock:
            self.usage.add(usage)


@contextmanager
def _foreign() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  a model is foreign code: whatever it raises, the exchange stays queued
        raise ThinkerError(f"the model failed with {type(error).__name__}.") from None


def counted(usage: Usage, messages: "Sequence[BaseMessage]", answer: Any) -> Any:
    """The answer itself; its tokens by the model's own count, else by an approximate one."""
    from langchain_core.messages.utils import count_tokens_approximately

    raw = _raw(answer)
    told: Any = getattr(raw, "usage_metadata", None) or {}
    usage.prompt_tokens += int(told.get("input_tokens") or count_tokens_approximately(messages))
    usage.answer_tokens += int(told.get("output_tokens") or len(_words(raw)) // 4)
    return answer


def _raw(answer: Any) -> Any:
    return answer.get("raw") if isinstance(answer, dict) else answer


def _words(raw: Any) -> str:
    return str(getattr(raw, "text", "") or "")


def _operations(answer: Any) -> list[dict[str, Any]]:
    parsed = answer.get("parsed") if isinstance(answer, dict) else None
    return read_operations(_words(_raw(answer))) if parsed is None else read_structured(parsed)


def _repairing(answer: Any, prompt: str) -> "list[BaseMessage]":
    from langchain_core.messages import AIMessage, HumanMessage

    return [AIMessage(_words(_raw(answer)) or "?"), HumanMessage(prompt)]


def described(task: Task) -> str:
    """The exchange and the thoughts near it, numbered, quoted and dated: data for the model."""
    zone = ZoneInfo(task.zone)
    thoughts = [f"{n}. {_quoted(t.text)}" for n, t in enumerate(task.thoughts[:MOST_THOUGHTS], start=1)]
    turns = [
        f"{n}. [{t.occurred_at.astimezone(zone):%a %Y-%m-%d %H:%M}] {_speaker_of(t)}: {_quoted(t.text[:LONGEST_TURN])}"
        for n, t in enumerate(task.turns, start=1)
    ]
    return "\n".join(["<thoughts>", *thoughts, "</thoughts>", "<exchange>", *turns, "</exchange>"])


def _speaker_of(turn: Memory) -> str:
    return f"{_plain(turn.speaker or '?')} ({turn.role or 'person'})"


def _quoted(text: str) -> str:
    return f'"{_plain(text)}"'


def _plain(text: str) -> str:
    """Without what could be taken for the end of the data."""
    return " ".join(text.replace('"', "'").replace("<", "(").replace(">", ")").split())


def _proposals(operations: Sequence[Mapping[str, Any]], task: Task) -> list[Proposal]:
    return [proposal for operation in operations for proposal in _singly(_proposal(operation, task))]


def _singly(proposal: Proposal) -> list[Proposal]:
    """A forget of several thoughts as several."""
    if proposal.action != "forget" or len(proposal.ids) < 2:
        return [proposal]
    return [Proposal("forget", ids=(id,), reason=proposal.reason) for id in proposal.ids]


def _proposal(operation: Mapping[str, Any], task: Task) -> Proposal:
    """Numbers become ids; a number that names nothing becomes an id that revision refuses."""
    numbers = operation.get("ids", [operation["id"]] if "id" in operation else [])
    return Proposal(
        action=str(operation["op"]),
        text=_text(operation.get("text")) or "",
        head=_text(operation.get("head")),
        relation=_text(operation.get("relation")),
        tail=_text(operation.get("tail")),
        ids=tuple(_named(number, task.thoughts[:MOST_THOUGHTS]) for number in _list(numbers)),
        source_ids=tuple(_named(number, task.turns) for number in _list(operation.get("turns"))),
        speaker=_speaker(operation.get("speaker"), task),
        reason=_text(operation.get("reason")),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return value.strip() if isinstance(value, str) and value.strip() else None


def _named(number: Any, memories: Sequence[Memory]) -> str:
    """The id under a number; "?" where it names nothing."""
    written = number.strip() if isinstance(number, str) else number
    is_number = isinstance(written, int) and not isinstance(written, bool)
    short = isinstance(written, str) and written.isdecimal() and len(written) < 10
    at = int(written) if is_number or short else 0
    return memories[at - 1].id if 1 <= at <= len(memories) else "?"


def _speaker(value: Any, task: Task) -> str | None:
    known = {turn.speaker for turn in task.turns}
    return value if isinstance(value, str) and value in known else None
