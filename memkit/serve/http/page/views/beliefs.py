"""Beliefs: what is held true now, by person and relation."""

from fastapi import APIRouter
from starlette.responses import Response

from memkit.models import Memory
from memkit.serve.http.page.visits import ReadVisit

router = APIRouter()
HEADS_SHOWN = 100  # people and things
BELIEFS_SHOWN = 100  # of one of them, on a page
Relations = dict[str, list[Memory]]


@router.get("/beliefs")
def show_beliefs(visit: ReadVisit, head: str | None = None, q: str = "", start: int = 0) -> Response:
    """The beliefs about one person or thing, beside the list of all that there are beliefs about."""
    held = visit.bank.beliefs()
    counts = {name: sum(map(len, relations.values())) for name, relations in held.items()}
    fitting = sorted((name for name in held if q.casefold() in name.casefold()), key=lambda name: -counts[name])
    chosen = head if head is not None else next(iter(fitting), "")
    return visit.show(
        "beliefs.html",
        "beliefs",
        q=q,
        head=chosen,
        heads=[(name, counts[name]) for name in fitting[:HEADS_SHOWN]],
        heads_count=len(fitting),
        total=sum(counts.values()),
        relations=part_of(held.get(chosen, {}), start),
        start=start,
        count=counts.get(chosen, 0),
        shown=BELIEFS_SHOWN,
    )


def part_of(relations: Relations, start: int) -> Relations:
    """A page of beliefs, in their order: by relation, in each the newest first."""
    pairs = [(name, belief) for name, beliefs in relations.items() for belief in reversed(beliefs)]
    part: Relations = {}
    for name, belief in pairs[max(start, 0) :][:BELIEFS_SHOWN]:
        part.setdefault(name, []).append(belief)
    return part
