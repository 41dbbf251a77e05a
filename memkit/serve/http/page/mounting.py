"""The page as an application of its own: mounted beside the API behind its guard, or alone behind a one-time door."""

from importlib.resources import files

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from memkit.errors import MemkitError, UnauthenticatedError
from memkit.serve.guard import Guard
from memkit.serve.http.around.tracing import FASTAPI_TELEMETRY
from memkit.serve.http.page.rendering import address, render
from memkit.serve.http.page.shielding import OneTimeDoor, Shield
from memkit.serve.http.page.views import (
    ask,
    banks,
    beliefs,
    care,
    changes,
    days,
    erasing,
    graph,
    login,
    memories,
    retention,
)
from memkit.serve.http.page.visits import TOKEN_COOKIE
from memkit.serve.problem_details import status_of
from memkit.store import MemoryStore

PAGE_ROOT = "/page"
PAGE_PATHS = frozenset({"/", PAGE_ROOT})  # that lead to it
PAGE_VIEWS = (banks, ask, days, memories, retention, beliefs, changes, erasing, graph, care, login)
SERVED_FOLDERS = {"/static": "page/static", "/vendor": "vendor"}
UNREADABLE_TEXT = "This address or form lacks something, or holds what can't be read."


def mount_page(app: FastAPI, store: MemoryStore, *, read_only: bool = False) -> None:
    """Serve a store's page under /page of an application, to whose root it leads; it has a guard of its own.

    Visitors log in with an access token as soon as the database has any. `read_only`: it offers and takes no change.
    """
    guard = Middleware(Guard, tokens=store.access, secret_of=token_secret, refuse=refuse, open_paths=open_paths())
    _mount(app, page_app(store, guard, read_only=read_only))


def owners_app(store: MemoryStore, key: str, *, read_only: bool = False) -> FastAPI:
    """The page alone, for the owner of a file: whoever has the one-time key may do everything."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, telemetry=FASTAPI_TELEMETRY)
    _mount(app, page_app(store, Middleware(OneTimeDoor, key=key), read_only=read_only))
    return app


def _mount(app: FastAPI, page: FastAPI) -> None:
    app.mount(PAGE_ROOT, page)

    @app.get("/", include_in_schema=False)
    @app.get(PAGE_ROOT, include_in_schema=False)
    def lead_to_page(request: Request) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}{PAGE_ROOT}/")


def page_app(store: MemoryStore, guard: Middleware, *, read_only: bool) -> FastAPI:
    """The application that is the page."""
    app = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, middleware=[Middleware(Shield), guard],
        telemetry=FASTAPI_TELEMETRY,
    )  # fmt: skip
    app.state.store, app.state.read_only = store, read_only
    for view in PAGE_VIEWS:
        app.include_router(view.router)
    for path, folder in SERVED_FOLDERS.items():
        app.mount(path, StaticFiles(directory=str(files("memkit.serve.http") / folder)))
    for kind in (MemkitError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, show_error)
    return app


def open_paths() -> frozenset[str]:
    """Paths that need no token: the form for one, and the files that draw it."""
    http = files("memkit.serve.http")
    served = {f"{path}/{file.name}" for path, folder in SERVED_FOLDERS.items() for file in (http / folder).iterdir()}
    return frozenset({"/login", *served})


def token_secret(request: Request) -> str | None:
    """The secret of the token with which a visitor logged in."""
    return request.cookies.get(TOKEN_COOKIE)


def refuse(request: Request, error: MemkitError) -> Response:
    """The answer to a visitor whom the guard doesn't let in: the way to the form for a token and back, or why not."""
    if not isinstance(error, UnauthenticatedError):
        return show_error(request, error)
    back = ""
    if request.method == "GET":
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = address(request.scope.get("root_path", ""), "login", back=back)
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"hx-redirect": target})
    return RedirectResponse(target, 303)


def show_error(request: Request, error: Exception) -> Response:
    """The page that says what went wrong, and what helps."""
    status, detail = _status_and_detail(error)
    context = {"visitor": None, "bank": None, "path": None, "zone": "UTC", "view": None, "fresh": None}
    return render(request, "error.html", {**context, "status": status, "detail": detail}, status)


def _status_and_detail(error: Exception) -> tuple[int, str]:
    match error:
        case MemkitError():
            return status_of(error), str(error)
        case HTTPException():
            return error.status_code, error.detail
        case _:
            return 422, UNREADABLE_TEXT
