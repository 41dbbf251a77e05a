"""Vectors of a text's words, kept as sign bits: what the second stage of recall compares one by one.

A word is the mean of its tokens' vectors. Stop words, marks and the speaker's name have none. Packed, a text is the
number of its passages, the number of words of each, then a row of bits for each word (uint8; at most 255 in a passage).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray
from memkit.recall.index.seq_array import Ints
from memkit.text.terms.language import language_of
from memkit.text.terms.tokens import Word, words
from memkit.text.token_vectors import TokenVectors

MAX_WORDS = 255  # of one passage
BLOCK_ROWS = 4096  # unpacked at once


class TokenRows(NamedTuple):
    """Words of some texts' passages: `signs` uint8 (n, bytes); where each passage starts, and its text's seq, (p,)."""

    signs: npt.NDArray[np.uint8]
    starts: Ints
    owners: Ints


def word_vectors(content: Iterable[Word], tokens: TokenVectors, *, offset: int = 0) -> tuple[list[Word], FloatArray]:
    """Those of the words that have tokens, and the means of these, unit rows (m, dimension).

    `offset`: characters of the encoded text before that that the words stand in.
    """
    firsts, held, rows = tokens.spans[:, 0], list[Word](), list[FloatArray]()
    for word in content:
        start, end = firsts.searchsorted([word.start + offset, word.end + offset])
        if end > start:
            held.append(word)
            rows.append(tokens.vectors[start:end].sum(axis=0))
    if not rows:
        return held, tokens.vectors[:0]
    means = np.stack(rows)
    return held, np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def passage_words(text: str, tokens: TokenVectors, *, offset: int) -> FloatArray:
    """Vectors of the words of a passage, each place in the text once, (m, dimension)."""
    by_span = {(word.start, word.end): word for word in words(text, language_of(text))}
    return word_vectors(by_span.values(), tokens, offset=offset)[1][:MAX_WORDS]


def packed(passages: Sequence[FloatArray]) -> bytes | None:
    """The words of a text's passages as they are stored; None where there are none."""
    if not any(map(len, passages)):
        return None
    signs = (np.packbits(rows > 0, axis=1).tobytes() for rows in passages)
    return bytes([len(passages), *map(len, passages)]) + b"".join(signs)


def is_packed(data: bytes, dimension: int) -> bool:
    """Whether these are the words of a text, by an encoder of this dimension."""
    head = 1 + data[0] if data else 0
    return 0 < head <= len(data) and len(data) - head == sum(data[1:head]) * _width(dimension)


def unpacked(stored: Mapping[int, bytes], dimension: int) -> TokenRows:
    """The words of stored texts by seq, in order; those of another encoder are left out."""
    fitting = {seq: data for seq, data in sorted(stored.items()) if is_packed(data, dimension)}
    counts = [(seq, count) for seq, data in fitting.items() for count in data[1 : 1 + data[0]] if count]
    bodies = b"".join(data[1 + data[0] :] for data in fitting.values())
    owners, sizes = np.array(counts, dtype=np.int64).reshape(-1, 2).T
    return TokenRows(np.frombuffer(bodies, np.uint8).reshape(-1, _width(dimension)), sizes.cumsum() - sizes, owners)


def greatest_cosines(rows: TokenRows, vectors: FloatArray) -> FloatArray:
    """The greatest cosine of each vector with a word's signs in each passage: (m, dimension) -> (p, m)."""
    dimension = vectors.shape[1]
    products = np.empty((len(rows.signs), len(vectors)), np.float32)
    for start in range(0, len(products), BLOCK_ROWS):
        bits = np.unpackbits(rows.signs[start : start + BLOCK_ROWS], axis=1, count=dimension)
        products[start : start + BLOCK_ROWS] = bits.astype(np.float32) @ vectors.T
    greatest = np.maximum.reduceat(products, rows.starts) if len(products) else products
    return np.asarray((2 * greatest - vectors.sum(axis=1)) / dimension**0.5, dtype=np.float32)


def _width(dimension: int) -> int:
    return -(-dimension // 8)
