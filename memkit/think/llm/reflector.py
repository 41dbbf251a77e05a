"""Summaries and portraits by a language model: one question to any LangChain chat model for each."""

import json
import re
from dataclasses import dataclass
from typing import Any

from memkit.errors import ThinkerOutputError
from memkit.models import Usage
from memkit.protocols import Reflection, Reflector, Thinker
from memkit.text.times.periods import readable_period
from memkit.think.llm.thinker import LLMThinker, count_tokens, model_errors
from memkit.think.prompts import general_prompt_text

MAX_SUMMARY_CHARS = 2000
FENCE_PATTERN = re.compile(r"^```\w*\n|\n?```$")


def as_reflector(thinker: Thinker) -> Reflector | None:
    """The writer of a thinker's summaries: itself, where it can, or its chat model; None for the extractive one."""
    if isinstance(thinker, Reflector):
        return thinker
    return ModelReflector(thinker) if isinstance(thinker, LLMThinker) else None


@dataclass(frozen=True)
class ModelReflector:
    """Asks an LLM thinker's model. The thinker's `prompts` may replace "summary" and "portrait"."""

    thinker: LLMThinker

    @property
    def name(self) -> str:
        return self.thinker.name

    def reflect(self, task: Reflection) -> str:
        """The summary or the portrait. Raises ThinkerError where the model fails or its answer can't be used."""
        return self.write(task, Usage())

    def write(self, task: Reflection, usage: Usage) -> str:
        """The same, with calls and tokens added to `usage`."""
        try:
            return checked_summary(str(self._answer(task, usage).text))
        finally:
            self.thinker.count(usage)

    def _answer(self, task: Reflection, usage: Usage) -> Any:
        from langchain_core.messages import HumanMessage, SystemMessage

        name = "portrait" if task.level == "portrait" else "summary"
        prompt = general_prompt_text(name, self.thinker.prompts)
        messages = [SystemMessage(prompt), HumanMessage(reflection_message(task))]
        usage.calls += 1
        with model_errors():
            answer = self.thinker.model.invoke(messages)
        return count_tokens(usage, messages, answer)


def reflection_message(task: Reflection) -> str:
    """The user message: the period, and the lines, quoted: data, not instructions."""
    about = "portrait" if task.level == "portrait" else f"the {task.level} {readable_period(task.period)}"
    return "\n".join([f"<lines about={json.dumps(about)}>", *map(_quoted, task.lines), "</lines>"])


def _quoted(line: str) -> str:
    return json.dumps(line, ensure_ascii=False).replace("<", "(").replace(">", ")")


def checked_summary(answer: str) -> str:
    """An answer fit for storing: prose of at most MAX_SUMMARY_CHARS characters. Raises ThinkerOutputError."""
    text = FENCE_PATTERN.sub("", answer.strip()).strip().replace("\0", "")
    prose = any(map(str.isalpha, text)) and text[0] not in "{["
    if not prose or len(text) > MAX_SUMMARY_CHARS:
        raise ThinkerOutputError(f"the model's answer of {len(answer)} characters is no summary.")
    return text
