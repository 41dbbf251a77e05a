"""How well thoughts are formed, against what people would note: strict, by rule, without a judge.

JSON lines, one exchange each: {"id": "home-1", "kind": "home", "turns": [{"speaker": "Ana", "text": "...",
"at": "..."}], "known": [{"head": "Ana", "relation": "lives in", "tail": "Rome"}], "expect": [{"action":
"supersede", "head": "Ana", "relation": "lives in", "tail": "Lisbon", "from": "2023-05-01"}], "optional": [...]}.

A thought is right where an expected one has the same action, the same head (the same words), the same relation,
and a tail whose stemmed content words are equal or contain one another; where it says "from" or "until", the
day must be the same, too. Each expected thought is met once. A thought that meets an `optional` one is
counted neither way; every other thought is wrong.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from memkit.bank import MemoryBank
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError, MemkitError
from memkit.evaluation.formats.jsonl import lines
from memkit.models import Memory, Turn
from memkit.observe.intake import as_turn
from memkit.protocols import Thinker
from memkit.store import open_store
from memkit.text.terms.tokens import words

BEFORE = timedelta(days=60)  # when what is known was said, before the exchange


class Claim(NamedTuple):
    """What a thought should say; an empty action stands for any."""

    action: str
    head: str
    relation: str
    tail: str
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class Case:
    """An exchange, what is known before it, and what should come of it."""

    id: str
    kind: str
    turns: tuple[Turn, ...]
    known: tuple[Claim, ...]
    expect: tuple[Claim, ...]
    optional: tuple[Claim, ...]


@dataclass
class Judged:
    """What came of one case."""

    case: Case
    right: list[Memory] = field(default_factory=list)
    wrong: list[tuple[str, Memory]] = field(default_factory=list)
    missed: list[Claim] = field(default_factory=list)


@dataclass(frozen=True)
class Figures:
    """Counts of thoughts, and the shares that they make."""

    cases: int
    expected: int
    formed: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.formed if self.formed else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.expected if self.expected else 1.0

    def dump(self) -> dict[str, float]:
        counts = {name: getattr(self, name) for name in ("cases", "expected", "formed", "right")}
        return {**counts, "precision": round(self.precision, 4), "recall": round(self.recall, 4)}


def read_cases(path: Path) -> list[Case]:
    """The exchanges of a file. Raises InputError; the message names the line."""
    found = [_case(item, f"{path.name}, line {number}", number) for number, item in lines(path)]
    if not found:
        raise InputError(f"{path.name}: holds no exchanges.")
    return found


def _case(item: Any, where: str, number: int) -> Case:
    if not isinstance(item, Mapping) or not isinstance(item.get("turns"), list) or not item["turns"]:
        raise InputError(f'{where}: an exchange needs {{"turns": [...], "expect": [...]}}.')
    try:
        turns = tuple(as_turn(turn) for turn in item["turns"])
        claims = {name: tuple(_claim(c) for c in item.get(name) or ()) for name in ("known", "expect", "optional")}
    except (MemkitError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: can't be read ({error}).") from None
    return Case(str(item.get("id") or number), str(item.get("kind") or "all"), turns, **claims)


def _claim(item: Mapping[str, Any]) -> Claim:
    head, relation, tail = (str(item[name]) for name in ("head", "relation", "tail"))
    return Claim(str(item.get("action") or ""), head, relation, tail, item.get("from"), item.get("until"))


def judge(cases: Sequence[Case], thinker: Thinker | None = None) -> Iterator[Judged]:
    """Each case in a bank of its own, through the public interface."""
    with open_store(":memory:", encoder=HashingEncoder(), thinker=thinker) as store:
        for number, case in enumerate(cases):
            yield _judged(case, store.bank("thinking", str(number)))


def _judged(case: Case, bank: MemoryBank) -> Judged:
    at = min(turn.moment for turn in case.turns if turn.moment is not None)
    known = [_remembered(claim, f"known-{n}", at - BEFORE) for n, claim in enumerate(case.known)]
    bank.insert(known)
    bank.observe(case.turns)
    bank.think()
    every = bank.list(kinds=["thought"], states=["active", "superseded"])
    replaced = {memory.superseded_by for memory in every if memory.id.startswith("known-")}
    formed = [("supersede" if m.id in replaced else "insert", m) for m in every if not m.id.startswith("known-")]
    return compared(case, formed, bank.zone)


def _remembered(claim: Claim, id: str, at: Any) -> Memory:
    text = f"{claim.head} {claim.relation} {claim.tail}."
    facts = {"head": claim.head, "relation": claim.relation, "tail": claim.tail, "speaker": claim.head}
    return Memory(id=id, kind="thought", text=text, occurred_at=at, recorded_at=at, author="thinker", **facts)


def compared(case: Case, formed: Iterable[tuple[str, Memory]], zone: str) -> Judged:
    """Thoughts against a case's claims, each of which is met once."""
    judged = Judged(case)
    left = list(case.expect)
    for action, thought in formed:
        met = next((claim for claim in left if meets(action, thought, claim, zone)), None)
        if met is not None:
            left.remove(met)
            judged.right.append(thought)
        elif not any(meets(action, thought, claim, zone) for claim in case.optional):
            judged.wrong.append((action, thought))
    judged.missed = left
    return judged


def meets(action: str, thought: Memory, claim: Claim, zone: str) -> bool:
    """Whether a thought says what a claim wants."""
    return (
        claim.action in ("", action)
        and content(thought.head) == content(claim.head)
        and (thought.relation or "").casefold() == claim.relation.casefold()
        and _tails_agree(thought.tail, claim.tail)
        and _day(thought.valid_from, zone, claim.start)
        and _day(thought.valid_until, zone, claim.end)
    )


def content(text: str | None) -> frozenset[str]:
    """The stemmed content words of a text; all its words where it has no others."""
    return frozenset(word.term for word in words(text or "")) or frozenset((text or "").casefold().split())


def _tails_agree(one: str | None, other: str) -> bool:
    found, wanted = content(one), content(other)
    return bool(found) and (found <= wanted or wanted <= found)


def _day(moment: Any, zone: str, wanted: str | None) -> bool:
    return wanted is None or (moment is not None and moment.astimezone(ZoneInfo(zone)).date().isoformat() == wanted)


def figures(judged: Sequence[Judged]) -> Figures:
    """The counts over cases."""
    right = sum(len(one.right) for one in judged)
    formed = right + sum(len(one.wrong) for one in judged)
    return Figures(len(judged), sum(len(one.case.expect) for one in judged), formed, right)


def by_kind(judged: Sequence[Judged]) -> dict[str, Figures]:
    """The counts by the kind of the cases."""
    kinds = dict.fromkeys(one.case.kind for one in judged)
    return {kind: figures([one for one in judged if one.case.kind == kind]) for kind in kinds}
