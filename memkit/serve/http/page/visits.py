"""Visits of the page: who looks, what they may do there, and the proof that a form came from the page."""

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Form, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from memkit.access import Right
from memkit.bank import MemoryBank
from memkit.errors import ForbiddenError, ReadOnlyError
from memkit.identifiers import bank_path
from memkit.serve.guard import Caller
from memkit.serve.http.page.receipts import fresh_receipt
from memkit.serve.http.page.rendering import address, render
from memkit.store import MemoryStore

TOKEN_COOKIE, VISIT_COOKIE = "memkit_token", "memkit_visit"
FormText = Annotated[str, Form()]
RESERVED_RIGHTS: tuple[Right, ...] = ("write", "erase")  # which nobody has where a store is read-only


@dataclass(frozen=True)
class Visitor:
    """Whoever looks at the page."""

    request: Request
    store: MemoryStore
    read_only: bool

    @property
    def caller(self) -> Caller:
        """The caller whom the guard let in."""
        caller: Caller = self.request.state.caller
        return caller

    @property
    def is_known(self) -> bool:
        """Whether somebody logged in with a token."""
        return self.caller.token is not None

    @property
    def form_key(self) -> str:
        """Proof that a form came from the page in this visit; nobody else can read the cookies that it follows from."""
        cookies = self.request.cookies
        visit = self.request.state.visit
        secret = f"{visit} {cookies.get(TOKEN_COOKIE, '')}"
        return hmac.new(secret.encode(), b"a form of memkit's page", "sha256").hexdigest()

    def may(self, right: Right, bank: Sequence[str]) -> bool:
        """Whether they have a right in a bank, or in all under a prefix."""
        if self.read_only and right in RESERVED_RIGHTS:
            return False
        return self.caller.token is None or self.caller.token.allows(right, bank)

    def check_visit(self, key: str) -> None:
        """Raise ForbiddenError where a form isn't the page's own, of this visit."""
        if not hmac.compare_digest(key.encode(), self.form_key.encode()):
            raise ForbiddenError("This form is of another visit. Open its page again, and send it from there.")

    def check_form(self, key: str) -> None:
        """Raise ForbiddenError where a form isn't the page's own, ReadOnlyError where nothing may be changed at all."""
        self.check_visit(key)
        if self.read_only:
            raise ReadOnlyError("This page is read-only: nothing can be changed. Start it without --read-only.")

    def show(self, template: str, status: int = 200, **context: Any) -> Response:
        """The answer with a template filled in."""
        shared = {"visitor": self, "bank": None, "path": None, "zone": "UTC", "view": None, "fresh": None}
        return render(self.request, template, {**shared, **context}, status)

    def goes_to(self, view: str, **values: object) -> Response:
        """The answer that leads on to a view."""
        return RedirectResponse(address(self.request.scope.get("root_path", ""), view, **values), 303)


@dataclass(frozen=True)
class BankVisit:
    """A visitor at a bank in which they have the right that the view needs."""

    visitor: Visitor
    bank: MemoryBank

    def may(self, right: Right) -> bool:
        """Whether they have a right here."""
        return self.visitor.may(right, self.bank.name)

    def show(self, template: str, view: str, status: int = 200, **context: Any) -> Response:
        """The answer with a template filled in."""
        request, path = self.visitor.request, bank_path(self.bank.name)
        shared = {
            "visit": self,
            "bank": self.bank,
            "path": path,
            "zone": self.bank.zone,
            "view": view,
            "fresh": fresh_receipt(request, self.bank.name),
        }
        return self.visitor.show(template, status, **{**shared, **context})


def new_visit() -> str:
    """A new secret of a visit."""
    return secrets.token_urlsafe(32)


def visitor_of(request: Request) -> Visitor:
    """The visitor of a request."""
    state = request.app.state
    return Visitor(request, state.store, state.read_only)


PageVisitor = Annotated[Visitor, Depends(visitor_of)]


def existing_bank(visitor: Visitor, path: str, right: Right) -> BankVisit:
    """The bank of a path. Raises ForbiddenError, and 404 where there is none."""
    bank = visitor.caller.bank(visitor.store, path, right)
    if bank.name not in visitor.store.banks(bank.name):
        raise HTTPException(404, "There is no bank of this name, or no longer.")
    return BankVisit(visitor, bank)


def looking_with(right: Right) -> Callable[..., BankVisit]:
    """The dependency that gives the bank which a view is asked to show."""

    def find(visitor: PageVisitor, bank: Annotated[str, Query()]) -> BankVisit:
        return existing_bank(visitor, bank, right)

    return find


def changing_with(right: Right) -> Callable[..., BankVisit]:
    """The dependency that gives the bank which one of the page's own forms is to change."""

    def find(visitor: PageVisitor, bank: FormText, form_key: FormText) -> BankVisit:
        visitor.check_form(form_key)
        return existing_bank(visitor, bank, right)

    return find


ReadVisit = Annotated[BankVisit, Depends(looking_with("read"))]
CareVisit = Annotated[BankVisit, Depends(looking_with("admin"))]
WritingVisit = Annotated[BankVisit, Depends(changing_with("write"))]
ErasingVisit = Annotated[BankVisit, Depends(changing_with("erase"))]
MendingVisit = Annotated[BankVisit, Depends(changing_with("admin"))]
