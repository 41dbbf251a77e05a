"""Forms of erasing: what is chosen, and the plan that is carried out."""

from memkit.forget.erasure_plan import ErasePlan
from memkit.models import ErasureReceipt
from memkit.serve.http.forms.basics import BankParts, JsonMoment, MemoryIds, RequestForm


class PlanEraseRequest(RequestForm):
    """Conditions of what is to go; all of them must hold."""

    about: str | None = None
    speaker: str | None = None
    session: str | None = None
    since: JsonMoment | None = None
    until: JsonMoment | None = None
    ids: MemoryIds | None = None


class EraseRequest(RequestForm):
    """Either the plan that `plan_erase` gave, or ids of memories; `requested_by`: who asked for it."""

    plan: ErasePlan | None = None
    ids: MemoryIds | None = None
    requested_by: str | None = None


class EraseAllRequest(RequestForm):
    """The bank's own name, given again."""

    confirm: BankParts
    requested_by: str | None = None


class EraseUnderRequest(RequestForm):
    """The beginning of the names of the banks that go, and the same again."""

    under: BankParts
    confirm: BankParts
    requested_by: str | None = None


class RepeatErasuresRequest(RequestForm):
    """Receipts of erasures, as `/v1/store/receipts` answered them before the database was set back."""

    receipts: list[ErasureReceipt]
