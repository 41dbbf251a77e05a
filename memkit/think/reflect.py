"""Summaries without a model: statements that tell most of a period, each something new (MemoryBank, 2305.10250)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from memkit.models import Memory
from memkit.protocols import FloatArray
from memkit.text.parts import SENTENCE_END_PATTERN
from memkit.text.terms.tokens import words

CENTRALITY_WEIGHT = 1.0  # gain of a statement that is like the others of its period, per unit of mean cosine
OVERLAP_PENALTY = 1.0  # loss of a statement that is like one already chosen, per unit of cosine
THOUGHT_BONUS = 0.4  # a thought was worth keeping; it names who and when
SELF_BONUS = 0.3  # people's words about themselves
ASSISTANT_BONUS = -1.0
SOURCE_LIKENESS = 0.9  # cosine of a thought and the turn that it rests on
MAX_STATEMENT_CHARS = 240
OMISSION_MARK = " … "
MIN_WORDS = 3  # content words of a statement
MIN_SALIENCE_SHARE = 0.6  # of the mean salience; below it lies small talk
MAX_TITLE_PHRASES = 3
ABOUT_SELF_PATTERN = re.compile(r"\b(?:I|I'm|I’m|I've|I’ve|I'll|I’ll|my|we|our|we're|we've)\b", re.IGNORECASE)


@dataclass(frozen=True)
class QuotableMemory:
    """A turn or a thought that a summary may quote; `vector` (dimension,) is zeros where there is none."""

    memory: Memory
    vector: FloatArray


def statement_count(turns: int) -> int:
    """Number of statements in the summary of a day of so many turns."""
    return max(3, min(8, round(turns / 5)))


def extract_statements(text: str) -> str:
    """A text without its questions, and cut to its fullest sentences within MAX_STATEMENT_CHARS characters."""
    sentences = [sentence.strip() for sentence in SENTENCE_END_PATTERN.split(text.strip())]
    said = [sentence for sentence in sentences if sentence and not sentence.endswith("?")]
    if len(whole := " ".join(said)) <= MAX_STATEMENT_CHARS:
        return whole
    chosen: set[int] = set()
    for i in sorted(range(len(said)), key=lambda i: -_content_weight(said[i])):
        fits = sum(len(said[j]) + len(OMISSION_MARK) for j in chosen) + len(said[i]) <= MAX_STATEMENT_CHARS
        if fits and (_content_weight(said[i]) >= MIN_WORDS or not chosen):
            chosen.add(i)
    return _joined(said, sorted(chosen)) or said[0][:MAX_STATEMENT_CHARS].rsplit(" ", 1)[0] + "…"


def _content_weight(sentence: str) -> float:
    """Number of a sentence's different terms; weighed up where it is about the speaker."""
    return len({word.term for word in words(sentence)}) * (1 + SELF_BONUS * bool(ABOUT_SELF_PATTERN.search(sentence)))


def _joined(sentences: Sequence[str], chosen: Sequence[int]) -> str:
    """Chosen sentences, with a mark where others lay between them."""
    parts = [sentences[at] for at in chosen]
    for i in range(1, len(chosen)):
        parts[i] = (" " if chosen[i - 1] + 1 == chosen[i] else OMISSION_MARK) + parts[i]
    return "".join(parts)


def choose_memories(candidates: Sequence[QuotableMemory], most: int) -> list[Memory]:
    """Memories for a summary, at most so many, in the order in which they happened.

    Maximal marginal relevance (Carbonell & Goldstein 1998) over the stored vectors, weighed by salience. Questions
    and small talk are left out, unless there is nothing else.
    """
    left = _quotable(candidates) or list(candidates)
    vectors = np.stack([candidate.vector for candidate in left])
    worth, like = _worths(left, vectors), _likeness(left, vectors)
    chosen: list[int] = []
    while len(chosen) < min(most, len(left)):
        penalty = like[:, chosen].max(axis=1) if chosen else np.zeros(len(left), np.float32)
        gain = worth - OVERLAP_PENALTY * penalty
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return sorted((left[i].memory for i in chosen), key=lambda m: (m.occurred_at, m.recorded_at))


def _quotable(candidates: Sequence[QuotableMemory]) -> list[QuotableMemory]:
    stating = [c for c in candidates if len(words(extract_statements(c.memory.text))) >= MIN_WORDS]
    least = MIN_SALIENCE_SHARE * _mean_salience(c.memory for c in stating)
    salient = [c for c in stating if c.memory.kind == "thought" or (c.memory.salience or least) >= least]
    encoded = [c for c in salient if c.vector.any()]
    return encoded or salient


def _mean_salience(memories: Iterable[Memory]) -> float:
    saliences = [memory.salience for memory in memories if memory.salience is not None]
    return sum(saliences) / len(saliences) if saliences else 1.0


def _worths(candidates: Sequence[QuotableMemory], vectors: FloatArray) -> FloatArray:
    mean_salience = max(_mean_salience(c.memory for c in candidates), 1e-9)
    central = vectors @ vectors.mean(axis=0)
    own = [_own_worth(c.memory, mean_salience) for c in candidates]
    return np.asarray(np.array(own) + CENTRALITY_WEIGHT * central, dtype=np.float32)


def _own_worth(memory: Memory, mean_salience: float) -> float:
    salience = 1.0 if memory.salience is None else memory.salience / mean_salience
    about_self = SELF_BONUS * bool(ABOUT_SELF_PATTERN.search(extract_statements(memory.text)))
    return (
        salience
        + about_self
        + THOUGHT_BONUS * (memory.kind == "thought")
        + ASSISTANT_BONUS * (memory.role == "assistant")
    )


def _likeness(candidates: Sequence[QuotableMemory], vectors: FloatArray) -> FloatArray:
    """Cosines (n, n), at least 0; a thought and the turn that it rests on are nearly the same."""
    like = np.maximum(vectors @ vectors.T, 0)
    row_by_id = {c.memory.id: i for i, c in enumerate(candidates)}
    for i, candidate in enumerate(candidates):
        for j in (row_by_id[source] for source in candidate.memory.sources if source in row_by_id):
            like[i, j] = like[j, i] = max(float(like[i, j]), SOURCE_LIKENESS)
    return np.asarray(like, dtype=np.float32)


def summary_line(memory: Memory) -> str:
    """One statement of a summary, on one line, with who said it."""
    text = " ".join((extract_statements(memory.text) or memory.text[:MAX_STATEMENT_CHARS]).split())
    return text if memory.kind == "thought" or memory.speaker is None else f"{memory.speaker}: {text}"


def compose_title(memories: Iterable[Memory]) -> str:
    """A title of the longest surprising phrases, the most salient memory's first; "" where there are none."""
    ranked = sorted(memories, key=lambda memory: -(memory.salience or 0.0))
    phrases = dict.fromkeys(max(memory.key_phrases, key=len) for memory in ranked if memory.key_phrases)
    return ", ".join(list(phrases)[:MAX_TITLE_PHRASES])
