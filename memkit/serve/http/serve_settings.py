"""Settings of a server: they travel to its worker processes through the environment, as JSON."""

from typing import Literal, get_args

from pydantic import Field

from memkit.models import FrozenModel

STREAM_ENDINGS = ("/bank/observe_stream", "/store/load", "/store/import_from")  # of paths
LONG_ENDINGS = (*STREAM_ENDINGS, "/store/repeat_erasures")  # of bodies that grow with a whole database
WHOLE_STORE_ENDINGS = (
    "/store/export", "/store/maintain", "/store/audit", "/store/doctor", "/store/stats", "/store/flush", "/store/purge",
    "/store/erase_all", "/bank/think", "/bank/reflect",
)  # fmt: skip  # of paths that go through whole banks, or ask a language model
LogFormat = Literal["text", "json"]
LOG_FORMATS: tuple[LogFormat, ...] = get_args(LogFormat)


class ServeLimits(FrozenModel):
    """Limits of requests, in each worker."""

    body_bytes: int = Field(8 * 2**20, ge=2**10)  # of a request's body
    stream_bytes: int = Field(2**30, ge=2**10)  # of a body that is read piece by piece: turns, exports, files
    request_seconds: float = Field(60.0, gt=0)  # until an answer begins
    stream_seconds: float = Field(3600.0, gt=0)  # the same for what goes through whole banks
    requests_at_work: int = Field(64, ge=1)  # at once
    requests_per_second: float = Field(500.0, gt=0)  # of one token, in the long run

    def bytes_of(self, path: str) -> int:
        """Bytes that a request's body may have."""
        return self.stream_bytes if path.endswith(LONG_ENDINGS) else self.body_bytes

    def seconds_of(self, path: str) -> float:
        """Seconds until the answer to a request begins, at most."""
        return self.stream_seconds if path.endswith(LONG_ENDINGS + WHOLE_STORE_ENDINGS) else self.request_seconds


class AppSettings(FrozenModel):
    """Settings of an application that serves a store. `allow_origins`: pages elsewhere that may ask, by their origins.

    `page`: whether the page is served, too.
    """

    page: bool = False
    allow_origins: tuple[str, ...] = ()
    limits: ServeLimits = ServeLimits()


class WorkerSettings(FrozenModel):
    """Settings of one process of a server: the database, who maintains it, and the application."""

    db: str
    encoder: str | None = None
    maintain_seconds: float | None = Field(30.0, gt=0)  # between two rounds; None: this server maintains nothing
    app: AppSettings = AppSettings()
