"""Forms of changes by hand."""

from memkit.forget.requests import ThinkingReceipt
from memkit.models import Memory, Receipt
from memkit.serve.http.forms.basics import Flag, JsonMoment, MemoryIds, RequestForm


class InsertRequest(RequestForm):
    """Texts, which become thoughts, or memories as they are."""

    items: list[str | Memory]


class MergeRequest(RequestForm):
    """Memories, and the text that takes their place."""

    ids: MemoryIds
    text: str


class RewriteRequest(RequestForm):
    """A memory, and the text that holds now."""

    id: str
    text: str


class PinRequest(RequestForm):
    """A memory that is to be kept from fading, or not any more."""

    id: str
    pinned: Flag = True


class ForgetRequestForm(RequestForm):
    """Memories to take out of recall, and why."""

    ids: MemoryIds
    reason: str


class RestoreRequest(RequestForm):
    """Memories to bring back into recall."""

    ids: MemoryIds


class UndoRequest(RequestForm):
    """A receipt, as it was answered, whose changes are to be undone."""

    receipt: ThinkingReceipt | Receipt


class RenameSpeakerRequest(RequestForm):
    """A person's name as it is, and as it is to be."""

    old: str
    new: str


class ChangeZoneRequest(RequestForm):
    """The IANA name of a time zone."""

    zone: str


class DecayRequest(RequestForm):
    """The moment at which is looked what has faded; with `dry_run`, nothing is changed."""

    now: JsonMoment | None = None
    dry_run: Flag = False
