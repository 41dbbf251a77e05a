"""Functional relations: a head has one tail at a time, a second one contradicts it. Rule files say which they are."""

from functools import cache

from memkit.think.extractive.language import languages

WHAT_SLOT = "{what}"  # stands in a name for a word of the speaker's: "favourite colour"


def is_functional(relation: str | None) -> bool:
    """Whether a head has at most one tail of this relation at a time."""
    if relation is None:
        return False
    name = " ".join(relation.casefold().replace("_", " ").split())
    exact, begun = _functional_names()
    return name in exact or name.startswith(begun)


@cache
def _functional_names() -> tuple[frozenset[str], tuple[str, ...]]:
    """Full names, and the beginnings of those that end in any word."""
    rules = [rule for language in languages().values() for rule in language.file.relation if rule.single]
    names = {name.casefold() for rule in rules for name in (rule.now, *rule.also)}
    begun = tuple(sorted(name.removesuffix(WHAT_SLOT) for name in names if name.endswith(WHAT_SLOT)))
    return frozenset(name for name in names if WHAT_SLOT not in name), begun
