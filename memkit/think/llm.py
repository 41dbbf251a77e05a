"""The LLM thinker: one question to any LangChain chat model for each exchange, and one to repair its answer."""

import importlib.resources
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from memkit.errors import ThinkerError, ThinkerOutputError
from memkit.models import Memory
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.think.parsing import read_operations

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

MOST_THOUGHTS = 40  # shown to the model


def default_prompts() -> dict[str, str]:
    """The texts of the prompts by name: "post_think" and "repair"; any of them may be replaced."""
    folder = importlib.resources.files("memkit.think") / "prompts"
    return {name: (folder / f"{name}.txt").read_text("utf-8") for name in ("post_think", "repair")}


@dataclass
class Usage:
    """What a thinker asked of its model."""

    calls: int = 0
    repairs: int = 0
    prompt_tokens: int = 0


@dataclass
class LLMThinker:
    """Asks a chat model for operations. `prompts` replaces texts of `default_prompts` by name."""

    model: "BaseChatModel"
    prompts: Mapping[str, str] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)

    @property
    def name(self) -> str:
        return f"llm:{type(self.model).__name__}"

    def think(self, task: Task) -> list[Proposal]:
        """Proposals for an exchange. Raises ThinkerError where the model fails, ThinkerOutputError where

        neither its answer nor its second try can be read.
        """
        messages = self._messages(task)
        answer = self._ask(messages)
        try:
            return _proposals(read_operations(answer), task)
        except ThinkerOutputError:
            self.usage.repairs += 1
            again = self._ask(self._repair(messages, answer))
            return _proposals(read_operations(again), task)

    def _messages(self, task: Task) -> "list[BaseMessage]":
        from langchain_core.messages import HumanMessage, SystemMessage

        return [SystemMessage(self._prompt("post_think")), HumanMessage(described(task))]

    def _repair(self, messages: "Sequence[BaseMessage]", answer: str) -> "list[BaseMessage]":
        from langchain_core.messages import AIMessage, HumanMessage

        return [*messages, AIMessage(answer), HumanMessage(self._prompt("repair"))]

    def _prompt(self, name: str) -> str:
        return self.prompts.get(name) or default_prompts()[name]

    def _ask(self, messages: "list[BaseMessage]") -> str:
        self.usage.calls += 1
        try:
            answer = self.model.invoke(messages)
        except Exception as error:  # noqa: BLE001  a model is foreign code: whatever it raises, the exchange stays queued
            raise ThinkerError(f"the model failed with {type(error).__name__}.") from None
        usage: Any = getattr(answer, "usage_metadata", None) or {}
        self.usage.prompt_tokens += int(usage.get("input_tokens", 0))
        return str(answer.text)


def described(task: Task) -> str:
    """The exchange and the thoughts near it, numbered, quoted and dated: data for the model."""
    zone = ZoneInfo(task.zone)
    thoughts = [f"{n}. {_quoted(t.text)}" for n, t in enumerate(task.thoughts[:MOST_THOUGHTS], start=1)]
    turns = [
        f"{n}. [{t.occurred_at.astimezone(zone):%a %Y-%m-%d %H:%M}] {_speaker_of(t)}: {_quoted(t.text)}"
        for n, t in enumerate(task.turns, start=1)
    ]
    return "\n".join(["<thoughts>", *thoughts, "</thoughts>", "<exchange>", *turns, "</exchange>"])


def _speaker_of(turn: Memory) -> str:
    return f"{turn.speaker} ({turn.role or 'person'})"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "'").replace("\n", " ").replace("<", "(").replace(">", ")") + '"'


def _proposals(operations: Sequence[Mapping[str, Any]], task: Task) -> list[Proposal]:
    return [_proposal(operation, task) for operation in operations]


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
    return value.strip() if isinstance(value, str) and value.strip() else None


def _named(number: Any, memories: Sequence[Memory]) -> str:
    at = int(number) if str(number).strip().isdecimal() else 0
    return memories[at - 1].id if 1 <= at <= len(memories) else "?"


def _speaker(value: Any, task: Task) -> str | None:
    known = {turn.speaker for turn in task.turns}
    return value if isinstance(value, str) and value in known else None
