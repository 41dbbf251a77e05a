"""Attacks on an erasure, as on machine unlearning: is anything erased still recalled, and everything else intact?

The forget set is the worst case: turns that answer questions and are most like many others. After its erasure the
bank is asked for it in many ways, and so is a control bank that never heard it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import memkit
from memkit.bank import MemoryBank
from memkit.evaluation.formats.conversation import Conversation
from memkit.evaluation.recall.variants import CachingEncoder, with_patience
from memkit.models import Kind, Memory, Turn
from memkit.protocols import Encoder
from memkit.recall.present.recollection import Recollection
from memkit.settings import ObserveSettings, Settings
from memkit.text.terms.tokens import words

INSPECTED_RESULTS = 10
ALL_KINDS: tuple[Kind, ...] = ("turn", "thought", "summary", "portrait")
SCORE_TOLERANCE = 1e-6  # between the bank and the control bank
CLOZE_GAP = "___"
ATTACK_KINDS = ("question", "other words", "cloze", "first half", "all its words")


@dataclass(frozen=True)
class Attack:
    """One try to get at an erased turn: its kind, the query, and the terms that only that turn holds."""

    kind: str
    query: str
    target: str
    unique_terms: frozenset[str]


@dataclass
class AttackTally:
    """Numbers of tries, and of those that revealed something: before the erasure, after it, on the control bank."""

    tries: int = 0
    before: int = 0
    after: int = 0
    control: int = 0


@dataclass
class AttackReport:
    """Outcome of all attacks; `alike`: queries answered as by the control bank; `intact`: neighbours found."""

    erased: int = 0
    attacks: dict[str, AttackTally] = field(default_factory=lambda: {kind: AttackTally() for kind in ATTACK_KINDS})
    alike: int = 0
    queries: int = 0
    intact: AttackTally = field(default_factory=AttackTally)


def most_entangled(turns: Sequence[Turn], candidates: frozenset[str], encoder: Encoder, count: int) -> list[str]:
    """Ids of the candidates that are most like many others."""
    vectors = encoder.encode([turn.text for turn in turns])
    likeness = dict(zip((str(turn.id) for turn in turns), (vectors @ vectors.sum(axis=0)).tolist(), strict=True))
    return sorted(candidates & likeness.keys(), key=lambda id: -likeness[id])[:count]


def attack_erasure(conversation: Conversation, encoder: Encoder, *, count: int, report: AttackReport) -> None:
    """Erase the worst case from a conversation, attack it, and add what became of that to the report."""
    evidence = frozenset(id for question in conversation.questions for id in question.evidence)
    encoder = CachingEncoder(encoder)  # equal vectors in both banks
    gone = most_entangled(conversation.turns, evidence, encoder, count)
    attacks = list(attacks_on(conversation, gone))
    now = conversation.end + timedelta(days=1)
    settings = with_patience(Settings(observe=ObserveSettings(small_talk=0)))  # the same filter choices in both banks
    with (
        TemporaryDirectory() as folder,
        memkit.open(Path(folder) / "memory.db", encoder=encoder, clock=lambda: now, settings=settings) as store,
    ):
        bank, control = store.bank("erased"), store.bank("control")
        _fill(bank, conversation.turns)
        before = [_reveals(bank, attack) for attack in attacks]
        bank.erase(ids=gone)
        bank.think()  # what was said twice is known from the other time
        bank.reflect()  # what was written about it went, too
        _fill(control, [turn for turn in conversation.turns if turn.id not in gone])
        _count(report, attacks, before, bank, control)
        _neighbours(report, conversation.turns, gone, bank, control)
    report.erased += len(gone)


def _fill(bank: MemoryBank, turns: Sequence[Turn]) -> None:
    bank.observe(turns)
    bank.think()
    bank.reflect()


def attacks_on(conversation: Conversation, gone: Sequence[str]) -> Iterator[Attack]:
    """Every attack on these turns; those without words of their own are attacked by their id alone."""
    rest = {term for turn in conversation.turns if turn.id not in gone for term in _terms(turn.text)}
    for turn in conversation.turns:
        if turn.id in gone:
            unique_terms = frozenset(_terms(turn.text) - rest)
            for kind, query in _asked(conversation, turn):
                if query.strip():
                    yield Attack(kind, query, str(turn.id), unique_terms)


def _asked(conversation: Conversation, turn: Turn) -> Iterator[tuple[str, str]]:
    for question in conversation.questions:
        if turn.id in question.evidence:
            yield "question", question.text
            yield from (("other words", wording) for wording in question.wordings)
    parts = turn.text.split()
    longest = max(range(len(parts)), key=lambda i: len(parts[i]), default=0)
    yield "cloze", " ".join(CLOZE_GAP if i == longest else part for i, part in enumerate(parts))
    yield "first half", " ".join(parts[: len(parts) // 2])
    yield "all its words", turn.text


def _terms(text: str) -> set[str]:
    return {word.term for word in words(text)}


def _answer(bank: MemoryBank, query: str) -> Recollection:
    return bank.recall(query, k=INSPECTED_RESULTS, kinds=ALL_KINDS, around=1, min_score=0, reinforce=False)


def _reveals(bank: MemoryBank, attack: Attack) -> bool:
    """Whether the answer shows the turn itself, or words that only it holds and the query doesn't."""
    answer = _answer(bank, attack.query)
    shown = [m for hit in answer for m in (hit.memory, *hit.around, *hit.thoughts)]
    shown += [answer.portrait] if answer.portrait else []
    held = {term for memory in shown for term in _terms(memory.text)}
    return any(m.id == attack.target for m in shown) or bool(held & (attack.unique_terms - _terms(attack.query)))


def _count(
    report: AttackReport, attacks: Sequence[Attack], before: Sequence[bool], bank: MemoryBank, control: MemoryBank
) -> None:
    for attack, was_revealed in zip(attacks, before, strict=True):
        tally = report.attacks[attack.kind]
        tally.tries += 1
        tally.before += was_revealed
        tally.after += _reveals(bank, attack)
        tally.control += _reveals(control, attack)
        report.queries += 1
        report.alike += answered_alike(_answer(bank, attack.query), _answer(control, attack.query))


def answered_alike(answer: Recollection, other: Recollection) -> bool:
    """The same memories in the same order, with scores that differ by at most SCORE_TOLERANCE."""
    same = [_name(hit.memory) for hit in answer] == [_name(hit.memory) for hit in other]
    scores, expected = (np.array([hit.score for hit in hits]) for hits in (answer, other))
    return same and bool(np.allclose(scores, expected, rtol=0, atol=SCORE_TOLERANCE))


def _name(memory: Memory) -> str:
    """Derived memories have ids of their own in each bank."""
    return memory.id if memory.kind == "turn" else memory.text


def _neighbours(
    report: AttackReport, turns: Sequence[Turn], gone: Sequence[str], bank: MemoryBank, control: MemoryBank
) -> None:
    """Turns right before and after an erased one must be found by their words, as in the control bank."""
    for i, turn in enumerate(turns):
        beside = {str(other.id) for other in turns[max(0, i - 1) : i + 2]}
        if turn.id not in gone and beside.intersection(gone) and _terms(turn.text):
            report.intact.tries += 1
            report.intact.after += turn.id in _answer(bank, turn.text).ids
            report.intact.control += turn.id in _answer(control, turn.text).ids
