"""A run: conversations heard through the public interface, questions asked, ranks of the evidence noted."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from memkit.evaluation.formats.conversation import Conversation, Question
from memkit.evaluation.metrics import Ranks, ranks_of
from memkit.evaluation.recall.baselines import Baselines
from memkit.evaluation.recall.variants import (
    SKETCH_SEARCH,
    CachingEncoder,
    Rankings,
    Variant,
    conversation_bank,
    open_variants,
)
from memkit.evaluation.texts import lines_of
from memkit.models import Kind
from memkit.protocols import Encoder
from memkit.recall.present.token_bound import token_bound

Progress = Callable[[str, int], None]

USUAL_RESULTS = 10  # of a recall with the default floor
PROMPT_BUDGET = 1000  # tokens
UNRELATED_FILE = "unrelated.txt"  # questions that have nothing to do with anybody's conversations
MAX_OTHER_QUESTIONS = 50  # questions of other conversations that are asked of each


@dataclass(frozen=True)
class RunOptions:
    """Options of a run. `wordings`: also ask each question in its other wordings.

    `think`: let thoughts form before asking. `ablated`, `candidates`: settings under which every question is
    asked besides, for the ablation and for leaving one conversation out. `language`: whose stems BM25 takes,
    by Snowball's name; scripts of one language have their own, and scripts without spaces pairs of characters.
    """

    wordings: bool = False
    think: bool = False
    ablated: tuple[Variant, ...] = ()
    candidates: tuple[Variant, ...] = ()
    language: str = "english"

    @property
    def variants(self) -> tuple[Variant, ...]:
        """All that a question is asked under besides the defaults, each once; search by sketches always."""
        return tuple({v.name: v for v in (SKETCH_SEARCH, *self.ablated, *self.candidates)}.values())

    @property
    def kinds(self) -> tuple[Kind, ...] | None:
        """Kinds to recall: turns, unless thoughts are to lift them."""
        return None if self.think else ("turn",)


@dataclass(frozen=True)
class AskedQuestion:
    """One question as asked, and where its evidence stood in each system's ranking.

    `session_ranks`: the same of the evidence's sessions, where turns are scored.
    `floored`, `unfloored`: the ranks in the usual number of results, with the default floor and without.
    `milliseconds`: of the recall with the floor, the question's encoding left out. `tokens`: an upper bound
    of those in its prompt. `varied`: the ranks under each variant, of the question as written. `same_top`:
    whether search by sketches gives the same ten results; None for other wordings.
    """

    conversation: str
    category: str
    wording: int
    ranks: dict[str, Ranks]
    floored: Ranks
    unfloored: Ranks
    milliseconds: float
    tokens: int
    varied: Mapping[str, Ranks] = field(default_factory=dict)
    same_top: bool | None = None
    session_ranks: Mapping[str, Ranks] = field(default_factory=dict)


@dataclass
class RunOutcome:
    """Records of a run. `unrelated`, `others`, `unknown`: results given to each such question.

    `sketch_recall`: of each conversation, the share of exact search's ten best that sketches find.
    """

    turns: int = 0
    asked: list[AskedQuestion] = field(default_factory=list)
    unrelated: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    sketch_recall: list[float] = field(default_factory=list)


def run(
    conversations: Sequence[Conversation],
    encoder: Encoder,
    options: RunOptions,
    progress: Progress = lambda text, count: None,
) -> RunOutcome:
    """Hear and ask all conversations, each in a database of its own that is gone afterwards."""
    outcome, remembering = RunOutcome(), CachingEncoder(encoder)
    for conversation in conversations:
        _ConversationRun(conversation, remembering, options, outcome, progress).all(
            other_questions(conversation, conversations)
        )
    return outcome


def count_steps(conversations: Sequence[Conversation], options: RunOptions) -> int:
    """The steps that `run` reports: turns heard, questions asked."""
    unrelated = lines_of(UNRELATED_FILE)
    return sum(
        len((*c.turns, *c.unknown, *unrelated, *other_questions(c, conversations)))
        + sum(len(_wordings(question, options)) + len(options.variants) for question in c.questions)
        for c in conversations
    )


def other_questions(conversation: Conversation, conversations: Sequence[Conversation]) -> list[str]:
    """Up to 50 questions about other conversations, evenly taken."""
    every = [q.text for other in conversations if other.name != conversation.name for q in other.questions]
    return every[:: max(1, len(every) // MAX_OTHER_QUESTIONS)][:MAX_OTHER_QUESTIONS]


def _wordings(question: Question, options: RunOptions) -> tuple[str, ...]:
    return (question.text, *question.wordings) if options.wordings else (question.text,)


@dataclass
class _ConversationRun:
    """One conversation's part of a run."""

    conversation: Conversation
    encoder: CachingEncoder
    options: RunOptions
    outcome: RunOutcome
    progress: Progress

    def all(self, others: Sequence[str]) -> None:
        """Hear and ask everything, in the order in which it happened."""
        conversation = self.conversation
        self.rankings = Rankings(conversation, self.options.kinds)
        with open_variants(conversation, self.encoder, self.options.variants) as (store, self.varied):
            self.bank = conversation_bank(store, conversation)
            self._warm()
            for question, turn_count in self._unfolding():
                for number, text in enumerate(_wordings(question, self.options)):
                    self.outcome.asked.append(self._ask(question, number, text, turn_count))
                    self.progress(f"{conversation.name}: asking", 1)
            self._ask_strangers(others)
            [bank] = store.stats(measure=True)["banks"].values()
        if bank["sketch_recall"] is not None:
            self.outcome.sketch_recall.append(bank["sketch_recall"])

    def _warm(self) -> None:
        """Encode in large batches, ahead of the questions that are timed."""
        self.progress(f"{self.conversation.name}: encoding", 0)
        self.baselines = Baselines(self.conversation, self.encoder, self.options.language)
        texts = [text for q in self.conversation.questions for text in _wordings(q, self.options)]
        self.encoder.encode([*texts, *lines_of(UNRELATED_FILE), *self.conversation.unknown])

    def _unfolding(self) -> Iterator[tuple[Question, int]]:
        """Questions with the number of turns heard by then; the turns before are heard first."""
        heard = 0
        for turn_count, question in self.conversation.unfolding():
            self._hear(heard, turn_count)
            heard = max(heard, turn_count)
            if heard:
                yield question, heard
        self._hear(heard, len(self.conversation.turns))

    def _hear(self, start: int, stop: int) -> None:
        if start < stop:
            self.progress(f"{self.conversation.name}: hearing", 0)
            self.bank.observe(self.conversation.turns[start:stop])
            if self.options.think:
                self.bank.think()
            self.outcome.turns += stop - start
            self.progress(f"{self.conversation.name}: asking", stop - start)

    def _ask(self, question: Question, number: int, text: str, turn_count: int) -> AskedQuestion:
        now = question.asked_at or self.conversation.end
        memories = self.rankings.memories(self.bank, text, now, turn_count)
        rankings = {"memkit": self.rankings.units(memories), **self.baselines.rankings(text, turn_count)}
        start = time.perf_counter()
        recollection = self.bank.recall(text, k=USUAL_RESULTS, kinds=self.options.kinds, now=now, reinforce=False)
        spent = (time.perf_counter() - start) * 1000
        varied = self._varied(text, now, turn_count) if number == 0 else {}
        sketched = varied.get(SKETCH_SEARCH.name)
        same_top = None if sketched is None else set(sketched[:USUAL_RESULTS]) == set(memories[:USUAL_RESULTS])
        return AskedQuestion(
            conversation=self.conversation.name,
            category=question.category,
            wording=number,
            ranks={name: ranks_of(dict.fromkeys(units), question.evidence) for name, units in rankings.items()},
            session_ranks=self._session_ranks(rankings, question),
            floored=self.rankings.ranks([hit.memory.id for hit in recollection], question.evidence),
            unfloored=self.rankings.ranks(memories[:USUAL_RESULTS], question.evidence),
            milliseconds=spent,
            tokens=token_bound(recollection.prompt(PROMPT_BUDGET)),
            varied={name: self.rankings.ranks(ids, question.evidence) for name, ids in varied.items()},
            same_top=same_top,
        )

    def _session_ranks(self, rankings: dict[str, list[str]], question: Question) -> dict[str, Ranks]:
        """Ranks of the evidence's sessions by each system's ranking of turns; none where sessions are ranked."""
        session_of = self.conversation.sessions
        evidence = frozenset(session_of[unit] for unit in question.evidence if unit in session_of)
        if self.conversation.unit == "session" or not evidence:
            return {}
        return {
            name: ranks_of(dict.fromkeys(session_of[unit] for unit in units if unit in session_of), evidence)
            for name, units in rankings.items()
        }

    def _varied(self, text: str, now: datetime, turn_count: int) -> dict[str, list[str]]:
        rankings: dict[str, list[str]] = {}
        for name, bank in self.varied.items():
            rankings[name] = self.rankings.briefly(bank, text, now, turn_count)
            self.progress(f"{self.conversation.name}: asking, {name}", 1)
        return rankings

    def _ask_strangers(self, others: Sequence[str]) -> None:
        """Questions that nothing here answers, with the default floor."""
        now = self.conversation.end
        for questions, counts in (
            (lines_of(UNRELATED_FILE), self.outcome.unrelated),
            (others, self.outcome.others),
            (self.conversation.unknown, self.outcome.unknown),
        ):
            for text in questions:
                counts.append(len(self.bank.recall(text, kinds=self.options.kinds, now=now, reinforce=False)))
                self.progress(f"{self.conversation.name}: questions without an answer", 1)
