"""Forms of changes by hand."""

from pydantic import ConfigDict

from memkit.forget.requests import ThinkingReceipt
from memkit.models import Memory, Receipt
from memkit.serve.http.forms.basics import Flag, JsonMoment, MemoryIds, RequestForm

EXAMPLE_ID = "0197f2c4-8a10-7c3e-9b1d-2f4e5a6b7c8d"


class InsertRequest(RequestForm):
    """Texts, which become thoughts, or memories as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": ["Ana lives in Hamburg."]}]})

    items: list[str | Memory]


class MergeRequest(RequestForm):
    """Memories, and the text that takes their place."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": [EXAMPLE_ID], "text": "Ana lives in Hamburg."}]})

    ids: MemoryIds
    text: str


class RewriteRequest(RequestForm):
    """A memory, and the text that holds now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": EXAMPLE_ID, "text": "Ana lives in Bremen."}]})

    id: str
    text: str


class PinRequest(RequestForm):
    """A memory that is to be kept from fading, or not any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": EXAMPLE_ID}]})

    id: str
    pinned: Flag = True


class ForgetRequestForm(RequestForm):
    """Memories to take out of recall, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": [EXAMPLE_ID], "reason": "no longer true"}]})

    ids: MemoryIds
    reason: str


class RestoreRequest(RequestForm):
    """Memories to bring back into recall."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": [EXAMPLE_ID]}]})

    ids: MemoryIds


class UndoRequest(RequestForm):
    """A receipt, as it was answered, whose changes are to be undone."""

    receipt: ThinkingReceipt | Receipt


class RenameSpeakerRequest(RequestForm):
    """A person's name as it is, and as it is to be."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"old": "user", "new": "Ana"}]})

    old: str
    new: str


class ChangeZoneRequest(RequestForm):
    """The IANA name of a time zone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"zone": "Europe/Berlin"}]})

    zone: str


class DecayRequest(RequestForm):
    """The moment at which is looked what has faded; with `dry_run`, nothing is changed."""

    now: JsonMoment | None = None
    dry_run: Flag = False
