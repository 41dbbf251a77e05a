"""Plans of erasure between the call that makes one and the call that carries it out."""

import secrets
import threading
import time
from dataclasses import dataclass
from datetime import timedelta

from memkit.errors import InputError
from memkit.forget.erasure_plan import ErasePlan
from memkit.protocols import BankName
from memkit.serve.guard import Caller

PLAN_SPAN = timedelta(minutes=10)
MAX_PLANS = 1_000  # that wait; the oldest give way
ID_BYTES = 9


@dataclass(frozen=True)
class HeldPlan:
    """A plan, who made it, and until when it can be carried out."""

    plan: ErasePlan
    caller: Caller
    until: float  # seconds of the monotonic clock


class ErasePlans:
    """Plans by id, in this process's memory alone: each is its bank's and its caller's, and lives some minutes."""

    def __init__(self) -> None:
        self._plans: dict[str, HeldPlan] = {}
        self._lock = threading.Lock()

    def add(self, plan: ErasePlan, caller: Caller) -> str:
        """Hold a plan; gives back its id."""
        id, now = secrets.token_urlsafe(ID_BYTES), time.monotonic()
        with self._lock:
            alive = [pair for pair in self._plans.items() if pair[1].until > now]
            self._plans = dict(alive[1 - MAX_PLANS :])
            self._plans[id] = HeldPlan(plan, caller, now + PLAN_SPAN.total_seconds())
        return id

    def take(self, id: str, bank: BankName, caller: Caller) -> ErasePlan:
        """The plan of an id, which is gone then. Raises InputError where this caller has no such plan of this bank."""
        with self._lock:
            held = self._plans.get(id)
            if held is None or held.until <= time.monotonic() or (held.plan.bank, held.caller) != (bank, caller):
                raise InputError(
                    "plan_id: no plan of this bank has this id (any more); one lives for "
                    f"{PLAN_SPAN.seconds // 60} minutes and is carried out once. Call plan_erase again, and look at it."
                )
            del self._plans[id]
        return held.plan
