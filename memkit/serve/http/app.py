"""The application that serves a store."""

from fastapi import FastAPI

from memkit.serve.http import openapi
from memkit.serve.http.problems import answer_problems
from memkit.serve.http.routes import changing, erasing, items, looking, memory_in, memory_out, sessions, transfer
from memkit.serve.http.routes import store as store_verbs
from memkit.store import MemoryStore

VERB_ROUTERS = [
    memory_in.router, memory_out.router, looking.router, changing.router, items.router, sessions.router,
    erasing.router, store_verbs.router, transfer.router,
]  # fmt: skip


def create_app(store: MemoryStore) -> FastAPI:
    """An application that serves an open store, which stays the caller's to close."""
    app = application()
    app.state.store = store
    return app


def application() -> FastAPI:
    """The application with all its routes, which serves no store yet."""
    title, version = openapi.API_TITLE, openapi.API_VERSION
    app = FastAPI(title=title, version=version, openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None)
    for router in VERB_ROUTERS:
        app.include_router(router, prefix="/v1")
    answer_problems(app)
    openapi.describe(app)
    return app
