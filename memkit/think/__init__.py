"""Thinkers: an exchange in, proposals for the memory out."""

from pathlib import Path
from typing import Any, cast

from memkit.errors import InputError
from memkit.protocols import Thinker
from memkit.think.extractive.thinker import ExtractiveThinker
from memkit.think.llm.thinker import LLMThinker

__all__ = ["ExtractiveThinker", "LLMThinker", "as_thinker"]


def as_thinker(value: Any, prompts: Path | None = None) -> Thinker:
    """A Thinker as it is, a LangChain chat model wrapped (with `prompts`), None as the extractive one."""
    if value is None:
        return ExtractiveThinker()
    if isinstance(value, Thinker):
        return value
    if hasattr(value, "invoke") and hasattr(value, "bind_tools"):
        return LLMThinker(cast("Any", value), prompts)
    raise InputError(
        f"thinker: a {type(value).__name__} is no thinker. It needs name and think(task), or be a LangChain chat model."
    )
