"""Other settings under which the same questions are asked: parts switched off, and weights moved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from memkit.settings import DecaySettings, RankingSettings, Settings

Overrides = Mapping[str, float | bool]


@dataclass(frozen=True)
class Variant:
    """The default settings with some of their numbers changed."""

    name: str
    ranking: Overrides = field(default_factory=dict)
    decay: Overrides = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The whole settings; ValueError where a number is out of its bounds."""
        ranking = RankingSettings.model_validate(dict(self.ranking))
        return Settings(ranking=ranking, decay=DecaySettings.model_validate(dict(self.decay)))


SKETCH_SEARCH = Variant("sketches instead of exact search", {"exact_up_to": 0})

ABLATION_VARIANTS = (
    SKETCH_SEARCH,
    Variant("no lexical", {"lexical": 0}),
    Variant("no dense", {"dense": 0}),
    Variant("no passages", {"passages": 0}),
    Variant("no neighbours", {"neighbour": 0, "second_neighbour": 0, "answered": 0}),
    Variant("no episodes", {"episode": 0}),
    Variant("no sessions", {"session": 0, "cohesive_session": 0}),
    Variant("no retention", decay={"ranking_weight": 0}),
    Variant("no freshness", {"superseded": False}),
    Variant("no speaker cue", {"speaker": 0}),
    Variant("no role", {"assistant": 0}),
    Variant("no time cues", {"date": 0, "time": 0, "when": 0}),
    Variant("no question cues", {"asks": 0, "answers": 0}),
    Variant("no length", {"length": 0}),
    Variant("names kept", {"nameless": 0}),
    Variant(
        "no cohesion", {"cohesive_own": 0, "cohesive_session": 0, "cohesive_context": 0, "cohesive_recency": 0}
    ),
)  # fmt: skip

MOVED_WEIGHTS = (
    "dense",
    "lexical",
    "nameless",
    "passages",
    "neighbour",
    "episode",
    "session",
    "whole_context",
    "speaker",
    "assistant",
    "asks",
    "answers",
    "length",
    "date",
    "time",
    "when",
    "cohesive_own",
    "cohesive_session",
    "cohesive_recency",
)
WEIGHT_FACTORS = (0.7, 1.4)


def _moved(weight: str, factor: float) -> Variant:
    """One weight times a factor, as far as its bounds let it."""
    wanted = float(getattr(RankingSettings(), weight)) * factor
    bounds = RankingSettings.model_fields[weight].metadata
    least = max((bound.ge for bound in bounds if hasattr(bound, "ge")), default=-inf)
    most = min((bound.le for bound in bounds if hasattr(bound, "le")), default=inf)
    return Variant(f"{weight} × {factor}", {weight: min(max(wanted, least), most)})


CANDIDATE_VARIANTS = tuple(_moved(weight, factor) for weight in MOVED_WEIGHTS for factor in WEIGHT_FACTORS)
