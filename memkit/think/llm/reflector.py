"""Summaries and portraits by a language model: one question to any LangChain chat model for each."""

import json
import re
from dataclasses import dataclass
from typing import Any

from memkit.errors import ThinkerError, ThinkerOutputError
from memkit.models import Usage
from memkit.protocols import Reflection, Reflector, Thinker
from memkit.text.times.periods import readable_period
from memkit.think.llm.thinker import LLMThinker, counted
from memkit.think.prompts import plain_text

LONGEST = 2000  # characters of an answer
MOST = 12_000  # characters of quoted lines that a model is given
FENCE = re.compile(r"^```\w*\n|\n?```$")


def as_reflector(thinker: Thinker) -> Reflector | None:
    """Who writes a thinker's summaries: itself, where it can, or its chat model; None for the extractive one."""
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
        """As `reflect`, counting what was asked in `usage`."""
        try:
            return usable(str(self._asked(task, usage).text))
        finally:
            self.thinker.count(usage)

    def _asked(self, task: Reflection, usage: Usage) -> Any:
        from langchain_core.messages import HumanMessage, SystemMessage

        name = "portrait" if task.level == "portrait" else "summary"
        prompt = plain_text(name, self.thinker.prompts)
        messages = [SystemMessage(prompt), HumanMessage(described(task))]
        usage.calls += 1
        try:
            answer = self.thinker.model.invoke(messages)
        except Exception as error:  # noqa: BLE001  a model is foreign code: whatever it raises, there is another way
            raise ThinkerError(f"the model failed with {type(error).__name__}.") from None
        return counted(usage, messages, answer)


def described(task: Reflection) -> str:
    """What the model is given: which time it is about, and the lines, quoted: data, not instructions."""
    about = "portrait" if task.level == "portrait" else f"the {task.level} {readable_period(task.period)}"
    return "\n".join([f"<lines about={json.dumps(about)}>", *map(_quoted, task.lines), "</lines>"])


def _quoted(line: str) -> str:
    return json.dumps(line, ensure_ascii=False).replace("<", "(").replace(">", ")")


def usable(answer: str) -> str:
    """An answer as it can be kept: prose of at most LONGEST characters. Raises ThinkerOutputError."""
    text = FENCE.sub("", answer.strip()).strip().replace("\0", "")
    prose = any(map(str.isalpha, text)) and text[0] not in "{["
    if not prose or len(text) > LONGEST:
        raise ThinkerOutputError(f"the model's answer of {len(answer)} characters is no summary.")
    return text
