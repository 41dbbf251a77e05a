"""The LLM thinker: one question to any LangChain chat model for each task, summary or portrait."""

import json
import re
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from memkit.errors import ThinkerError, ThinkerOutputError
from memkit.models import Memory
from memkit.operations import Proposal, Usage
from memkit.protocols import Reflection, Task
from memkit.text.parts import without_reasoning
from memkit.text.pasted.spans import split_pasted
from memkit.text.times.periods import readable_period
from memkit.think.llm.parsing import parse_operations, parse_structured
from memkit.think.prompts import answer_schema, general_prompt_text, prompt_text
from memkit.think.revise import is_person
from memkit.think.sans_io import adrive, at_once, drive

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

MAX_THOUGHTS = 24  # in one message
MAX_TURN_CHARS = 2000  # of a turn in a message
MAX_PASTED_CHARS = 300  # of each pasted part of a turn, so that what is said after it is read
MAX_SUMMARY_CHARS = 2000
FENCE_PATTERN = re.compile(r"^```\w*\n|\n?```$")


@dataclass
class LLMThinker:
    """Asks a chat model for operations, once more where its answer can't be read, and for summaries and portraits.

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
        """The same, with calls and tokens added to `usage`."""
        try:
            return drive(self._conversation(task, usage), self._invoke)
        finally:
            self.count(usage)

    async def aask(self, task: Task, usage: Usage) -> list[Proposal]:
        """The same, awaiting the model."""
        try:
            return await adrive(self._conversation(task, usage), self._ainvoke, at_once)
        finally:
            self.count(usage)

    def messages(self, task: Task) -> "list[BaseMessage]":
        """The first question: the rules, then the data, in the conversation's language."""
        from langchain_core.messages import HumanMessage, SystemMessage

        return [SystemMessage(prompt_text("post_think", task, self.prompts)), HumanMessage(exchange_message(task))]

    def _conversation(self, task: Task, usage: Usage) -> "Generator[list[BaseMessage], Any, list[Proposal]]":
        messages = self.messages(task)
        usage.calls += 1
        answer = count_tokens(usage, messages, (yield messages))
        try:
            return _proposals_from(_operations(answer), task)
        except ThinkerOutputError:
            usage.repairs += 1
        messages = [*messages, *_repair_messages(answer, prompt_text("repair", task, self.prompts))]
        return _proposals_from(_operations(count_tokens(usage, messages, (yield messages))), task)

    def reflect(self, task: Reflection) -> str:
        """The summary or the portrait. Raises ThinkerError where the model fails or its answer can't be used."""
        return self.write(task, Usage())

    def write(self, task: Reflection, usage: Usage) -> str:
        """The same, with calls and tokens added to `usage`."""
        from langchain_core.messages import HumanMessage, SystemMessage

        prompt = general_prompt_text("portrait" if task.level == "portrait" else "summary", self.prompts)
        messages: list[BaseMessage] = [SystemMessage(prompt), HumanMessage(reflection_message(task))]
        usage.calls += 1
        try:
            with _model_errors():
                answer = self.model.invoke(messages)
            return checked_summary(_answer_text(count_tokens(usage, messages, answer)))
        finally:
            self.count(usage)

    def _invoke(self, messages: "list[BaseMessage]") -> Any:
        with _model_errors():
            return self._runnable.invoke(messages)

    async def _ainvoke(self, messages: "list[BaseMessage]") -> Any:
        with _model_errors():
            return await self._runnable.ainvoke(messages)

    @cached_property
    def _runnable(self) -> Any:
        """The model itself, or as LangChain makes it answer in a given form."""
        if self.structured is False:
            return self.model
        try:
            return self.model.with_structured_output(answer_schema(), include_raw=True)
        except NotImplementedError:
            if self.structured:
                raise
            return self.model

    def count(self, usage: Usage) -> None:
        """Add one task's calls and tokens to the thinker's, from any thread."""
        with self._lock:
            self.usage.add(usage)


@contextmanager
def _model_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  a model is foreign code: whatever it raises, the exchange stays queued
        raise ThinkerError(f"the model failed with {type(error).__name__}.") from None


