"""Receipts of the changes of a visit, kept in its own cookie for undoing them: ids and numbers, no text.

They lie with the visitor, so that any worker can undo, and nothing of a visit is left at the server.
"""

import base64
import binascii
import zlib
from collections.abc import Sequence
from urllib.parse import parse_qs

from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from memkit.models import Outcome, Receipt
from memkit.protocols import BankName

CHANGES_COOKIE = "memkit_changes"
MAX_COOKIE_CHARS = 3_000  # characters; browsers keep some 4,000 with the name and the attributes
MAX_RECEIPTS_BYTES = 100_000  # of them all, unpacked
RECEIPTS_JSON = TypeAdapter(list[Receipt])


def receipts_of(request: Request) -> list[Receipt]:
    """The changes of this visit that can be undone, newest first."""
    try:
        packed = base64.urlsafe_b64decode(request.cookies.get(CHANGES_COOKIE, ""))
        return RECEIPTS_JSON.validate_json(zlib.decompressobj().decompress(packed, MAX_RECEIPTS_BYTES))
    except (binascii.Error, zlib.error, ValidationError):
        return []


def fresh_receipt(request: Request, bank: BankName) -> Receipt | None:
    """The last change, where this view is the one that follows it."""
    if "changed" not in parse_qs(request.url.query):
        return None
    return next((receipt for receipt in receipts_of(request) if receipt.bank == bank), None)


def keep_receipts(request: Request, answer: Response, receipts: Sequence[Receipt]) -> None:
    """Keep as many of these receipts as a cookie takes, the newest ones."""
    newest = list(map(_without_reasons, receipts))
    while len(packed := _pack(newest)) > MAX_COOKIE_CHARS:
        newest.pop()
    set_cookie(request, answer, CHANGES_COOKIE, packed)


def is_kept(receipt: Receipt) -> bool:
    """Whether a cookie has room for a receipt."""
    return len(_pack([_without_reasons(receipt)])) <= MAX_COOKIE_CHARS


def _without_reasons(receipt: Receipt) -> Receipt:
    done = (Outcome(id=o.id, action=o.action, change=o.change) for o in receipt.outcomes if o.change is not None)
    return Receipt(bank=receipt.bank, change=receipt.change, outcomes=tuple(done))


def _pack(receipts: list[Receipt]) -> str:
    return base64.urlsafe_b64encode(zlib.compress(RECEIPTS_JSON.dump_json(receipts, exclude_defaults=True))).decode()


def set_cookie(request: Request, answer: Response, name: str, value: str) -> None:
    """Set a cookie that no script can read and no other site can send, until the browser is closed."""
    path, is_secure = request.scope.get("root_path", "") or "/", request.url.scheme == "https"
    answer.set_cookie(name, value, path=path, httponly=True, samesite="strict", secure=is_secure)
