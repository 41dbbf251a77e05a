"""Names of relations: what they tell of, whether they affirm it, and of what there is one at a time.

The files of rules say so.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from memkit.think.extractive.language import languages
from memkit.think.extractive.rule_file import RelationRule

WHAT_SLOT = "{what}"  # stands in a name for a word of the speaker's: "favourite colour"


class RelationMeaning(NamedTuple):
    """A sense of a relation's name: relations of one `key` tell of the same thing; of a `single` one there is one.

    `affirms`: whether it says that something is so, not that it isn't or no longer is, nor the opposite.
    """

    key: str
    affirms: bool
    single: bool


def is_functional(relation: str | None) -> bool:
    """Whether a head has at most one tail of this relation at a time: a second one contradicts it."""
    return any(meaning.single and meaning.affirms for meaning in meanings_of(relation))


def affirms(relation: str | None) -> bool:
    """Whether a relation says that something is so, not that it isn't or no longer is."""
    return any(meaning.affirms for meaning in meanings_of(relation))


@lru_cache(maxsize=4096)
def meanings_of(relation: str | None) -> frozenset[RelationMeaning]:
    """Senses of a name in any writing ("lives in", "Lives_in"); none of one that no rule knows."""
    name = " ".join((relation or "").casefold().replace("_", " ").split())
    exact, begun = _meanings_by_name()
    if name in exact or not name.startswith(tuple(begun)):
        return exact.get(name, frozenset())
    beginning = next(beginning for beginning in begun if name.startswith(beginning))
    what = name.removeprefix(beginning)
    return frozenset(meaning._replace(key=meaning.key.replace(WHAT_SLOT, what)) for meaning in begun[beginning])


Meanings = dict[str, frozenset[RelationMeaning]]


@cache
def _meanings_by_name() -> tuple[Meanings, Meanings]:
    """Senses by whole names, and by the beginnings of those that end in any word."""
    collected: dict[str, set[RelationMeaning]] = defaultdict(set)
    for language in languages().values():
        for rule in language.file.relation:
            for name, meaning in _named(rule):
                collected[name.casefold()].add(meaning)
    meanings = {name: frozenset(senses) for name, senses in collected.items()}
    begun = {name.removesuffix(WHAT_SLOT): senses for name, senses in meanings.items() if name.endswith(WHAT_SLOT)}
    return {name: senses for name, senses in meanings.items() if WHAT_SLOT not in name}, begun


def _named(rule: RelationRule) -> Iterator[tuple[str, RelationMeaning]]:
    holding = RelationMeaning(rule.key, not rule.opposite, rule.single)
    yield from ((name, holding) for name in (rule.now, *rule.also))
    denied = (name for name in (rule.negated, rule.ended) if name is not None)
    yield from ((name, holding._replace(affirms=rule.opposite)) for name in denied)
