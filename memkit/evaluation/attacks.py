"""Attacks on an erasure, as on machine unlearning: is what was erased still told, and is everything else intact?

The forget set is the worst case: turns that answer questions and are most like many others. After its erasure the
bank is asked for it in many ways, and so is a control bank that never heard it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import memkit
from memkit.bank import MemoryBank
from memkit.evaluation.formats.cases import Conversation
from memkit.models import Kind, Memory, Turn
from memkit.protocols import Encoder, FloatArray
from memkit.recall.present.recollection import Recollection
from memkit.settings import ObserveSettings, Settings
from memkit.text.terms.tokens import words

K = 10  # results that are looked at
EVERY: tuple[Kind, ...] = ("turn", "thought", "summary", "portrait")
ALIKE = 1e-6  # by which scores may differ from the control bank's
GAP = "___"
ATTACKS = ("question", "other words", "cloze", "first half", "all its words")

Step = Callable[[str, int], None]


class SameVectors:
    """An encoder that gives a text the same vector whatever else was encoded with it, so that banks can be compared."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.name, self.dimension = encoder.name, encoder.dimension
        self._known: dict[str, FloatArray] = {}

    def encode(self, texts: list[str]) -> FloatArray:
        """As the encoder itself."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


@dataclass(frozen=True)
class Attack:
    """One try to get at an erased turn: which kind, what is asked, and the words that only that turn holds."""

    kind: str
    query: str
    target: str
    telling: frozenset[str]


@dataclass
class Tally:
    """Of how many tries how many told something of what was erased: before, after, and on the control bank."""

    tries: int = 0
    before: int = 0
    after: int = 0
    control: int = 0


@dataclass
class AttackReport:
    """What became of all attacks; `alike`: queries answered as by the control bank; `intact`: neighbours found."""

    erased: int = 0
    attacks: dict[str, Tally] = field(default_factory=lambda: {kind: Tally() for kind in ATTACKS})
    alike: int = 0
    queries: int = 0
    intact: Tally = field(default_factory=Tally)


def entangled(turns: Sequence[Turn], candidates: frozenset[str], encoder: Encoder, count: int) -> list[str]:
    """Ids of the candidates that are most like many others."""
    vectors = encoder.encode([turn.text for turn in turns])
    likeness = dict(zip((str(turn.id) for turn in turns), (vectors @ vectors.sum(axis=0)).tolist(), strict=True))
    return sorted(candidates & likeness.keys(), key=lambda id: -likeness[id])[:count]


def attack(conversation: Conversation, encoder: Encoder, *, count: int, report: AttackReport) -> None:
    """Erase the worst case from a conversation, attack it, and add what became of that to the report."""
    evidence = frozenset(id for question in conversation.questions for id in question.evidence)
    encoder = SameVectors(encoder)
    gone = entangled(conversation.turns, evidence, encoder, count)
    attacks = list(attacks_on(conversation, gone))
    now = conversation.end + timedelta(days=1)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        settings = Settings(observe=ObserveSettings(small_talk=0))  # the same filter choices in both banks
        with memkit.open(path, encoder=encoder, clock=lambda: now, settings=settings) as store:
            bank, control = store.bank("erased"), store.bank("control")
            _heard(bank, conversation.turns)
            before = [_told(bank, one) for one in attacks]
            bank.erase(ids=gone)
            bank.think()  # what was said twice is known from the other time
            bank.reflect()  # what was written about it went, too
            _heard(control, [turn for turn in conversation.turns if turn.id not in gone])
            _count(report, attacks, before, bank, control)
            _neighbours(report, conversation.turns, gone, bank, control)
    report.erased += len(gone)


def _heard(bank: MemoryBank, turns: Sequence[Turn]) -> None:
    bank.observe(turns)
    bank.think()
    bank.reflect()


def attacks_on(conversation: Conversation, gone: Sequence[str]) -> Iterator[Attack]:
    """Every attack on these turns; those without words of their own are attacked by their id alone."""
    rest = {term for turn in conversation.turns if turn.id not in gone for term in _terms(turn.text)}
    for turn in conversation.turns:
        if turn.id in gone:
            telling = frozenset(_terms(turn.text) - rest)
            asked = [(kind, query) for kind, query in _asked(conversation, turn) if query.strip()]
            yield from (Attack(kind, query, str(turn.id), telling) for kind, query in asked)


def _asked(conversation: Conversation, turn: Turn) -> Iterator[tuple[str, str]]:
    for question in conversation.questions:
        if turn.id in question.evidence:
            yield "question", question.text
            yield from (("other words", wording) for wording in question.wordings)
    parts = turn.text.split()
    longest = max(range(len(parts)), key=lambda i: len(parts[i]), default=0)
    yield "cloze", " ".join(GAP if i == longest else part for i, part in enumerate(parts))
    yield "first half", " ".join(parts[: len(parts) // 2])
    yield "all its words", turn.text


def _terms(text: str) -> set[str]:
    return {word.term for word in words(text)}


def _found(bank: MemoryBank, query: str) -> Recollection:
    return bank.recall(query, k=K, kinds=EVERY, around=1, min_score=0, reinforce=False)


def _told(bank: MemoryBank, one: Attack) -> bool:
    """Whether the answer shows the turn itself, or words that only it holds and the query doesn't."""
    found = _found(bank, one.query)
    shown = [m for hit in found for m in (hit.memory, *hit.around, *hit.thoughts)]
    shown += [found.portrait] if found.portrait else []
    held = {term for memory in shown for term in _terms(memory.text)}
    return any(m.id == one.target for m in shown) or bool(held & (one.telling - _terms(one.query)))


def _count(
    report: AttackReport, attacks: Sequence[Attack], before: Sequence[bool], bank: MemoryBank, control: MemoryBank
) -> None:
    for one, told in zip(attacks, before, strict=True):
        tally = report.attacks[one.kind]
        tally.tries += 1
        tally.before += told
        tally.after += _told(bank, one)
        tally.control += _told(control, one)
        report.queries += 1
        report.alike += answered_alike(_found(bank, one.query), _found(control, one.query))


def answered_alike(one: Recollection, other: Recollection) -> bool:
    """The same memories in the same order, with scores that differ by at most 1e-6."""
    same = [_name(hit.memory) for hit in one] == [_name(hit.memory) for hit in other]
    scores, expected = (np.array([hit.score for hit in found]) for found in (one, other))
    return same and bool(np.allclose(scores, expected, rtol=0, atol=ALIKE))


def _name(memory: Memory) -> str:
    """Derived memories have ids of their own in each bank."""
    return memory.id if memory.kind == "turn" else memory.text


def _neighbours(
    report: AttackReport, turns: Sequence[Turn], gone: Sequence[str], bank: MemoryBank, control: MemoryBank
) -> None:
    """Turns right before and after an erased one must be found by their words, as in the control bank."""
    for i, turn in enumerate(turns):
        beside = {str(other.id) for other in turns[max(0, i - 1) : i + 2]}
        if turn.id in gone or not beside.intersection(gone) or not _terms(turn.text):
            continue
        report.intact.tries += 1
        report.intact.after += turn.id in _found(bank, turn.text).ids
        report.intact.control += turn.id in _found(control, turn.text).ids
