"""Entity tags: an answer that only depends on the bank and the question is named after the bank's version."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.concurrency import run_in_threadpool

from memkit.models import Memory
from memkit.serve.http.dependencies import ReadableBank
from memkit.serve.http.problems import NotModified

IfNoneMatch = Annotated[
    str | None, Header(description="Entity tags of answers that the caller has; where one still holds: 304.")
]


async def tag_answer(
    request: Request, response: Response, bank: ReadableBank, if_none_match: IfNoneMatch = None
) -> None:
    """Name the answer by what it depends on. Raises NotModified where the caller has it."""
    version = await run_in_threadpool(lambda: bank.version)
    asked = f"{version} {request.url.path}?{request.url.query}"
    etag = f'W/"{blake2b(asked.encode(), digest_size=12).hexdigest()}"'
    if if_none_match is not None and _matches(if_none_match, etag):
        raise NotModified(etag)
    response.headers["ETag"] = etag


TAG_HEADER = {"ETag": {"description": "Names the answer, until it is another.", "schema": {"type": "string"}}}
TAGGED_ANSWERS: dict[str, Any] = {
    "dependencies": [Depends(tag_answer)],
    "responses": {
        200: {"headers": TAG_HEADER},
        304: {"description": "The answer is one that the caller has.", "headers": TAG_HEADER},
    },
}  # of a route


def _matches(header: str, etag: str) -> bool:
    names = {name.strip().removeprefix("W/") for name in header.split(",")}
    return "*" in names or etag.removeprefix("W/") in names


def untag_passing(response: Response, memories: Iterable[Memory]) -> None:
    """Take the tag from an answer with items whose time passes without a change of the bank."""
    if any(memory.kind == "item" and memory.valid_until is not None for memory in memories):
        del response.headers["ETag"]
