"""The demo's thinker: the extractive one, with a meter of what a chat model in its place would be asked."""

from typing import Any, cast

from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.think import ExtractiveThinker, LLMThinker


class MeteredThinker(ExtractiveThinker):
    """Counts the calls and the prompt tokens (about four characters each) that a chat model would get."""

    def __init__(self) -> None:
        self.tasks = self.tokens = 0
        self._asking = LLMThinker(cast("Any", None))

    @property
    def tokens_each(self) -> int:
        """Prompt tokens of a call, on average."""
        return round(self.tokens / max(self.tasks, 1))

    def think(self, task: Task) -> list[Proposal]:
        """Proposals of the extractive thinker."""
        from langchain_core.messages.utils import count_tokens_approximately

        self.tasks += 1
        self.tokens += count_tokens_approximately(self._asking.messages(task))
        return super().think(task)
