"""Summaries without a model: the statements that tell most of a time, each something new (MemoryBank, 2305.10250)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from memkit.models import Memory
from memkit.protocols import FloatArray
from memkit.text.passages import SENTENCE_END_PATTERN
from memkit.text.terms.tokens import words

CENTRAL = 1.0  # what a statement gains by being like the others of its time, per unit of mean cosine
OVERLAP = 1.0  # what it loses by being like one that was chosen, per unit of cosine
THOUGHT = 0.4  # a thought was worth keeping; it names who and when
SELF = 0.3  # people's words about themselves
ASSISTANT = -1.0
SAME = 0.9  # the likeness of a thought to the turn that it rests on
LONGEST = 240  # characters of one statement
GAP = " … "
FEWEST_WORDS = 3  # that mean something
QUIET = 0.6  # of the mean salience; what tells less is small talk
TITLE = 3  # phrases
ABOUT_SELF = re.compile(r"\b(?:I|I'm|I’m|I've|I’ve|I'll|I’ll|my|we|our|we're|we've)\b", re.IGNORECASE)


@dataclass(frozen=True)
class QuotableMemory:
    """A turn or a thought that a summary may quote; `vector` (dimension,) is zeros where there is none."""

    memory: Memory
    vector: FloatArray


def most_of(turns: int) -> int:
    """How many statements stand for a day of so many turns."""
    return max(3, min(8, round(turns / 5)))


def statements(text: str) -> str:
    """A text without its questions; of a long one the sentences that hold most, at most LONGEST characters."""
    sentences = [sentence.strip() for sentence in SENTENCE_END_PATTERN.split(text.strip())]
    said = [sentence for sentence in sentences if sentence and not sentence.endswith("?")]
    if len(whole := " ".join(said)) <= LONGEST:
        return whole
    kept: set[int] = set()
    for i in sorted(range(len(said)), key=lambda i: -_held(said[i])):
        fits = sum(len(said[j]) + len(GAP) for j in kept) + len(said[i]) <= LONGEST
        if fits and (_held(said[i]) >= FEWEST_WORDS or not kept):
            kept.add(i)
    return _joined(said, sorted(kept)) or said[0][:LONGEST].rsplit(" ", 1)[0] + "…"


def _held(sentence: str) -> float:
    """How much a sentence holds: its different terms; more, where it is about the speaker."""
    return len({word.term for word in words(sentence)}) * (1 + SELF * bool(ABOUT_SELF.search(sentence)))


def _joined(sentences: Sequence[str], kept: Sequence[int]) -> str:
    """These sentences, with a mark where others lay between them."""
    parts = [("" if i == 0 else " " if kept[i - 1] + 1 == at else GAP) + sentences[at] for i, at in enumerate(kept)]
    return "".join(parts)


def summarise(told: Sequence[QuotableMemory], most: int) -> list[Memory]:
    """At most so many of these memories, in the order in which they happened.

    Maximal marginal relevance (Carbonell & Goldstein 1998) over the stored vectors, weighed by salience. Questions
    and small talk are left out, unless there is nothing else.
    """
    left = _statements_of(told) or list(told)
    worth = _worth(left)
    like = _likeness(left)
    chosen: list[int] = []
    while len(chosen) < min(most, len(left)):
        penalty = like[:, chosen].max(axis=1) if chosen else np.zeros(len(left), np.float32)
        gain = worth - OVERLAP * penalty
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return sorted((left[i].memory for i in chosen), key=lambda m: (m.occurred_at, m.recorded_at))


def _statements_of(told: Sequence[QuotableMemory]) -> list[QuotableMemory]:
    meant = [one for one in told if len(words(statements(one.memory.text))) >= FEWEST_WORDS]
    least = QUIET * _typical(one.memory for one in meant)
    spoken = [one for one in meant if one.memory.kind == "thought" or (one.memory.salience or least) >= least]
    seen = [one for one in spoken if one.vector.any()]
    return seen or spoken


def _typical(memories: Iterable[Memory]) -> float:
    known = [memory.salience for memory in memories if memory.salience is not None]
    return sum(known) / len(known) if known else 1.0


def _worth(told: Sequence[QuotableMemory]) -> FloatArray:
    typical = max(_typical(one.memory for one in told), 1e-9)
    vectors = np.stack([one.vector for one in told])
    central = vectors @ vectors.mean(axis=0)
    own = [_own_worth(one.memory, typical) for one in told]
    return np.asarray(np.array(own) + CENTRAL * central, dtype=np.float32)


def _own_worth(memory: Memory, typical: float) -> float:
    told = 1.0 if memory.salience is None else memory.salience / typical
    about_self = SELF * bool(ABOUT_SELF.search(statements(memory.text)))
    return told + about_self + THOUGHT * (memory.kind == "thought") + ASSISTANT * (memory.role == "assistant")


def _likeness(told: Sequence[QuotableMemory]) -> FloatArray:
    """Cosines (n, n), at least 0; a thought and the turn that it rests on are nearly the same."""
    vectors = np.stack([one.vector for one in told])
    like = np.maximum(vectors @ vectors.T, 0)
    at = {one.memory.id: i for i, one in enumerate(told)}
    for i, one in enumerate(told):
        for j in (at[source] for source in one.memory.sources if source in at):
            like[i, j] = like[j, i] = max(float(like[i, j]), SAME)
    return np.asarray(like, dtype=np.float32)


def line(memory: Memory) -> str:
    """One statement of a summary, on one line, with who said it."""
    text = " ".join((statements(memory.text) or memory.text[:LONGEST]).split())
    return text if memory.kind == "thought" or memory.speaker is None else f"{memory.speaker}: {text}"


def title(memories: Iterable[Memory]) -> str:
    """The longest surprising phrases, the most telling memory's first; "" where none is known."""
    ranked = sorted(memories, key=lambda memory: -(memory.salience or 0.0))
    phrases = dict.fromkeys(max(memory.key_phrases, key=len) for memory in ranked if memory.key_phrases)
    return ", ".join(list(phrases)[:TITLE])
