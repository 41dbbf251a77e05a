"""The application that serves a store."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Lifespan

from memkit.serve.guard import Guard
from memkit.serve.http import openapi
from memkit.serve.http.around import health
from memkit.serve.http.around.body_limit import BodyLimit
from memkit.serve.http.around.metrics import CountInProgress, RequestMetrics
from memkit.serve.http.around.rate_limit import RateLimit
from memkit.serve.http.around.request_log import log_request
from memkit.serve.http.around.time_limit import TimeLimit
from memkit.serve.http.around.tracing import FASTAPI_TELEMETRY, Trace
from memkit.serve.http.around.watching import Watch
from memkit.serve.http.around.work_limit import WorkLimit
from memkit.serve.http.page.mounting import PAGE_PATHS, PAGE_ROOT, mount_page
from memkit.serve.http.problems import answer_problems
from memkit.serve.http.routes import changing, erasing, items, looking, memory_in, memory_out, sessions, transfer
from memkit.serve.http.routes import store as store_verbs
from memkit.serve.http.serve_settings import AppSettings
from memkit.store import MemoryStore

VERB_ROUTERS = [
    memory_in.router, memory_out.router, looking.router, changing.router, items.router, sessions.router,
    erasing.router, store_verbs.router, transfer.router,
]  # fmt: skip

REQUEST_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-ID", "traceparent")
ANSWER_HEADERS = ("ETag", "Idempotent-Replayed", "Retry-After", "X-Request-ID")


def create_app(
    store: MemoryStore, settings: AppSettings | None = None, *, lifespan: Lifespan[FastAPI] | None = None
) -> FastAPI:
    """An application that serves an open store, which stays the caller's to close; `lifespan` may do it."""
    given, metrics = settings or AppSettings(), RequestMetrics(store)
    app = application(middleware(store, given, metrics), lifespan)
    app.state.store, app.state.settings, app.state.metrics = store, given, metrics
    if given.page:
        mount_page(app, store)
    return app


def application(middleware: Sequence[Middleware] = (), lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """The application with all its routes, which serves no store yet."""
    app = FastAPI(
        title=openapi.API_TITLE, version=openapi.API_VERSION, openapi_url="/v1/openapi.json", docs_url=None,
        redoc_url=None, redirect_slashes=False, middleware=middleware, lifespan=lifespan,
        telemetry=FASTAPI_TELEMETRY,
    )  # fmt: skip
    for router in VERB_ROUTERS:
        app.include_router(router, prefix="/v1")
    app.include_router(health.router)
    answer_problems(app)
    openapi.describe(app)
    return app


def middleware(store: MemoryStore, settings: AppSettings, metrics: RequestMetrics) -> list[Middleware]:
    """Everything that a request goes through on its way to its route, in order."""
    limits, origins = settings.limits, settings.allow_origins
    cross_origin = Middleware(
        CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=REQUEST_HEADERS,
        expose_headers=ANSWER_HEADERS,
    )  # fmt: skip
    return [
        Middleware(Watch, [metrics.count, log_request]),
        Middleware(CountInProgress, metrics),
        Middleware(Trace),
        *([cross_origin] if origins else []),
        Middleware(TimeLimit, limits.seconds_of),
        Middleware(WorkLimit, limits.requests_at_work, free_paths=health.FREE_PATHS),
        Middleware(
            Guard,
            store.access,
            open_paths=health.OPEN_PATHS | (PAGE_PATHS if settings.page else frozenset()),
            open_roots=[PAGE_ROOT] if settings.page else [],
            origins=origins,
        ),
        Middleware(RateLimit, limits.requests_per_second),
        Middleware(BodyLimit, limits.bytes_of),
    ]
