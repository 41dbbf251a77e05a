"""Talk with canaries that occur nowhere else, and the search for them in a folder."""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from needles import held_by, needles

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.models import Memory
from memkit.storage.sqlite.secure_delete.search import Search

WORDS = "garden river boat lamp bread winter window ticket violin harbour market candle letter mountain bicycle".split()
START = datetime(2024, 1, 1, tzinfo=UTC)


class Dense(HashingEncoder):
    """As the hashing encoder, but with no zeros in its vectors: every part of one is its own."""

    def encode(self, texts: list[str]) -> np.ndarray:
        plain = super().encode(texts).astype(np.float64)
        mixed = plain @ np.random.default_rng(5).standard_normal((self.dimension, self.dimension))
        return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), dtype=np.float32)


def turns(count: int, chance: random.Random, start: int = 0) -> Iterator[memkit.Turn]:
    """Talk, each turn with a canary that occurs nowhere else."""
    for i in range(start, start + count):
        text = f'{" ".join(chance.choices(WORDS, k=9))} {canary(chance)} é漢 "quoted" {canary(chance)}'
        at = START + timedelta(minutes=i)
        yield memkit.Turn(text, "ana" if i % 2 else "bob", id=f"t{i}", session=f"s{i // 30}", at=at,
                          metadata={"note": f"{canary(chance)} é"})  # fmt: skip


def canary(chance: random.Random) -> str:
    return f"{chance.getrandbits(80):020x}"


def everything(bank: memkit.MemoryBank) -> list[Memory]:
    found: list[Memory] = []
    states = ("active", "superseded", "merged", "archived", "forgotten")
    while batch := bank.list(after=found[-1].id if found else None, limit=10_000, states=states):
        found += batch
    return found


def wanted(gone: Sequence[Memory], kept: Iterable[Memory]) -> set[bytes]:
    """Every 16-byte window of the erased contents, in any encoding, that what is kept doesn't hold; their vectors."""
    windows = set(needles(gone, held_by(kept), stride=1))
    vectors = Dense().encode([f"{m.speaker}: {m.text}" for m in gone]).astype("<f2")
    return windows | {row.tobytes()[i : i + 32] for row in vectors for i in range(0, 512 - 32, 32)}


def left(folder: Path, pieces: set[bytes]) -> list[str]:
    """Files of a folder that hold any of the pieces."""
    search = Search(pieces)
    return [file.name for file in sorted(folder.iterdir()) if file.is_file() and search.matches(file.read_bytes())]


def opened(path: Path) -> memkit.MemoryStore:
    return memkit.open(path, encoder=Dense())
