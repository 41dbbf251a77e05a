"""Whether the defaults were fitted to single conversations: settings chosen without one, tried on that one."""

from collections.abc import Mapping, Sequence
from typing import Any

from memkit.evaluation.recall.aggregation import fraction_at_ten, mean, rounded
from memkit.evaluation.recall.run import AskedQuestion
from memkit.evaluation.recall.variants import Variant
from memkit.models import FrozenModel

DEFAULTS_NAME = "defaults"

Parts = Mapping[tuple[str, str], Sequence[AskedQuestion]]  # (format, conversation) -> its questions as written


class LeftOutConversation(FrozenModel):
    """One conversation: its fraction at 10 under the defaults, and under what was chosen on all the others."""

    format: str
    conversation: str
    questions: int
    defaults: float
    chosen: float
    candidate: str


class LeaveOneOut(FrozenModel):
    """Every conversation left out once; the means are over conversations."""

    candidates: int
    conversations: list[LeftOutConversation]
    defaults: float
    chosen: float

    def dump(self) -> dict[str, Any]:
        """Plain values, rounded to what they can mean."""
        return {key: rounded(value) for key, value in self.model_dump(mode="json").items()}


def leave_one_out(asked: Mapping[str, Sequence[AskedQuestion]], candidates: Sequence[Variant]) -> LeaveOneOut:
    """The table over the questions of all formats. Each needs to have been asked under every candidate."""
    parts = by_conversation(asked)
    names = [None, *(variant.name for variant in candidates)]
    rows = [_left_out(parts, left, names) for left in parts]
    return LeaveOneOut(
        candidates=len(names),
        conversations=rows,
        defaults=mean(row.defaults for row in rows),
        chosen=mean(row.chosen for row in rows),
    )


def by_conversation(asked: Mapping[str, Sequence[AskedQuestion]]) -> Parts:
    """The questions of each conversation."""
    parts: dict[tuple[str, str], list[AskedQuestion]] = {}
    for kind, questions in asked.items():
        for question in questions:
            parts.setdefault((kind, question.conversation), []).append(question)
    return parts


def _left_out(parts: Parts, left: tuple[str, str], names: Sequence[str | None]) -> LeftOutConversation:
    chosen = best_candidate({key: asked for key, asked in parts.items() if key != left}, names)
    return LeftOutConversation(
        format=left[0],
        conversation=left[1],
        questions=len(parts[left]),
        defaults=fraction_at_ten(parts[left], None),
        chosen=fraction_at_ten(parts[left], chosen),
        candidate=chosen or DEFAULTS_NAME,
    )


def best_candidate(parts: Parts, names: Sequence[str | None]) -> str | None:
    """The best candidate: questions count alike within a format, formats alike. Of equal ones the first."""
    formats: dict[str, list[AskedQuestion]] = {}
    for (kind, _), asked in parts.items():
        formats.setdefault(kind, []).extend(asked)
    return max(names, key=lambda name: mean(fraction_at_ten(asked, name) for asked in formats.values()))
