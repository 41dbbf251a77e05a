"""Settings: every number that a user may want to change, with the default that was measured best."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ObserveSettings(Section):
    """How a stream of turns is cut and kept. These shape stored data and live in the file."""

    episode_turns: int = Field(8, ge=1)  # HCAM's chunk length C
    episode_characters: int = Field(4000, ge=100)
    session_gap: timedelta = timedelta(hours=1)
    exchange_turns: int = Field(8, ge=1)
    exchange_idle: timedelta = timedelta(minutes=15)


class IndexSettings(Section):
    """How text becomes sketches and keys. These shape stored data and live in the file."""

    sketch_bits: int = Field(512, ge=64, multiple_of=64)
    sketch_seed: int = 20231115
    groups: int = Field(32, ge=2, multiple_of=2)  # TiM's b
    minhash_permutations: int = Field(64, ge=16)
    minhash_threshold: float = Field(0.8, gt=0, lt=1)


class DecaySettings(Section):
    """The Ebbinghaus curve R = exp(-t / (c S)), t in days (MemoryBank, arXiv 2305.10250)."""

    days: float = Field(30.0, gt=0)  # c: days after which a memory of strength 1 has R = 1/e
    threshold: float = Field(0.05, ge=0, lt=1)
    growth: float = Field(1.0, gt=0)  # what a recall adds to S
    ranking_weight: float = Field(0.15, ge=0)  # the most that retention moves a score


class RuntimeSettings(Section):
    """How this process behaves; never stored."""

    encode_timeout: float = Field(60.0, gt=0)  # seconds
    encode_batch: int = Field(64, ge=1)
    busy_timeout: float = Field(60.0, gt=0)  # seconds to wait for the write lock
    workers: int = Field(4, ge=1)
    reinforce_after: float = Field(5.0, ge=0)  # seconds
    reinforce_count: int = Field(64, ge=1)
    cache_bytes: int = Field(512 * 2**20, ge=2**20)
    lease: float = Field(120.0, gt=0)  # seconds


class Settings(BaseModel):
    """All of them. `memkit.open(..., settings=Settings(decay=DecaySettings(days=90)))`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    observe: ObserveSettings = ObserveSettings()
    index: IndexSettings = IndexSettings()
    decay: DecaySettings = DecaySettings()
    runtime: RuntimeSettings = RuntimeSettings()
