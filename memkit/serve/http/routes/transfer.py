"""Transfer: banks as streams of JSON lines, files of other memories, turns as they come."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic_core import from_json

from memkit.errors import InputError
from memkit.flows.portability.importing import ImportReport
from memkit.flows.transfer import LoadReport
from memkit.importers import ImportFormat
from memkit.models import ErasureReceipt
from memkit.serve.http.dependencies import (
    AdminGrant,
    AdminStore,
    BankPath,
    PrefixPath,
    ServedStore,
    WritableBank,
    WriteGrant,
    prefix_name,
)
from memkit.serve.http.forms.erasing import RepeatErasuresRequest
from memkit.serve.http.streams import lines_of, passing_folder, pieces_of, save_body
from memkit.serve.http.turn_stream import observe_lines
from memkit.serve.http.verb_route import verb_router
from memkit.store import MemoryStore

JSON_LINES = "application/x-ndjson"
ANY_BYTES = "application/octet-stream"
MAX_RECEIPT_BYTES = 1_000_000  # of one answer that are held in memory
router = verb_router("transfer")
EXPORT_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "JSON lines.", "content": {JSON_LINES: {"schema": {"type": "string"}}}}
}


def _streamed_body(*media_types: str) -> dict[str, Any]:
    """A body that is read as it comes, for OpenAPI."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in media_types}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/bank/observe_stream",
    response_class=StreamingResponse,
    responses=EXPORT_ANSWER,
    openapi_extra=_streamed_body(JSON_LINES),
)
async def observe_stream(bank: WritableBank, request: Request) -> StreamingResponse:
    """Observe turns as they come, a JSON value a line, in any number; answers a receipt a line, for each batch.

    The next batch is read once the one before is stored. A line that can't be read is an outcome of its own. Turns with
    ids may be sent again after a stream was cut off: what is stored is skipped.
    """
    with ExitStack() as stack:
        receipts = stack.enter_context(SpooledTemporaryFile(MAX_RECEIPT_BYTES))
        async for receipt in observe_lines(bank, lines_of(request)):
            await run_in_threadpool(receipts.write, receipt.model_dump_json().encode() + b"\n")
        receipts.seek(0)
        stack.pop_all()
    return StreamingResponse(pieces_of(receipts), media_type=JSON_LINES)


@router.get("/store/export", response_class=StreamingResponse, responses=EXPORT_ANSWER)
async def export(
    store: ServedStore,
    grant: AdminGrant,
    prefix: PrefixPath = "",
    vectors: Annotated[bool, Query(description="Without vectors, whoever loads it makes them anew.")] = True,
) -> StreamingResponse:
    """Export all that banks are, as JSON lines for `load`."""
    name = prefix_name(prefix)
    grant.check(name)
    pieces = await run_in_threadpool(_exported, store, name, vectors=vectors)
    return StreamingResponse(pieces, media_type=JSON_LINES)


def _exported(store: MemoryStore, prefix: tuple[str, ...], *, vectors: bool) -> Iterator[bytes]:
    """Bytes of an export, whose file has no name any more: it goes with the request."""
    with passing_folder() as folder:
        store.export(folder / "export.jsonl", prefix=prefix, vectors=vectors)
        return pieces_of((folder / "export.jsonl").open("rb"))


@router.post("/store/load", openapi_extra=_streamed_body(JSON_LINES))
async def load(store: AdminStore, request: Request) -> LoadReport:
    """Load what `export` wrote: each bank as a whole or not at all; one that holds all of it stays as it is.

    Nothing is loaded before all of it has come.
    """
    with passing_folder() as folder:
        await save_body(request, folder / "body")
        return await run_in_threadpool(store.load, folder / "body")


@router.post("/store/import_from", openapi_extra=_streamed_body(ANY_BYTES))
async def import_from(
    store: ServedStore,
    grant: WriteGrant,
    request: Request,
    format: Annotated[ImportFormat, Query(description="The format of the file.")],
    bank: BankPath,
    speakers: Annotated[
        str | None,
        Query(description="Who speaks in a role, as a JSON object.", examples=['{"user": "Ana"}']),
    ] = None,
    split: Annotated[bool, Query(description="Each owner's memories go to a bank below `bank`.")] = False,
    dry_run: Annotated[bool, Query(description="Only say what would come.")] = False,
) -> ImportReport:
    """Bring what another memory or chat exported into a bank; what is there already stays as it is.

    The body is the file itself. Nothing is stored before all of it has come and could be read.
    """
    name = prefix_name(bank)
    grant.check(name)
    bring = partial(store.import_from, format, bank=name, speakers=_names(speakers), split=split, dry_run=dry_run)
    with passing_folder() as folder:
        await save_body(request, folder / "body")
        return await run_in_threadpool(_imported, bring, folder / "body")


def _imported(bring: Any, path: Path) -> ImportReport:
    report: ImportReport = bring(path=path)
    return report


def _names(text: str | None) -> dict[str, str]:
    try:
        names = {} if text is None else from_json(text)
    except ValueError as error:
        raise InputError(f'speakers: is no JSON ({error}). Give an object, for example {{"user": "Ana"}}.') from None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InputError('speakers: must be an object of names, for example {"user": "Ana"}.')
    return names


@router.post("/store/repeat_erasures")
async def repeat_erasures(store: AdminStore, request: RepeatErasuresRequest) -> list[ErasureReceipt]:
    """Erase again what was erased since the database was set back to an earlier moment; answers those receipts."""
    with passing_folder() as folder:
        lines = "".join(f"{receipt.model_dump_json()}\n" for receipt in request.receipts)
        await run_in_threadpool((folder / "body").write_text, lines, encoding="utf-8")
        return await run_in_threadpool(store.repeat_erasures, folder / "body")
