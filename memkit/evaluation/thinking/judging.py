"""Judging thoughts against expected ones: strict, by rule, without a model.

A thought is right where an expected one has the same action, the same head (the same words), the same relation,
and a tail whose stemmed content words are equal or contain one another; where it says "from" or "until", the
day must be the same, too. Each expected thought is met once. A thought that meets an `optional` one is
counted neither way; every other thought is wrong.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from memkit.bank import MemoryBank
from memkit.encoders.hashing import HashingEncoder
from memkit.evaluation.thinking.cases import ExpectedThought, ThinkingCase
from memkit.models import Memory
from memkit.protocols import Thinker
from memkit.store import open_store
from memkit.text.terms.tokens import words

KNOWN_BEFORE = timedelta(days=60)  # of known thoughts, before the exchange


@dataclass
class JudgedCase:
    """A case, with its right and wrong thoughts."""

    case: ThinkingCase
    right: list[Memory] = field(default_factory=list)
    wrong: list[tuple[str, Memory]] = field(default_factory=list)


def judge(cases: Sequence[ThinkingCase], thinker: Thinker | None = None) -> Iterator[JudgedCase]:
    """Each case in a bank of its own, through the public interface."""
    with open_store(":memory:", encoder=HashingEncoder(), thinker=thinker) as store:
        for number, case in enumerate(cases):
            yield _judged(case, store.bank("thinking", str(number)))


def _judged(case: ThinkingCase, bank: MemoryBank) -> JudgedCase:
    at = min(turn.moment for turn in case.turns if turn.moment is not None)
    known_thoughts = [
        _known_thought(claim, f"known-{n}", at - KNOWN_BEFORE) for n, claim in enumerate(case.known_before)
    ]
    bank.insert(known_thoughts)
    bank.observe(case.turns)
    bank.think()
    every = bank.list(kinds=["thought"], states=["active", "superseded"])
    replaced = {memory.superseded_by for memory in every if memory.id.startswith("known-")}
    formed = [("supersede" if m.id in replaced else "insert", m) for m in every if not m.id.startswith("known-")]
    return compare(case, formed, bank.zone)


def _known_thought(claim: ExpectedThought, id: str, at: Any) -> Memory:
    text = f"{claim.head} {claim.relation} {claim.tail}."
    facts = {"head": claim.head, "relation": claim.relation, "tail": claim.tail, "speaker": claim.head}
    return Memory(id=id, kind="thought", text=text, occurred_at=at, recorded_at=at, author="thinker", **facts)


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
