"""Figures of the demo, for its closing table and for programs."""

from dataclasses import dataclass, field
from statistics import median_high
from typing import Any

MIN_RIGHT_SHARE = 0.8  # of the answers


@dataclass
class DemoFigures:
    """Filled scene by scene. Times in seconds; recalls in milliseconds, their encoding included."""

    seconds: float = 0.0
    turns: int = 0
    sessions: int = 0
    load_seconds: float = 0.0
    observe_seconds: float = 0.0
    unencoded: int = 0
    thoughts: int = 0
    superseded: int = 0
    exchanges: int = 0
    prompt_tokens: int = 0  # of one call on average, if a chat model were the thinker
    near_copies: int = 0
    contradictions: int = 0
    asked: int = 0
    answered: int = 0
    unknown: int = 0
    silent: int = 0
    recalls: list[float] = field(default_factory=list)
    fading: list[dict[str, Any]] = field(default_factory=list)
    erased: int = 0
    bytes_left: bool = False
    file_bytes: int = 0
    files: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether memkit kept its promises: right answers, silence, and nothing left of what was erased."""
        return self.answered >= MIN_RIGHT_SHARE * self.asked and self.silent == self.unknown and not self.bytes_left

    @property
    def recall_ms(self) -> float:
        """The median recall."""
        return median_high(self.recalls) if self.recalls else 0.0

    def dump(self) -> dict[str, Any]:
        """Plain values."""
        values = {**vars(self), "recall_ms": round(self.recall_ms, 2)}
        del values["recalls"]
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}
