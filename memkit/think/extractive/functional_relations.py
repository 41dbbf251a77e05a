"""Relations of which a person has one at a time: a second one contradicts the first. The rule files say which."""

from functools import cache

from memkit.think.extractive.language import languages

ANY = "{what}"  # in a name: a word of the speaker's, as in "favourite colour"


def is_single(relation: str | None) -> bool:
    """Whether somebody has at most one of these at a time."""
    if relation is None:
        return False
    name = " ".join(relation.casefold().replace("_", " ").split())
    exact, begun = _singles()
    return name in exact or name.startswith(begun)


@cache
def _singles() -> tuple[frozenset[str], tuple[str, ...]]:
    """The names in full, and how those begin that end in any word."""
    rules = [rule for language in languages().values() for rule in language.file.relation if rule.single]
    names = {name.casefold() for rule in rules for name in (rule.now, *rule.also)}
    begun = tuple(sorted(name.removesuffix(ANY) for name in names if name.endswith(ANY)))
    return frozenset(name for name in names if ANY not in name), begun
