"""Facts that can't both hold: two values of what there is one of, or one thing that is affirmed and denied."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

from memkit.text.terms.tokens import words
from memkit.think.extractive.relation_names import meanings_of


class Fact(Protocol):
    """A (head, relation, tail), as a thought, a proposal and a statement have one."""

    @property
    def head(self) -> str | None: ...
    @property
    def relation(self) -> str | None: ...
    @property
    def tail(self) -> str | None: ...
    @property
    def text(self) -> str: ...


AnyFact = TypeVar("AnyFact", bound=Fact)
Place = tuple[object, ...]


def succeeds(new: Fact, old: Fact) -> bool:
    """Whether a fact that is said later takes the place of another one.

    It does where it names another value of what there is one of, or tells otherwise of the same thing ("likes",
    "no longer likes"). What it says in the same words is no news, and takes no place.
    """
    if not new.head or _plain(new.head) != _plain(old.head):
        return False
    senses = [(a, b) for a in meanings_of(new.relation) for b in meanings_of(old.relation) if a.key == b.key]
    if _value(new) == _value(old):
        return bool(senses) and new.relation != old.relation
    return any(a.single and a.affirms and b.affirms for a, b in senses)


class StandingFacts(Generic[AnyFact]):
    """Facts that hold, looked up by what they tell of: a look-up costs the same, however many there are."""

    def __init__(self, facts: Iterable[AnyFact] = ()) -> None:
        self._facts_by_place: dict[Place, list[AnyFact]] = defaultdict(list)
        for fact in facts:
            self.add(fact)

    def add(self, fact: AnyFact) -> None:
        """Add a fact, as the latest."""
        for place in {_saying(fact), *_senses(fact)}:
            self._facts_by_place[place].append(fact)

    def remove(self, fact: AnyFact) -> None:
        """Remove a fact that was added."""
        for place in {_saying(fact), *_senses(fact)}:
            self._facts_by_place[place].remove(fact)

    def repeated_by(self, new: Fact) -> AnyFact | None:
        """The latest that says the same; what no rule knows says the same in the same words alone."""
        is_known = bool(meanings_of(new.relation))
        same = reversed(self._at(_saying(new)))
        return next((fact for fact in same if is_known or fact.text == new.text), None)

    def succeeded_by(self, new: Fact) -> list[AnyFact]:
        """Facts whose place a new one takes, the oldest first."""
        near = {id(fact): fact for place in _senses(new, of_one=True) for fact in self._at(place)}
        return [fact for fact in near.values() if succeeds(new, fact)]

    def affirming(self, head: str | None, key: str) -> list[AnyFact]:
        """Facts about a head that say that something of a key is so."""
        return self._at((_plain(head), key))

    def _at(self, place: Place) -> list[AnyFact]:
        return self._facts_by_place.get(place, [])


def contradictions(facts: Iterable[AnyFact]) -> Iterator[Sequence[AnyFact]]:
    """Groups of facts about one head, each once, that can't all hold."""
    groups: dict[Place, dict[object, list[AnyFact]]] = defaultdict(lambda: defaultdict(list))
    for fact in facts:
        head, value = _plain(fact.head), _value(fact)
        for meaning in meanings_of(fact.relation) if head else ():
            groups[head, meaning.key, value][meaning.affirms].append(fact)
            if meaning.single and meaning.affirms:
                groups[head, meaning.key][value].append(fact)
    clashing = ([fact for part in group.values() for fact in part] for group in groups.values() if len(group) > 1)
    yield from {tuple(map(id, group)): group for group in clashing}.values()


def _saying(fact: Fact) -> Place:
    return "said", _plain(fact.head), fact.relation, _value(fact)


def _senses(fact: Fact, *, of_one: bool = False) -> set[Place]:
    """Places in which facts of one sense meet: about one thing, and (`of_one`: where there is one) of one key."""
    head, meanings = _plain(fact.head), meanings_of(fact.relation)
    affirmed = {(head, meaning.key) for meaning in meanings if meaning.affirms and (meaning.single or not of_one)}
    return {*affirmed, *((head, meaning.key, _value(fact)) for meaning in meanings)}


def _plain(head: str | None) -> str:
    return (head or "").casefold()


def _value(fact: Fact) -> frozenset[str]:
    return tail_words(fact.tail or fact.text)


@lru_cache(maxsize=4096)
def tail_words(tail: str) -> frozenset[str]:
    """Stemmed content words of a tail, by which tails name the same thing; all its words where it has no others."""
    return frozenset(word.term for word in words(tail)) or frozenset(tail.casefold().split())
