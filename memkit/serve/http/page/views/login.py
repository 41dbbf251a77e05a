"""Log in with an access token, and out.

The cookie holds the token itself, out of reach of scripts and of other sites: any worker knows it again, a token that
was revoked or expired is out at once, and no second secret is kept anywhere.
"""

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from memkit.serve.guard import Caller
from memkit.serve.http.page.receipts import CHANGES_COOKIE, set_cookie
from memkit.serve.http.page.rendering import is_own_address
from memkit.serve.http.page.visits import TOKEN_COOKIE, FormText, PageVisitor
from memkit.serve.origins import check_origin

router = APIRouter()
REFUSED_TEXT = "This token is unknown, has expired or was revoked."


@router.get("/login")
def ask_for_token(visitor: PageVisitor, back: str = "") -> Response:
    """The form for a token."""
    visitor.request.state.caller = Caller()
    return visitor.show("login.html", back=back, refused=None)


@router.post("/login")
def log_in(
    visitor: PageVisitor, token: FormText, form_key: FormText, back: FormText = "",
) -> Response:  # fmt: skip
    """Keep the token in the visitor's cookie, if it is one."""
    check_origin(visitor.request, ())
    visitor.request.state.caller = Caller()
    visitor.check_visit(form_key)
    if visitor.store.access.token_of(token.strip()) is None:
        return visitor.show("login.html", 401, back=back, refused=REFUSED_TEXT)
    root = visitor.request.scope.get("root_path", "")
    answer = RedirectResponse(back if is_own_address(root, back) else f"{root}/", 303)
    set_cookie(visitor.request, answer, TOKEN_COOKIE, token.strip())
    return answer


@router.post("/logout")
def log_out(visitor: PageVisitor, form_key: FormText) -> Response:
    """Take the token out of the visitor's cookies, and what they changed."""
    visitor.check_visit(form_key)
    answer = visitor.goes_to("login")
    path = visitor.request.scope.get("root_path", "") or "/"
    for name in (TOKEN_COOKIE, CHANGES_COOKIE):
        answer.delete_cookie(name, path=path, httponly=True, samesite="strict")
    return answer
