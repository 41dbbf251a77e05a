"""Names of relations: which tell of the same thing, hold now, or have one tail at a time. Rule files say so."""

from functools import cache

from memkit.think.extractive.language import languages
from memkit.think.extractive.rule_file import RelationRule

WHAT_SLOT = "{what}"  # stands in a name for a word of the speaker's: "favourite colour"


@cache
def _rules() -> list[RelationRule]:
    return [rule for language in languages().values() for rule in language.file.relation]


def is_functional(relation: str | None) -> bool:
    """Whether a head has at most one tail of this relation at a time: a second one contradicts it."""
    if relation is None:
        return False
    name = " ".join(relation.casefold().replace("_", " ").split())
    exact, begun = _functional_names()
    return name in exact or name.startswith(begun)


@cache
def _functional_names() -> tuple[frozenset[str], tuple[str, ...]]:
    """Full names, and the beginnings of those that end in any word."""
    names = {name.casefold() for rule in _rules() if rule.single for name in (rule.now, *rule.also)}
    begun = tuple(sorted(name.removesuffix(WHAT_SLOT) for name in names if name.endswith(WHAT_SLOT)))
    return frozenset(name for name in names if WHAT_SLOT not in name), begun


def concerns(relation: str | None, key: str) -> bool:
    """Whether a thought's relation is one of those that share the key."""
    return relation == key or (relation, key) in _names_and_keys()


@cache
def _names_and_keys() -> frozenset[tuple[str | None, str]]:
    """Names under which a relation may stand now, each with its key."""
    pairs = ((name, rule.key) for rule in _rules() for name in (rule.now, rule.negated, rule.ended))
    return frozenset((name, key) for name, key in pairs if name is not None and WHAT_SLOT not in name)


def holds(relation: str | None) -> bool:
    """Whether a relation says that something is so, not that it isn't or no longer is."""
    return relation in _holding_relations() or (relation or "").startswith("favourite ")


@cache
def _holding_relations() -> frozenset[str]:
    return frozenset(rule.now for rule in _rules()) - {rule.ended for rule in _rules() if rule.ended}
