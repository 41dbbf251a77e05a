"""Inspect: the page of one's own database, on this machine alone."""

import socket
import threading
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, EncoderName, open_store
from memkit.cli.output import answer, line, note
from memkit.errors import MissingExtraError

if TYPE_CHECKING:
    from memkit.store import MemoryStore

LOOPBACK_HOST = "127.0.0.1"
File = Annotated[str | None, typer.Argument(metavar="[FILE]", help="The database; without it, that of --db.")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="Where to answer; 0: any free port.")]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Offer no change, and take none.")]


def inspect(
    file: File = None,
    port: Port = 0,
    browser: Browser = True,
    read_only: ReadOnly = False,
    encoder: EncoderName = None,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """See, ask, correct, forget and erase what a database holds, in the browser. Ends with Ctrl-C.

    The address holds a key that is good once: whoever opens it first is let in, and nobody else on this machine.
    """
    with open_store(file or db, encoder=encoder, write=not read_only) as store, _listening(port) as listener:
        key, serve = _door(store, listener, read_only=read_only)
        address = f"http://{LOOPBACK_HOST}:{listener.getsockname()[1]}/page/?key={key}"
        answer(json, {"url": address}, [line(address)])
        if not json:
            note("Open this address, which lets in one browser. Ctrl-C ends it.")
        if browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        with suppress(KeyboardInterrupt):
            serve()


def _listening(port: int) -> socket.socket:
    """A socket of this machine alone, which takes connections from now on."""
    return socket.create_server((LOOPBACK_HOST, port))


def _door(store: "MemoryStore", listener: socket.socket, *, read_only: bool) -> tuple[str, Any]:
    """The one-time key, and the function that serves the page. Raises MissingExtraError."""
    try:
        import uvicorn

        from memkit.serve.http.page.mounting import owners_app
        from memkit.serve.http.page.shielding import new_key
    except ImportError:
        raise MissingExtraError(
            "inspect: the page needs the extra serve. Install it: pip install 'memkit-agents[serve]'"
        ) from None
    key = new_key()
    server = uvicorn.Server(uvicorn.Config(owners_app(store, key, read_only=read_only), log_level="warning"))
    return key, lambda: server.run(sockets=[listener])
