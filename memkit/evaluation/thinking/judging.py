"""Judging thoughts against expected ones: strict, by rule, without a model.

A thought is right where an expected one has the same action, the same head (the same words), the same relation,
and a tail whose stemmed content words are equal or contain one another; where it says "from" or "until", the
day must be the same, too. Each expected thought is met once. A thought that meets an `optional` one is
counted neither way; every other thought is wrong.

Cases come as JSON lines, one exchange each: {"id": "home-1", "kind": "home", "turns": [{"speaker": "Ana", "text":
"...", "at": "..."}], "known": [{"head": "Ana", "relation": "lives in", "tail": "Rome"}], "expect": [{"action":
"supersede", "head": "Ana", "relation": "lives in", "tail": "Lisbon", "from": "2023-05-01"}], "optional": [...]}.
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
from memkit.evaluation.metrics import MeasuredFigures
from memkit.models import Memory, Turn
from memkit.observe.intake import as_turn
from memkit.protocols import Thinker
from memkit.store import open_store
from memkit.text.terms.tokens import words

KNOWN_BEFORE = timedelta(days=60)  # of known thoughts, before the exchange


class ExpectedThought(NamedTuple):
    """Content that a thought should have; an empty action stands for any."""

    action: str
    head: str
    relation: str
    tail: str
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class ThinkingCase:
    """An exchange, the thoughts before it (`known_before`), and those that it should lead to."""

    id: str
    kind: str
    turns: tuple[Turn, ...]
    known_before: tuple[ExpectedThought, ...]
    expect: tuple[ExpectedThought, ...]
    optional: tuple[ExpectedThought, ...]


@dataclass
class JudgedCase:
    """A case, with its right and wrong thoughts."""

    case: ThinkingCase
    right: list[Memory] = field(default_factory=list)
    wrong: list[tuple[str, Memory]] = field(default_factory=list)


class ThinkingFigures(MeasuredFigures):
    """Counts of thoughts, and the shares that they make; 1 of nothing."""

    cases: int
    expected: int
    formed: int
    right: int
    precision: float
    recall: float


def read_cases(path: Path) -> list[ThinkingCase]:
    """The exchanges of a file. Raises InputError; the message names the line."""
    cases = [_case(item, f"{path.name}, line {number}", number) for number, item in lines(path)]
    if not cases:
        raise InputError(f"{path.name}: holds no exchanges.")
    return cases


def _case(item: Any, where: str, number: int) -> ThinkingCase:
    if not isinstance(item, Mapping) or not isinstance(item.get("turns"), list) or not item["turns"]:
        raise InputError(f'{where}: an exchange needs {{"turns": [...], "expect": [...]}}.')
    try:
        turns = tuple(as_turn(turn) for turn in item["turns"])
        thoughts = [tuple(map(_expected, item.get(key) or ())) for key in ("known", "expect", "optional")]
    except (MemkitError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: can't be read ({error}).") from None
    return ThinkingCase(str(item.get("id") or number), str(item.get("kind") or "all"), turns, *thoughts)


def _expected(item: Mapping[str, Any]) -> ExpectedThought:
    head, relation, tail = (str(item[name]) for name in ("head", "relation", "tail"))
    return ExpectedThought(str(item.get("action") or ""), head, relation, tail, item.get("from"), item.get("until"))


def judge(cases: Sequence[ThinkingCase], thinker: Thinker | None = None) -> Iterator[JudgedCase]:
    """Each case in a bank of its own, through the public interface."""
    with open_store(":memory:", encoder=HashingEncoder(), thinker=thinker) as store:
        for number, case in enumerate(cases):
            yield _judged(case, store.bank("thinking", str(number)))


def _judged(case: ThinkingCase, bank: MemoryBank) -> JudgedCase:
    at = min(turn.moment for turn in case.turns if turn.moment is not None)
    bank.insert(_known_thought(c, f"known-{n}", at - KNOWN_BEFORE) for n, c in enumerate(case.known_before))
    bank.observe(case.turns)
    bank.think()
    every = bank.list(kinds=["thought"], states=["active", "superseded"])
    replaced = {memory.superseded_by for memory in every if memory.id.startswith("known-")}
    formed = [("supersede" if m.id in replaced else "insert", m) for m in every if not m.id.startswith("known-")]
    return compare(case, formed, bank.zone)


def _known_thought(claim: ExpectedThought, id: str, at: Any) -> Memory:
    return Memory(
        id=id,
        kind="thought",
        text=f"{claim.head} {claim.relation} {claim.tail}.",
        occurred_at=at,
        recorded_at=at,
        author="thinker",
        speaker=claim.head,
        head=claim.head,
        relation=claim.relation,
        tail=claim.tail,
    )


def compare(case: ThinkingCase, formed: Iterable[tuple[str, Memory]], zone: str) -> JudgedCase:
    """Thoughts against a case's claims, each of which is met once."""
    judged = JudgedCase(case)
    left = list(case.expect)
    for action, thought in formed:
        met = next((claim for claim in left if meets(action, thought, claim, zone)), None)
        if met is not None:
            left.remove(met)
            judged.right.append(thought)
        elif not any(meets(action, thought, claim, zone) for claim in case.optional):
            judged.wrong.append((action, thought))
    return judged


def meets(action: str, thought: Memory, claim: ExpectedThought, zone: str) -> bool:
    """Whether a thought says what a claim wants."""
    return (
        claim.action in ("", action)
        and content_words(thought.head) == content_words(claim.head)
        and (thought.relation or "").casefold() == claim.relation.casefold()
        and _tails_agree(thought.tail, claim.tail)
        and _day(thought.valid_from, zone, claim.start)
        and _day(thought.valid_until, zone, claim.end)
    )


def content_words(text: str | None) -> frozenset[str]:
    """The stemmed content words of a text; all its words where it has no others."""
    return frozenset(word.term for word in words(text or "")) or frozenset((text or "").casefold().split())


def _tails_agree(tail: str | None, expected: str) -> bool:
    held, wanted = content_words(tail), content_words(expected)
    return bool(held) and (held <= wanted or wanted <= held)


def _day(moment: Any, zone: str, wanted: str | None) -> bool:
    return wanted is None or (moment is not None and moment.astimezone(ZoneInfo(zone)).date().isoformat() == wanted)


def figures(judged: Sequence[JudgedCase]) -> ThinkingFigures:
    """The counts over cases."""
    right = sum(len(judgement.right) for judgement in judged)
    formed = right + sum(len(judgement.wrong) for judgement in judged)
    expected = sum(len(judgement.case.expect) for judgement in judged)
    return ThinkingFigures(
        cases=len(judged),
        expected=expected,
        formed=formed,
        right=right,
        precision=right / formed if formed else 1.0,
        recall=right / expected if expected else 1.0,
    )


def figures_by_kind(judged: Sequence[JudgedCase]) -> dict[str, ThinkingFigures]:
    """The counts by the kind of the cases."""
    kinds = dict.fromkeys(judgement.case.kind for judgement in judged)
    return {kind: figures([judgement for judgement in judged if judgement.case.kind == kind]) for kind in kinds}
