"""A run: conversations heard through the public interface, questions asked, ranks of the evidence noted."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files

import memkit
from memkit.evaluation.baselines import Baselines
from memkit.evaluation.cases import Conversation, Question
from memkit.evaluation.encoding import RememberingEncoder
from memkit.evaluation.metrics import Ranks, ranks_of
from memkit.models import Kind
from memkit.protocols import Encoder
from memkit.recall.token_bound import token_bound

Progress = Callable[[str, int], None]

DEPTH = 50  # results that are asked for where turns are scored
DEEPEST = 10_000  # turns that are asked for where sessions are scored: a session ranks as its best turn
USUAL = 10  # results of a recall with the default floor
BUDGET = 1000  # tokens of the prompt that is made of them
OTHERS = 50  # questions of other conversations that are asked of each


@dataclass(frozen=True)
class Options:
    """What a run does beside the usual. `wordings`: also ask each question in its other wordings.

    `think`: let thoughts form before asking. `baselines`: run them, too.
    """

    wordings: bool = False
    think: bool = False
    baselines: bool = True

    @property
    def kinds(self) -> tuple[Kind, ...] | None:
        """What is recalled: turns, unless thoughts are to lift them."""
        return None if self.think else ("turn",)


@dataclass(frozen=True)
class Asked:
    """One question as asked, and where its evidence stood in each system's ranking.

    `floored`, `unfloored`: the ranks in the usual number of results, with the default floor and without.
    `milliseconds`: of the recall with the floor, the question's encoding left out. `tokens`: an upper bound
    of those in its prompt.
    """

    conversation: str
    category: str
    wording: int
    ranks: dict[str, Ranks]
    floored: Ranks
    unfloored: Ranks
    milliseconds: float
    tokens: int


@dataclass
class Outcome:
    """All that a run found out. `unrelated`, `others`, `unknown`: results given to each such question."""

    turns: int = 0
    asked: list[Asked] = field(default_factory=list)
    unrelated: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)


def run(
    conversations: Sequence[Conversation], encoder: Encoder, options: Options, progress: Progress | None = None
) -> Outcome:
    """Hear and ask all conversations, each in a store of its own in memory."""
    outcome = Outcome()
    remembering = RememberingEncoder(encoder)
    for conversation in conversations:
        others = other_questions(conversation, conversations)
        _Run(conversation, remembering, options, outcome, progress or (lambda _, __: None)).all(others)
    return outcome


def work(conversations: Sequence[Conversation], options: Options) -> int:
    """The steps that `run` reports: turns heard, questions asked."""
    turns = sum(len(c.turns) for c in conversations)
    asked = sum(len(_wordings(q, options)) for c in conversations for q in c.questions)
    floor = sum(len(other_questions(c, conversations)) + len(c.unknown) + len(unrelated()) for c in conversations)
    return turns + asked + floor


def unrelated() -> list[str]:
    """Questions that have nothing to do with anybody's conversations."""
    text = files("memkit.evaluation").joinpath("unrelated.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def other_questions(conversation: Conversation, conversations: Sequence[Conversation]) -> list[str]:
    """Up to 50 questions about other conversations, evenly taken."""
    every = [q.text for other in conversations if other.name != conversation.name for q in other.questions]
    return every[:: max(1, len(every) // OTHERS)][:OTHERS]


def _wordings(question: Question, options: Options) -> tuple[str, ...]:
    return (question.text, *question.wordings) if options.wordings else (question.text,)


@dataclass
class _Run:
    """One conversation's part of a run."""

    conversation: Conversation
    encoder: RememberingEncoder
    options: Options
    outcome: Outcome
    progress: Progress

    def all(self, others: Sequence[str]) -> None:
        """Hear and ask everything, in the order in which it happened."""
        conversation = self.conversation
        self.units = dict(zip((str(turn.id) for turn in conversation.turns), conversation.units, strict=True))
        with memkit.open(":memory:", encoder=self.encoder, clock=lambda: conversation.end) as store:
            self.bank = store.bank("evaluation", conversation.name)
            self._warm()
            for question, known in self._unfolding():
                self._ask_all(question, known)
            self._ask_strangers(others)

    def _warm(self) -> None:
        """Encode in large batches, ahead of the questions that are timed."""
        self.progress(f"{self.conversation.name}: encoding", 0)
        self.baselines = Baselines(self.conversation, self.encoder)
        texts = [text for q in self.conversation.questions for text in _wordings(q, self.options)]
        self.encoder.encode([*texts, *unrelated(), *self.conversation.unknown])

    def _unfolding(self) -> Iterator[tuple[Question, int]]:
        """Questions with the number of turns known when asked; the turns before are heard first."""
        turns, heard = self.conversation.turns, 0
        cases = [(len(turns) if q.asked_after is None else q.asked_after, q) for q in self.conversation.questions]
        for known, question in sorted(cases, key=lambda case: case[0]):
            self._hear(heard, known)
            heard = max(heard, known)
            if heard:
                yield question, heard
        self._hear(heard, len(turns))

    def _hear(self, start: int, stop: int) -> None:
        if start < stop:
            self.progress(f"{self.conversation.name}: hearing", 0)
            self.bank.observe(self.conversation.turns[start:stop])
            if self.options.think:
                self.bank.think()
            self.outcome.turns += stop - start
            self.progress(f"{self.conversation.name}: asking", stop - start)

    def _ask_all(self, question: Question, known: int) -> None:
        for number, text in enumerate(_wordings(question, self.options)):
            self.outcome.asked.append(self._ask(question, number, text, known))
            self.progress(f"{self.conversation.name}: asking", 1)

    def _ask(self, question: Question, number: int, text: str, known: int) -> Asked:
        now = question.asked_at or self.conversation.end
        ranking = self._ranking(text, now, known)
        rankings = {"memkit": ranking}
        if self.options.baselines:
            rankings |= self.baselines.rankings(text, known)
        start = time.perf_counter()
        found = self.bank.recall(text, k=USUAL, kinds=self.options.kinds, now=now, reinforce=False)
        spent = (time.perf_counter() - start) * 1000
        floored = [self.units.get(hit.memory.id, "") for hit in found]
        return Asked(
            conversation=self.conversation.name,
            category=question.category,
            wording=number,
            ranks={name: ranks_of(dict.fromkeys(units), question.evidence) for name, units in rankings.items()},
            floored=ranks_of(dict.fromkeys(floored), question.evidence),
            unfloored=ranks_of(dict.fromkeys(ranking[:USUAL]), question.evidence),
            milliseconds=spent,
            tokens=token_bound(found.prompt(BUDGET)),
        )

    def _ranking(self, text: str, now: datetime, known: int) -> list[str]:
        k = DEPTH if self.conversation.unit == "turn" else min(DEEPEST, known)
        found = self.bank.recall(text, k=k, kinds=self.options.kinds, min_score=0, now=now, reinforce=False)
        return [self.units.get(hit.memory.id, hit.memory.id) for hit in found]

    def _ask_strangers(self, others: Sequence[str]) -> None:
        """Questions that nothing here answers, with the default floor."""
        now = self.conversation.end
        groups = [
            (unrelated(), self.outcome.unrelated),
            (others, self.outcome.others),
            (self.conversation.unknown, self.outcome.unknown),
        ]
        for questions, counts in groups:
            for text in questions:
                found = self.bank.recall(text, kinds=self.options.kinds, now=now, reinforce=False)
                counts.append(len(found))
                self.progress(f"{self.conversation.name}: questions without an answer", 1)
