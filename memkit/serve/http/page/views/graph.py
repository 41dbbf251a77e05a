"""Graph: people and things, with the thoughts between them."""

import json
from collections.abc import Sequence

from fastapi import APIRouter
from starlette.responses import Response

from memkit.models import Memory
from memkit.serve.http.page.rendering import excerpt, visible
from memkit.serve.http.page.visits import ReadVisit

router = APIRouter()
MAX_THOUGHTS = 250  # the newest
NAME_CHARS = 40  # of a node


@router.get("/graph")
def show_graph(visit: ReadVisit, since: str = "", until: str = "", q: str = "") -> Response:
    """The graph of the newest thoughts of a time, and the same as a table."""
    page = visit.bank.list(
        ["thought"], limit=MAX_THOUGHTS, since=since or None, until=until or None, order="-occurred_at"
    )
    thoughts = [thought for thought in page if thought.head and _is_about(thought, q)]
    return visit.show(
        "graph.html", "graph", since=since, until=until, q=q, thoughts=thoughts, is_part=page.next is not None,
        elements=elements_of(thoughts), limit=MAX_THOUGHTS,
    )  # fmt: skip


def _is_about(thought: Memory, words: str) -> bool:
    return words.casefold() in f"{thought.head} {thought.tail or ''}".casefold()


def elements_of(thoughts: Sequence[Memory]) -> str:
    """Nodes and edges as JSON; a node is a person or thing, under its name in lower case."""
    names: dict[str, str] = {}
    for thought in thoughts:
        for name in (thought.head, thought.tail or thought.text):
            names.setdefault(str(name).casefold(), excerpt(str(name), NAME_CHARS))
    people = {str(thought.head).casefold() for thought in thoughts}
    keys = {key: f"n{number}" for number, key in enumerate(names)}
    nodes = [{"id": keys[key], "name": name, "person": key in people} for key, name in names.items()]
    edges = [
        {
            "source": keys[str(thought.head).casefold()],
            "target": keys[(thought.tail or thought.text).casefold()],
            "name": visible(thought.relation or ""),
            "memory": thought.id,
        }
        for thought in thoughts
    ]
    return json.dumps({"nodes": nodes, "edges": edges})