def count_tokens(usage: Usage, messages: "Sequence[BaseMessage]", answer: Any) -> Any:
    """The answer itself, its tokens added to `usage`: by the model's own count, else by an approximate one."""
    from langchain_core.messages.utils import count_tokens_approximately

    raw = _raw(answer)
    reported: Any = getattr(raw, "usage_metadata", None) or {}
    usage.prompt_tokens += int(reported.get("input_tokens") or count_tokens_approximately(messages))
    usage.answer_tokens += int(reported.get("output_tokens") or len(_answer_text(raw)) // 4)
    return answer


def _raw(answer: Any) -> Any:
    return answer.get("raw") if isinstance(answer, dict) else answer


def _answer_text(raw: Any) -> str:
    """Words of an answer, without the reasoning in front of it."""
    return without_reasoning(str(getattr(raw, "text", "") or ""))


def _operations(answer: Any) -> list[dict[str, Any]]:
    parsed, raw = answer.get("parsed") if isinstance(answer, dict) else None, _raw(answer)
    if parsed is None or _reasons_in_text(raw):
        return parse_operations(_answer_text(raw))
    return parse_structured(parsed)


def _reasons_in_text(raw: Any) -> bool:
    """Whether an answer was given as text that holds reasoning, out of which a parser may have read it."""
    text = str(getattr(raw, "text", "") or "")
    return not getattr(raw, "tool_calls", None) and without_reasoning(text) != text


def _repair_messages(answer: Any, prompt: str) -> "list[BaseMessage]":
    from langchain_core.messages import AIMessage, HumanMessage

    return [AIMessage(_answer_text(_raw(answer)) or "?"), HumanMessage(prompt)]


def exchange_message(task: Task) -> str:
    """The exchange and the thoughts near it, numbered, quoted and dated: data for the model."""
    zone = ZoneInfo(task.zone)
    thoughts = [f"{n}. {_thought_line(t, zone)}" for n, t in enumerate(task.thoughts[:MAX_THOUGHTS], start=1)]
    turns = [f"{n}. {_turn_line(turn, zone)}" for n, turn in enumerate(task.turns, start=1)]
    return "\n".join(["<thoughts>", *thoughts, "</thoughts>", "<exchange>", *turns, "</exchange>"])


def _thought_line(thought: Memory, zone: ZoneInfo) -> str:
    """A thought with the day on which it was said: an older exchange doesn't change what holds now."""
    return f'[{thought.occurred_at.astimezone(zone):%Y-%m-%d}] "{_unquoted(thought.text)}"'


def _turn_line(turn: Memory, zone: ZoneInfo) -> str:
    speaker = f"{_unquoted(turn.speaker or '?')} ({turn.role or 'person'})"
    text = _unquoted(_marked(turn.text) if is_person(turn) else turn.text)[:MAX_TURN_CHARS]
    return f'[{turn.occurred_at.astimezone(zone):%a %Y-%m-%d %H:%M}] {speaker}: "{text}"'


def _marked(text: str) -> str:
    """A person's text in which each pasted part stands between marks that it can't close itself, its beginning only."""
    plain = text.replace("[[", "((").replace("]]", "))")
    parts = [(plain[span.start : span.end], span.is_pasted) for span in split_pasted(plain)]
    return "".join(f"[[pasted: {part[:MAX_PASTED_CHARS]}]]" if is_pasted else part for part, is_pasted in parts)


def _unquoted(text: str) -> str:
    """A text without what could be taken for the end of the data."""
    return " ".join(text.replace('"', "'").replace("<", "(").replace(">", ")").split())


def _proposals_from(operations: Sequence[Mapping[str, Any]], task: Task) -> list[Proposal]:
    return [proposal for operation in operations for proposal in _one_per_thought(_proposal(operation, task))]


def _one_per_thought(proposal: Proposal) -> list[Proposal]:
    """A forget of several thoughts as several."""
    if proposal.action != "forget" or len(proposal.ids) < 2:
        return [proposal]
    return [Proposal("forget", ids=(id,), reason=proposal.reason) for id in proposal.ids]


def _proposal(operation: Mapping[str, Any], task: Task) -> Proposal:
    """Numbers become ids; a number that names nothing becomes an id that revision refuses."""
    numbers = operation.get("ids", [operation["id"]] if "id" in operation else [])
    return Proposal(
        action=str(operation["op"]),
        text=_text_or_none(operation.get("text")) or "",
        head=_text_or_none(operation.get("head")),
        relation=_text_or_none(operation.get("relation")),
        tail=_text_or_none(operation.get("tail")),
        ids=tuple(_numbered_id(number, task.thoughts[:MAX_THOUGHTS]) for number in _as_list(numbers)),
        source_ids=tuple(_numbered_id(number, task.turns) for number in _as_list(operation.get("turns"))),
        speaker=_speaker(operation.get("speaker"), task),
        reason=_text_or_none(operation.get("reason")),
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text_or_none(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return value.strip() if isinstance(value, str) and value.strip() else None


def _numbered_id(number: Any, memories: Sequence[Memory]) -> str:
    """The id under a number; "?" where it names nothing."""
    bare = number.strip() if isinstance(number, str) else number
    is_number = isinstance(bare, int) and not isinstance(bare, bool)
    is_digits = isinstance(bare, str) and bare.isdecimal() and len(bare) < 10
    at = int(bare) if is_number or is_digits else 0
    return memories[at - 1].id if 1 <= at <= len(memories) else "?"


def _speaker(value: Any, task: Task) -> str | None:
    return value if isinstance(value, str) and any(value == turn.speaker for turn in task.turns) else None


def reflection_message(task: Reflection) -> str:
    """The user message: the period, and the lines, quoted: data, not instructions."""
    about = "portrait" if task.level == "portrait" else f"the {task.level} {readable_period(task.period)}"
    return "\n".join([f"<lines about={json.dumps(about)}>", *map(_quoted_line, task.lines), "</lines>"])


def _quoted_line(line: str) -> str:
    return json.dumps(line, ensure_ascii=False).replace("<", "(").replace(">", ")")


def checked_summary(answer: str) -> str:
    """An answer fit for storing: prose of at most MAX_SUMMARY_CHARS characters. Raises ThinkerOutputError."""
    text = FENCE_PATTERN.sub("", answer.strip()).strip().replace("\0", "")
    prose = any(map(str.isalpha, text)) and text[0] not in "{["
    if not prose or len(text) > MAX_SUMMARY_CHARS:
        raise ThinkerOutputError(f"the model's answer of {len(answer)} characters is no summary.")
    return text
