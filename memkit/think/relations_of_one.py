"""Relations of which a person has one at a time: a second one contradicts the first."""

import importlib.resources
from functools import cache


def is_single(relation: str | None) -> bool:
    """Whether somebody has at most one of these at a time."""
    if relation is None:
        return False
    name = " ".join(relation.casefold().replace("_", " ").split())
    return any(name == single or (single.endswith("*") and name.startswith(single[:-1])) for single in _singles())


@cache
def _singles() -> tuple[str, ...]:
    text = (importlib.resources.files("memkit.think") / "relations_of_one.txt").read_text("utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip())
