"""Metrics for Prometheus: requests by verb and status, and what waits; never text or the name of a bank."""

import os
import time
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Receive, Scope, Send

from memkit.serve.http.around.watching import AnsweredRequest
from memkit.store import MemoryStore

METRICS_TYPE = CONTENT_TYPE_LATEST
SHARED_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # in which several workers count together
SECONDS_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 60.0)
MAX_COUNTING_SHARE = 0.02  # of the time, to count what waits


class RequestMetrics:
    """Counts of requests in this process, or of all workers where they share a folder."""

    def __init__(self, store: MemoryStore) -> None:
        own = CollectorRegistry()
        self._requests = Counter("memkit_requests", "Requests answered.", ["verb", "status"], registry=own)
        self._seconds = Histogram(
            "memkit_request_seconds", "Seconds until it was answered.", ["verb"], registry=own, buckets=SECONDS_BUCKETS
        )
        self.in_progress = Gauge(
            "memkit_requests_in_progress", "Requests at work.", registry=own, multiprocess_mode="livesum"
        )
        self._own, self._waiting = own, WaitingMetrics(store)

    def count(self, answered: AnsweredRequest) -> None:
        """Count a request that was answered."""
        self._requests.labels(answered.verb, answered.status).inc()
        self._seconds.labels(answered.verb).observe(answered.seconds)

    def text(self) -> bytes:
        """All of them in Prometheus' own form. Raises StorageError."""
        every = CollectorRegistry()
        every.register(self._waiting)
        if SHARED_FOLDER_VARIABLE in os.environ:
            MultiProcessCollector(every)  # type: ignore[no-untyped-call]
            return generate_latest(every)
        return generate_latest(self._own) + generate_latest(every)


class WaitingMetrics(Collector):
    """Sizes of a store's queues, which are counted at most so often that it costs little."""

    def __init__(self, store: MemoryStore) -> None:
        self._store, self._sizes, self._count_again_at = store, dict[str, int](), 0.0

    def collect(self) -> Iterator[Metric]:
        """Them as Prometheus' client takes them. Raises StorageError."""
        if time.monotonic() >= self._count_again_at:
            self._count()
        sizes = GaugeMetricFamily("memkit_waiting", "Things that wait in all banks.", labels=["queue"])
        for queue, size in self._sizes.items():
            sizes.add_metric([queue], size)
        yield sizes

    def _count(self) -> None:
        begun = time.monotonic()
        self._sizes = self._store.waiting()
        ended = time.monotonic()
        self._count_again_at = ended + (ended - begun) / MAX_COUNTING_SHARE


class CountInProgress:
    """ASGI middleware that counts requests while they are at work."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._metrics.in_progress.track_inprogress():
            await self._app(scope, receive, send)
