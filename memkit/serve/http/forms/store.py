"""Forms of a store's care."""

from typing import Annotated

from pydantic import Field

from memkit.serve.http.forms.basics import Flag, PrefixParts, RequestForm

MAX_WAIT_S = 600.0  # seconds of one request


class MaintainRequest(RequestForm):
    """Seconds to spend."""

    budget_s: Annotated[float, Field(ge=0, le=MAX_WAIT_S, strict=True)]


class AuditRequest(RequestForm):
    """Banks to look at; with `fix`, what can be is put right."""

    prefix: PrefixParts = ()
    fix: Flag = False


class DoctorRequest(RequestForm):
    """Whether problems are repaired."""

    repair: Flag = False


class FlushRequest(RequestForm):
    """Seconds to wait, at most."""

    timeout_s: Annotated[float, Field(ge=0, le=MAX_WAIT_S, strict=True)] = 30.0
