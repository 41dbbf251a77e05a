"""MCP: a database as the memory of agents that speak the Model Context Protocol."""

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, Database, EncoderName, bank_parts, open_store
from memkit.storage.locations import is_server

if TYPE_CHECKING:
    from memkit.serve.mcp.served_banks import ServedBanks

DEFAULT_PORT = 8765


def mcp(
    bank: Annotated[
        str | None, typer.Option(metavar="BANK", help="Serve this bank alone: acme/ana. Tools then take no bank.")
    ] = None,
    under: Annotated[
        str | None, typer.Option(metavar="PREFIX", help="Serve the banks whose names start so: acme. Default: all.")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Offer only the tools that read.")] = False,
    http: Annotated[
        bool, typer.Option("--http", help="Serve over HTTP, at /mcp, instead of stdin and stdout.")
    ] = False,
    host: Annotated[str, typer.Option(metavar="HOST", help="With --http: the address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="With --http: the port; 0 takes a free one.")
    ] = DEFAULT_PORT,
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
) -> None:
    """Serve memory to agents that speak the Model Context Protocol.

    On stdin and stdout, as clients start it, or with --http to whoever has an access token, and to this machine alone
    where there is none. A file that isn't there is made; what was said is thought about meanwhile.
    """
    gc.disable()  # until all is imported
    from memkit.serve.mcp.served_banks import ServedBanks

    location = db if is_server(db) else str(Path(db).expanduser())
    with open_store(location, encoder=encoder, create=not read_only) as store:
        only, prefix = (bank_parts(name) if name else None for name in (bank, under))
        served = ServedBanks(store, only, prefix or (), read_only)
        if not read_only:
            store.background()
        serve = _transport(http=http, host=host, port=port)
        gc.freeze()
        gc.enable()
        serve(served)


def _transport(*, http: bool, host: str, port: int) -> "Callable[[ServedBanks], None]":
    if http:
        from memkit.serve.mcp.http import serve_http

        return partial(serve_http, host=host, port=port)
    from memkit.serve.mcp.stdio import serve_stdio

    return serve_stdio
