"""Banks of any size that look like a conversation's: texts made of the demos' sentences, vectors of their encodings.

A memory mixes two sentences of its session's subject, with some words changed; its vector mixes theirs, with noise.
Everything follows from the number of the memory's chunk, so that a bank can be made again without being stored.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

import memkit
from memkit.evaluation.texts import CONVERSATIONS_FOLDER
from memkit.protocols import FloatArray
from memkit.text.terms.tokens import words

ENCODER_NAME = "demo-sentences"  # of the encoder whose vectors are given
CHUNK_MEMORIES = 5_000  # made at a time
SESSION_TURNS = 24
SUBJECT_SENTENCES = 40  # sentences near each other that a session draws from
NOISE_LENGTH = 0.45  # the length of what is added to a unit vector
RARE_SHARE = 0.4  # of the memories that hold an invented word
SPEAKER_NAMES = ("Ines", "Tobias", "Maud", "Callum", "Rita", "Okon")
FOLDED_NAMES = {
    name.casefold() for name in SPEAKER_NAMES
}  # a question that names a speaker is encoded without the name, too
START_TIME = datetime(2020, 1, 6, 8, tzinfo=UTC)
WORD_SYLLABLES = "ba ke lo mi nu ra se ti vo wy zan der fel gor hul".split()


def unit(rows: FloatArray) -> FloatArray:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype=np.float32)


def demo_sentences() -> list[str]:
    """The distinct sentences of the demos' conversations, 20 to 120 characters long."""
    texts = [
        json.loads(line)["text"]
        for name in ("conversation.jsonl", "assistant-conversation.jsonl")
        for line in (CONVERSATIONS_FOLDER / name).read_text(encoding="utf-8").splitlines()
    ]
    parts = [part.strip() for text in texts for part in re.split(r"(?<=[.!?])\s+|\n+", text)]
    return [part for part in dict.fromkeys(parts) if 20 <= len(part) <= 120]


@dataclass(frozen=True)
class Chunk:
    """Memories with their vectors, (n, dimension)."""

    turns: list[memkit.Turn]
    vectors: FloatArray


class Corpus:
    """Makes memories from sentences and their encodings (n, dimension)."""

    def __init__(self, sentences: Sequence[str], encodings: FloatArray) -> None:
        self._sentences, self._encodings = list(sentences), unit(encodings)
        self._vocabulary = [word for sentence in sentences for word in sentence.split() if len(word) > 3]

    @classmethod
    def cached(cls, folder: Path) -> "Corpus":
        """Corpus of the demos, encoded by the default encoder once."""
        sentences, file = demo_sentences(), folder / "encodings.npy"
        if not file.exists():
            from memkit.encoders.sentence_transformer import SentenceTransformerEncoder

            np.save(file, SentenceTransformerEncoder().encode(sentences))
        return cls(sentences, np.load(file))

    @cached_property
    def _subjects(self) -> npt.NDArray[np.int64]:
        """For each sentence those that are nearest to it: (n, SUBJECT_SENTENCES)."""
        return np.argsort(-(self._encodings @ self._encodings.T), axis=1)[:, :SUBJECT_SENTENCES]

    def chunks(self, size: int) -> Iterator[Chunk]:
        """A bank's memories in order, CHUNK_MEMORIES at a time."""
        for start in range(0, size, CHUNK_MEMORIES):
            yield self._chunk(start, min(CHUNK_MEMORIES, size - start))

    def _chunk(self, start: int, count: int) -> Chunk:
        random = np.random.default_rng([7, start])
        sessions = (start + np.arange(count)) // SESSION_TURNS
        centres = np.random.default_rng(11).integers(len(self._sentences), size=int(sessions[-1]) + 1)[sessions]
        first, second = self._subjects[centres, random.integers(SUBJECT_SENTENCES, size=(2, count))]
        vectors = self._mixed(first, second, random)
        texts = [self._text(a, b, random) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
        turns = [self._turn(start + i, text, random) for i, text in enumerate(texts)]
        return Chunk(turns, vectors)

    def _mixed(
        self, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], random: np.random.Generator
    ) -> FloatArray:
        share = random.uniform(0.4, 1.0, size=(len(first), 1))
        both = unit(share * self._encodings[first] + (1 - share) * self._encodings[second])
        noise = unit(random.standard_normal(both.shape, dtype=np.float32))
        return unit(both + NOISE_LENGTH * noise)

    def _text(self, first: int, second: int, random: np.random.Generator) -> str:
        spoken = self._sentences[first].split()
        spoken += self._sentences[second].split()[: int(random.integers(2, 12))]
        for at in random.integers(len(spoken), size=2).tolist():
            spoken[at] = self._vocabulary[int(random.integers(len(self._vocabulary)))]
        if random.random() < RARE_SHARE:
            spoken.append("".join(WORD_SYLLABLES[i] for i in random.integers(len(WORD_SYLLABLES), size=4)).capitalize())
        return " ".join(spoken)

    def _turn(self, number: int, text: str, random: np.random.Generator) -> memkit.Turn:
        session, place = divmod(number, SESSION_TURNS)
        pair = SPEAKER_NAMES[session % 3], SPEAKER_NAMES[3 + session % 2]
        at = START_TIME + timedelta(hours=3 * session, seconds=40 * place + int(random.integers(30)))
        return memkit.Turn(text, pair[int(random.integers(2))], at=at, session=f"s{session}")

    def questions(self, size: int, count: int) -> Chunk:
        """Questions about memories of a bank of this size: some of their words, and vectors near theirs."""
        random = np.random.default_rng([5, size])
        asked: list[memkit.Turn] = []
        vectors = []
        for number in random.integers(size, size=count).tolist():
            start = number // CHUNK_MEMORIES * CHUNK_MEMORIES
            chunk = self._cached_chunk(start, min(CHUNK_MEMORIES, size - start))
            turn = chunk.turns[number - start]
            held = [word.term for word in words(turn.text) if word.term not in FOLDED_NAMES]
            chosen = [held[i] for i in random.permutation(len(held))[:5].tolist()]
            asked.append(memkit.Turn(f"What about {' '.join(chosen)} ({len(asked)})?", turn.speaker))
            noise = unit(random.standard_normal(chunk.vectors.shape[1], dtype=np.float32))
            vectors.append(unit(chunk.vectors[number - start] + NOISE_LENGTH * noise))
        return Chunk(asked, np.array(vectors))

    def forget(self) -> None:
        """Let go of the chunks that questions were made from."""
        self._chunk_cache.clear()

    def _cached_chunk(self, start: int, count: int) -> Chunk:
        if (start, count) not in self._chunk_cache:
            self._chunk_cache[start, count] = self._chunk(start, count)
        return self._chunk_cache[start, count]

    @cached_property
    def _chunk_cache(self) -> dict[tuple[int, int], Chunk]:
        return {}


class Given:
    """An encoder that has the vectors of the texts it was given, and of no others."""

    name = ENCODER_NAME

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._vectors: dict[str, FloatArray] = {}

    def know(self, chunk: Chunk) -> None:
        """Take these texts alone, spoken or asked."""
        spoken = (f"{turn.speaker}: {turn.text}" for turn in chunk.turns)
        self._vectors = dict(zip(spoken, chunk.vectors, strict=True))
        self._vectors |= {turn.text: row for turn, row in zip(chunk.turns, chunk.vectors, strict=True)}

    def encode(self, texts: list[str]) -> FloatArray:
        return np.array([self._vectors[text] for text in texts], dtype=np.float32).reshape(-1, self.dimension)
