"""A memory's own page: its text, what it rests on, what rests on it, its history, and how it fades."""

from collections.abc import Iterator
from typing import NamedTuple

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from memkit.bank import MemoryBank
from memkit.models import Memory
from memkit.serve.http.page.curves import retention_of
from memkit.serve.http.page.rendering import WHOLE_CHARS
from memkit.serve.http.page.visits import ReadVisit
from memkit.times import utc_now

router = APIRouter()
SOURCES_SHOWN = 60  # down to the turns
RESTING_SHOWN = 20  # memories that rest on one


class RestedOn(NamedTuple):
    """Memory on which another rests, at a depth: 0 are its own sources."""

    memory: Memory
    depth: int


@router.get("/memory")
def show_memory(visit: ReadVisit, id: str, whole: bool = False) -> Response:
    """All that is known of one memory."""
    memory = visit.bank.get(id)
    if memory is None:
        raise HTTPException(404, "No memory of this bank has this id. What was erased has none any more.")
    resting_ids = ids_resting_on(visit.bank, memory)
    return visit.show(
        "memory.html",
        "memory",
        memory=memory,
        is_cut=len(memory.text) > WHOLE_CHARS and not whole,
        length=len(memory.text) if whole else WHOLE_CHARS,
        sources=list(sources_of(visit.bank, memory)),
        resting=[each for each in map(visit.bank.get, resting_ids[:RESTING_SHOWN]) if each is not None],
        resting_count=len(resting_ids),
        history=visit.bank.history(id),
        curve=retention_of(memory, utc_now(), visit.visitor.store.settings.decay),
    )


def sources_of(bank: MemoryBank, memory: Memory) -> Iterator[RestedOn]:
    """Memories that one rests on, each followed by its own, down to the turns; each once."""
    seen, waiting = {memory.id}, [RestedOn(memory, -1)]
    while waiting and len(seen) <= SOURCES_SHOWN:
        source = waiting.pop()
        if source.depth >= 0:
            yield source
        fresh = [id for id in source.memory.sources if id not in seen][:SOURCES_SHOWN]
        seen.update(fresh)
        below = [each for each in map(bank.get, fresh) if each is not None]
        waiting += [RestedOn(each, source.depth + 1) for each in reversed(below)]


def ids_resting_on(bank: MemoryBank, memory: Memory) -> list[str]:
    """Ids of the memories that rest on one: what erasing it would take along, or have made again."""
    return [row.id for row in bank.plan_erase(ids=[memory.id]).rows if row.why == "derived"]
