"""Changes by hand, each with its receipt, by which it can be undone in the same visit."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from memkit.errors import InputError
from memkit.identifiers import bank_path
from memkit.models import Receipt
from memkit.serve.http.page.receipts import is_kept, keep_receipts, receipts_of
from memkit.serve.http.page.rendering import address, is_own_address
from memkit.serve.http.page.visits import BankVisit, FormText, ReadVisit, WritingVisit

router = APIRouter()
MARK_NAMES = ("changed", "unchanged", "undone")  # parameters by which the next view says what was done


@router.get("/changes")
def show_changes(visit: ReadVisit) -> Response:
    """The changes of this visit that can be undone."""
    receipts = [receipt for receipt in receipts_of(visit.visitor.request) if receipt.bank == visit.bank.name]
    return visit.show("changes.html", "changes", receipts=receipts)


@router.post("/correct")
def correct(visit: WritingVisit, id: FormText, text: FormText, back: FormText = "") -> Response:
    """Put the user's own word in the place of a memory."""
    return done(visit, visit.bank.correct(id, text), back)


@router.post("/pin")
def pin(visit: WritingVisit, id: FormText, back: FormText = "") -> Response:
    """Keep a memory from fading."""
    return done(visit, visit.bank.pin(id), back)


@router.post("/unpin")
def unpin(visit: WritingVisit, id: FormText, back: FormText = "") -> Response:
    """Let a memory fade again."""
    return done(visit, visit.bank.pin(id, pinned=False), back)


@router.post("/forget")
def forget(visit: WritingVisit, id: FormText, reason: FormText = "", back: FormText = "") -> Response:
    """Take a memory out of recall."""
    return done(visit, visit.bank.forget(id, reason=reason.strip() or "forgotten by hand"), back)


@router.post("/restore")
def restore(visit: WritingVisit, id: FormText, back: FormText = "") -> Response:
    """Bring a memory back into recall."""
    return done(visit, visit.bank.restore(id), back)


@router.post("/undo")
def undo(visit: WritingVisit, receipt: FormText, back: FormText = "") -> Response:
    """Undo a change by its receipt."""
    given = _read_receipt(receipt)
    visit.bank.undo(given)
    answer = RedirectResponse(marked(visit, back, "undone"), 303)
    others = [other for other in receipts_of(visit.visitor.request) if (other.bank, other.change) != _key(given)]
    keep_receipts(visit.visitor.request, answer, others)
    return answer


def _read_receipt(text: str) -> Receipt:
    try:
        return Receipt.model_validate_json(text)
    except ValidationError:
        raise InputError("undo: this is no receipt. Undo it from the page that showed the change.") from None


def _key(receipt: Receipt) -> tuple[tuple[str, ...], int]:
    return receipt.bank, receipt.change


def done(visit: BankVisit, receipt: Receipt, back: str) -> Response:
    """The answer to a change: back to where it was asked for, with the receipt kept for undoing it."""
    request = visit.visitor.request
    if all(outcome.change is None for outcome in receipt.outcomes):
        return RedirectResponse(marked(visit, back, "unchanged"), 303)
    if not is_kept(receipt):
        return visit.show("changes.html", "changes", receipts=[receipt])
    answer = RedirectResponse(marked(visit, back, "changed"), 303)
    keep_receipts(request, answer, [receipt, *receipts_of(request)])
    return answer


def marked(visit: BankVisit, back: str, mark: str) -> str:
    """An address of the page to go back to, with what was done; the bank's own where it is none."""
    root = visit.visitor.request.scope.get("root_path", "")
    home = address(root, "bank", bank=bank_path(visit.bank.name))
    parts = urlsplit(back if is_own_address(root, back) else home)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in MARK_NAMES]
    return parts._replace(query=urlencode([*query, (mark, "1")])).geturl()
