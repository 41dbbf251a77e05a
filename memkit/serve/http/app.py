"""The application that serves a store."""

from fastapi import FastAPI

from memkit.serve.http.problems import answer_problems
from memkit.serve.http.routes import memory_in
from memkit.store import MemoryStore


def create_app(store: MemoryStore) -> FastAPI:
    """An application that serves an open store, which stays the caller's to close."""
    app = FastAPI(title="memkit", version="1", openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None)
    app.state.store = store
    app.include_router(memory_in.router, prefix="/v1")
    answer_problems(app)
    return app
