"""Requests to forget, as an application gets them: a proposal that it can show and carry out; they hold no text."""

from datetime import datetime

from memkit.forget.erasure_plan import ErasePlan
from memkit.models import FrozenModel, Receipt


class ForgetRequest(FrozenModel):
    """A person's request to have something forgotten, and the erasure that would carry it out.

    id: of the record that keeps it open; it goes with the erasure, or alone where the request is declined
    turn: id of the turn that asks; speaker: who said it; at: when
    closed: ids of the thoughts that were taken out of recall because of it
    """

    id: str
    turn: str
    speaker: str
    at: datetime
    closed: tuple[str, ...]
    plan: ErasePlan

    def describe(self) -> str:
        """The plan with the texts that it touches, read now. Raises InputError where it left its bank behind."""
        return self.plan.describe()


class ThinkingReceipt(Receipt):
    """Receipt of thinking: one outcome for each proposal, and what people asked to have forgotten meanwhile."""

    requests: tuple[ForgetRequest, ...] = ()
