"""Settings: every number that a user may want to change, with the default that was measured best."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from memkit.identifiers import bank_path
from memkit.models import MEMORY_KINDS, Kind


class SettingsSection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ObserveSettings(SettingsSection):
    """Cutting and keeping a stream of turns. These shape stored data and live in the file."""

    episode_turns: int = Field(8, ge=1)  # HCAM's chunk length C
    episode_characters: int = Field(4000, ge=100)  # of an episode, at most
    session_gap: timedelta = timedelta(hours=1)  # a longer silence begins a new session
    exchange_turns: int = Field(8, ge=1)  # of an exchange, at most
    exchange_idle: timedelta = timedelta(minutes=15)  # a longer silence ends an exchange
    small_talk: float = Field(0.1, ge=0, lt=1)  # share of turns, those that tell least, without vectors; 0: off
    small_talk_from: int = Field(500, ge=0)  # memories in a bank, up to which every turn gets a vector


class IndexSettings(SettingsSection):
    """Sketches and keys of texts. These shape stored data and live in the file."""

    sketch_bits: int = Field(512, ge=64, multiple_of=64)  # random hyperplanes
    sketch_seed: int = 20231115  # of the hyperplanes
    groups: int = Field(32, ge=2, multiple_of=2)  # TiM's b
    passage_from: int = Field(300, ge=1)  # characters: a longer text gets passages with vectors of their own
    passage_characters: int = Field(200, ge=50)  # of one passage, at most
    tokens: bool = False  # words get vectors of their own, as sign bits, for recall's second stage: 50 bytes each


class RankingSettings(SettingsSection):
    """Weights of recall's parts, in standard deviations of a turn's own evidence; 0 switches a part off.

    The first group is what is found, the second what lies around it, the third what a person would notice
    besides. The last says how the weights follow the bank, by its cohesion (see `memkit.recall.index.cohesion`).
    Chosen on some conversations and confirmed on others: `memkit evaluate --leave-one-out`.
    """

    exact_up_to: int = Field(10_000, ge=0)  # texts in a bank, and passages; above, sketches choose what is scored
    compact_up_to: int = Field(150_000, ge=0)  # texts of which every vector is in RAM, at a byte a number
    dense: float = 1.0  # cosine with the question
    lexical: float = 0.85  # share of the question's information that is in the words
    reranked: float = 1.5  # a reranker's score, where there is one
    tokens: float = Field(0.5, ge=0)  # the question's words, each with the nearest word of a turn; see `IndexSettings`
    nameless: float = Field(0.6, ge=0, le=1)  # how much of the query's vector is that without speakers' names
    passages: float = Field(0.4, ge=0, le=1)  # how much of a long turn's cosine is its best passage's

    beside: float = Field(0.3, ge=0, le=1)  # of a question's word, what a turn takes from those within two beside it
    neighbour: float = 0.3  # the turns right before and after
    second_neighbour: float = 0.2  # the turns two before and two after
    answered: float = 0.4  # the share of a question's evidence that the answer to it takes besides
    episode: float = 0.35  # the episode around it
    session: float = 0.35  # the session around it
    whole_context: float = Field(216.0, gt=0)  # characters up to which a turn takes its full share of these

    speaker: float = 1.3  # the person whom the question names spoke
    assistant: float = -1.2  # evidence about a person is mostly in what the person said
    asks: float = -3.4  # a turn that only asks; less, the more a longer one says besides
    whole_question: float = Field(60.0, gt=0)  # characters up to which a turn that asks only asks
    answers: float = 0.3  # the turn after a question
    length: float = 0.6  # per standard deviation of the log length
    date: float = 2.0  # said in the time that the question names
    time: float = 0.3  # names a time or a number
    when: float = 1.35  # the same, where the question asks when, how long or how many
    superseded: bool = True  # what was superseded ranks below what replaced it
    day_first: bool = False  # 3/4 in a question is the third of April

    cohesive_own: float = Field(-0.8, ge=-1)  # at full cohesion: how a turn's own evidence changes, as a share
    cohesive_session: float = 0.5  # ... what is added to `session`
    cohesive_context: float = Field(160.0, ge=0)  # ... to `whole_context`
    cohesive_recency: float = 0.8  # ... what each unit of log(1 + sessions since) costs


KIND_FACTORS: dict[str, float | None] = {"turn": 1.0, "thought": 4.0, "summary": 8.0}


class DecaySettings(SettingsSection):
    """The Ebbinghaus curve R = exp(-t / (c S)), t in days (MemoryBank, arXiv 2305.10250).

    The constant c of a memory is `days` times its kind's factor, moved up or down by its salience. With
    the defaults an average turn that nobody ever recalls falls below `threshold` after 719 days (small talk
    after 360, one that tells much after 900), a thought after 2,876, a summary after 5,752; items and
    portraits never fade, nor does what is pinned.
    """

    days: float = Field(240.0, gt=0)  # c of a turn: days after which R = 1/e at strength 1
    kinds: dict[str, float | None] = KIND_FACTORS  # c by kind, as a multiple of `days`; None: never fades
    threshold: float = Field(0.05, ge=0, lt=1)  # retention below which a memory has faded
    growth: float = Field(1.0, gt=0)  # what the first recall adds to S
    growth_mode: Literal["log", "paper"] = "log"  # paper: every recall adds the same
    spacing: float = Field(1.0, ge=0)  # days: a recall sooner than this after the last counts less; 0: off
    salience_weight: float = Field(0.5, ge=0, le=1)  # 0: salience doesn't matter
    salience_typical: float = Field(9.0, gt=0)  # nats per token of an average turn
    archive_after: float = Field(30.0, ge=0)  # days in the bank, unused, before a memory may be archived
    sampled: bool = False  # archive by a fixed draw per memory and recall instead of by `threshold`
    ranking_weight: float = Field(0.15, ge=0)  # the most that retention moves a score

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, kinds: dict[str, float | None]) -> dict[str, float | None]:
        unknown = sorted(set(kinds) - set(KIND_FACTORS))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no kind that fades; those are {', '.join(KIND_FACTORS)}.")
        if any(factor is not None and not 0 < factor < inf for factor in kinds.values()):
            raise ValueError("a kind's factor must be positive and finite, or None for never.")
        return {**KIND_FACTORS, **kinds}


class KeepRule(SettingsSection):
    """Rule of retention: how long memories are kept, of some kinds or all, in banks whose names start so or in all.

    After so many `days` they go, recalled or not; None keeps them for ever, whatever the curve says. A span counts
    from when a memory was stored, or happened where that is later, and ends when the last of its days begins in the
    bank's zone, so that nothing is kept for longer. `then`: archived by `decay` (out of recall, still in history),
    or erased for good by `prune`. What is pinned stays, and so does what took the place of something that stays.

    Of several rules that fit, the one with the longest `under` counts, then the one that names the kind.
    """

    kinds: tuple[Kind, ...] = ()  # none: all of them
    under: tuple[str, ...] = ()  # banks whose names start so; none: all banks
    days: int | None = Field(ge=1, le=100_000)  # None: for ever
    then: Literal["archive", "erase"] = "archive"  # what becomes of it after that

    @property
    def places(self) -> tuple[tuple[tuple[str, ...], str | None], ...]:
        """Pairs of its prefix with each of its kinds, None standing for all."""
        return tuple((self.under, kind) for kind in self.kinds or (None,))

    def __str__(self) -> str:
        """The rule as the command line takes it: acme/trial:turn=90,erase."""
        names = f"{bank_path(self.under)}:" if self.under else ""
        span = "forever" if self.days is None else str(self.days)
        return f"{names}{'+'.join(self.kinds) or 'all'}={span}{',erase' if self.then == 'erase' else ''}"


def rules_by_kind(rules: Sequence[KeepRule], bank: tuple[str, ...]) -> dict[Kind, KeepRule]:
    """The rule that holds in a bank, for each kind that has one."""
    fitting = [rule for rule in rules if bank[: len(rule.under)] == rule.under]
    fitting.sort(key=lambda rule: (len(rule.under), bool(rule.kinds)))
    return {kind: rule for rule in fitting for kind in rule.kinds or MEMORY_KINDS}


class ThinkSettings(SettingsSection):
    """Post-thinking's demands on a thinker; never stored.

    A day's budget is counted for each bank, in its own zone. What is left when it is spent stays queued.
    """

    batch: int = Field(1, ge=1, le=50)  # exchanges in one call
    salience: float = Field(0.0, ge=0)  # nats per token; exchanges in which nothing tells more are not thought about
    calls_per_day: int | None = Field(None, ge=0)  # of a model, with repairs and retries
    tokens_per_day: int | None = Field(None, ge=0)  # of prompts and answers
    prompts: Path | None = None  # a folder with texts that take the place of memkit's own


class RuntimeSettings(SettingsSection):
    """Behaviour of this process; never stored."""

    encode_timeout: float = Field(20.0, gt=0)  # seconds for each text; what takes longer gets its vector afterwards
    encode_batch: int = Field(128, ge=1)  # texts that the encoder gets at once
    encode_late: bool = False  # observe returns before the vectors are made; words find its turns until then
    rerank_timeout: float = Field(2.0, gt=0)  # seconds for a reranker; what takes longer leaves the order as it was
    busy_timeout: float = Field(60.0, gt=0)  # seconds to wait for the write lock
    workers: int = Field(4, ge=1)  # threads behind `bank.aio`
    reinforce_after: float = Field(5.0, ge=0)  # seconds after which reinforcement is written
    reinforce_count: int = Field(64, ge=1)  # recalled memories after which their reinforcement is written
    cache_bytes: int = Field(512 * 2**20, ge=2**20)  # of the indexes of all banks in memory, at most
    lease: float = Field(120.0, gt=0)  # seconds for which an exchange is one worker's


class Settings(BaseModel):
    """All of them. `memkit.open(..., settings=Settings(decay=DecaySettings(days=90)))`.

    `keep`: rules of retention. They live in the file; None leaves those that it has, () takes them away.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    observe: ObserveSettings = ObserveSettings()
    index: IndexSettings = IndexSettings()
    ranking: RankingSettings = RankingSettings()
    decay: DecaySettings = DecaySettings()
    keep: tuple[KeepRule, ...] | None = None
    think: ThinkSettings = ThinkSettings()
    runtime: RuntimeSettings = RuntimeSettings()

    @field_validator("keep")
    @classmethod
    def _one_rule_each(cls, rules: tuple[KeepRule, ...] | None) -> tuple[KeepRule, ...] | None:
        places = Counter(place for rule in rules or () for place in rule.places)
        for (under, kind), count in places.items():
            if count > 1:
                where = f" under {bank_path(under)}" if under else ""
                raise ValueError(f"there are {count} rules for {kind or 'all kinds'}{where}; leave one.")
        return rules
