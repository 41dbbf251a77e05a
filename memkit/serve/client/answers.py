"""Answers: what a response's body holds, or the error that it tells of."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from memkit import errors
from memkit.errors import MemkitError, StorageError
from memkit.models import MemoryPage
from memkit.recall.present.recollection import Recollection
from memkit.serve.client.calls import WayBack
from memkit.serve.http.forms.answers import MemoryPageForm
from memkit.serve.http.forms.recollection import RecollectionForm

ERROR_URN = "urn:memkit:"  # before the name of an error's class, in a problem's type
ERROR_BY_STATUS: dict[int, type[MemkitError]] = {
    401: errors.UnauthenticatedError,
    403: errors.ForbiddenError,
    413: errors.RequestTooLargeError,
    422: errors.InputError,
    429: errors.RateLimitError,
    502: errors.UnreachableServerError,
    503: errors.UnreachableServerError,
    504: errors.UnreachableServerError,
}
FORM_BY_TYPE: dict[Any, Any] = {Recollection: RecollectionForm, MemoryPage: MemoryPageForm}  # of what JSON hasn't


@cache
def reader_of(verb: Callable[..., Any]) -> Callable[[bytes, WayBack], Any]:
    """The function that reads a verb's answer: what the verb itself gives, or the form that this has as JSON."""
    type_ = get_type_hints(verb)["return"]
    return reader(FORM_BY_TYPE.get(type_, type_))


def reader(type_: Any) -> Callable[[bytes, WayBack], Any]:
    """The function that reads an answer of this type. It raises StorageError for anything else."""
    adapter = TypeAdapter(type_)

    def read(content: bytes, back: WayBack) -> Any:
        try:
            return adapter.validate_json(content)
        except ValidationError as error:
            raise StorageError(
                f"connect: the server's answer is none of this memkit's ({error.error_count()} flaws). "
                "See that the address is that of `memkit serve`, and that both are of one version."
            ) from None

    return read


def raw(content: bytes, back: WayBack) -> bytes:
    """An answer that is read piece by piece elsewhere."""
    return content


def error_of(status: int, content: bytes) -> MemkitError:
    """The error that a response tells of: by its class and in its words, where it is one of memkit's."""
    problem = _problem(content)
    kind = getattr(errors, str(problem.get("type")).removeprefix(ERROR_URN), None)
    if isinstance(kind, type) and issubclass(kind, MemkitError):
        return kind(str(problem.get("detail")))
    title = str(problem.get("detail") or problem.get("title") or "not as memkit does").rstrip(".")
    return ERROR_BY_STATUS.get(status, StorageError)(
        f"connect: the server answered with status {status}: {title}. "
        "See that the address is that of `memkit serve`, and that both are of one version."
    )


def _problem(content: bytes) -> Mapping[str, Any]:
    try:
        problem = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return problem if isinstance(problem, dict) else {}
