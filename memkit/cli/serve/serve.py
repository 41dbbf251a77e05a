"""Serve: the database for other processes, over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, EncoderName, parse_choices
from memkit.cli.output import err, say, write_json
from memkit.errors import MissingExtraError
from memkit.serve.http.serve_settings import LOG_FORMATS, AppSettings, ServeLimits, WorkerSettings
from memkit.storage.locations import is_server, public_name

DEFAULT_LIMITS = ServeLimits()


def serve(
    db: Database = DEFAULT_FILE,
    host: Annotated[
        str, typer.Option(help="Where to listen; beyond this machine with access tokens alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes on the one database.")] = 1,
    page: Annotated[bool, typer.Option("--page", help="Also the page on which people see and correct it.")] = False,
    encoder: EncoderName = None,
    maintain: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Between rounds of maintenance; 0: another process does it.")
    ] = 30.0,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Pages elsewhere that may ask: https://app.example. By default none."),
    ] = None,
    root_path: Annotated[str, typer.Option(help="The path before /v1 that a proxy in front takes off.")] = "",
    trust_proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="A proxy whose X-Forwarded-For and -Proto are believed. By default none."),
    ] = None,
    max_body: Annotated[
        int, typer.Option(min=2**10, metavar="BYTES", help="Of a request's body.")
    ] = DEFAULT_LIMITS.body_bytes,
    max_stream: Annotated[
        int, typer.Option(min=2**10, metavar="BYTES", help="Of a body that is read as it comes.")
    ] = DEFAULT_LIMITS.stream_bytes,
    request_seconds: Annotated[
        float, typer.Option(min=0.1, help="Until an answer begins.")
    ] = DEFAULT_LIMITS.request_seconds,
    stream_seconds: Annotated[
        float, typer.Option(min=0.1, help="The same for streams and what goes through whole banks.")
    ] = DEFAULT_LIMITS.stream_seconds,
    max_requests: Annotated[
        int, typer.Option(min=1, help="At work at once, in each worker.")
    ] = DEFAULT_LIMITS.requests_at_work,
    rate: Annotated[
        float, typer.Option(min=0.001, help="Requests a second of one token, in each worker.")
    ] = DEFAULT_LIMITS.requests_per_second,
    log_format: Annotated[str, typer.Option(metavar="text|json", help="Lines for people, or JSON lines.")] = "text",
    json: AsJson = False,
) -> None:
    """Serve the database over HTTP, until Ctrl-C or SIGTERM. See memkit/serve/http/RUNNING.md.

    A file that isn't there is made. Callers need an access token (memkit access create) as soon as the database ever
    had one; until then the server answers this machine alone.
    """
    is_new = not is_server(db) and not Path(db).exists()
    try:
        from memkit.serve.http import running
    except ImportError as error:
        raise MissingExtraError(
            f'serve: {error.name} is not installed. Install it: pip install "memkit-agents[serve]"'
        ) from error
    [chosen_format] = parse_choices("--log-format", [log_format], LOG_FORMATS) or LOG_FORMATS[:1]
    limits = ServeLimits(
        body_bytes=max_body, stream_bytes=max_stream, request_seconds=request_seconds, stream_seconds=stream_seconds,
        requests_at_work=max_requests, requests_per_second=rate,
    )  # fmt: skip
    worker = WorkerSettings(
        db=db, encoder=encoder, maintain_seconds=maintain or None,
        app=AppSettings(page=page, allow_origins=tuple(allow_origin or ()), limits=limits),
    )  # fmt: skip
    place = running.ListeningPlace(
        host=host, port=port, root_path=root_path, proxies=tuple(trust_proxy or ()), workers=workers,
        log_format=chosen_format,
    )  # fmt: skip
    running.serve(
        worker,
        place,
        listening=lambda url, needs_tokens: _tell(_named(db, is_new=is_new), url, needs_tokens, as_json=json),
    )


def _named(db: str, *, is_new: bool) -> str:
    return f"{public_name(db)} (new)" if is_new else public_name(db)


def _tell(name: str, url: str, needs_tokens: bool, *, as_json: bool) -> None:
    if as_json:
        write_json({"url": url, "needs_tokens": needs_tokens})
        return
    callers = "callers need an access token" if needs_tokens else "it has no access tokens: for this machine alone"
    say(err, f"{name} is served at {url}; {callers}.")
