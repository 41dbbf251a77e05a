"""Health: whether the process lives, whether its store answers, and the metrics."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from memkit.serve.http.around.metrics import METRICS_TYPE, RequestMetrics
from memkit.serve.http.dependencies import RequestCaller, ServedStore

NO_SUCH_BANK = ("memkit", "readiness")  # asked for, as the smallest question to a store
OPEN_PATHS = frozenset({"/healthz", "/readyz"})  # for whoever asks
FREE_PATHS = OPEN_PATHS | {"/metrics"}  # also where more is at work than the server takes

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """Say that the process lives."""
    return PlainTextResponse("alive\n")


@router.get("/readyz")
async def readyz(store: ServedStore) -> PlainTextResponse:
    """Say that the store answers; a StorageError is 503."""
    await run_in_threadpool(store.banks, NO_SUCH_BANK)
    return PlainTextResponse("ready\n")


@router.get("/metrics")
async def metrics(request: Request, caller: RequestCaller) -> Response:
    """Give the metrics to Prometheus, which needs a token with "admin" for all banks where there are tokens."""
    caller.check("admin", ())
    counted: RequestMetrics = request.app.state.metrics
    return Response(await run_in_threadpool(counted.text), media_type=METRICS_TYPE)
