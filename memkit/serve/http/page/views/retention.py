"""Retention: how vivid a bank's memories are, past and to come."""

from fastapi import APIRouter
from starlette.responses import Response

from memkit.bank import MemoryBank
from memkit.forget.decay import FADING_KINDS
from memkit.models import Memory
from memkit.serve.http.page.curves import retention_over
from memkit.serve.http.page.visits import ReadVisit
from memkit.times import utc_now

router = APIRouter()
PAGE_MEMORIES = 10_000
MAX_DRAWN = 100_000  # memories, the newest


@router.get("/retention")
def show_retention(visit: ReadVisit, drawn: bool = False) -> Response:
    """The retention over a bank; `drawn`: read every memory for it."""
    memories = fading_memories(visit.bank) if drawn else []
    curves = retention_over(memories, utc_now(), visit.visitor.store.settings.decay) if memories else None
    return visit.show("retention.html", "retention", drawn=drawn, curves=curves, count=len(memories))


def fading_memories(bank: MemoryBank) -> list[Memory]:
    """Memories that fade or have faded, the newest first."""
    memories: list[Memory] = []
    after: str | None = None
    while len(memories) < MAX_DRAWN:
        page = bank.list(
            list(FADING_KINDS), after=after, limit=PAGE_MEMORIES, states=("active", "archived"), order="-occurred_at"
        )
        memories, after = [*memories, *page], page.next
        if after is None:
            break
    return memories
