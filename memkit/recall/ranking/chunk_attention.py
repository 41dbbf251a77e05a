"""Hierarchical chunk attention (HCAM, arXiv 2105.14039): over summaries of chunks first, then inside them.

`attend` is the paper's module, with its projections and position encodings. Ranking uses its first
level with identity projections: a chunk's log-attention lifts or lowers its members; it gates nothing.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray
from memkit.recall.index.row_groups import RowGroups

Floats = npt.NDArray[np.floating]


def softmax(logits: Floats, axis: int = -1) -> Floats:
    """exp(x) / sum(exp(x)), without overflow."""
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def position_encoding(steps: int, dimension: int) -> Floats:
    """PE[c] = concat(sin(p f), cos(p f)), p = steps-1-c (the newest is 0), f_i = 10000^(-2i/D); (steps, D)."""
    positions = np.arange(steps - 1, -1, -1.0)[:, None]
    frequencies = 10000.0 ** (-np.arange(0, dimension, 2.0) / dimension)
    return np.concatenate([np.sin(positions * frequencies), np.cos(positions * frequencies)], axis=1)


@dataclass(frozen=True)
class Attention:
    """Weights of a multi-head attention: kernels (D, heads, F/heads), biases (heads, F/heads), output."""

    query: Floats
    query_bias: Floats
    key: Floats
    key_bias: Floats
    value: Floats
    value_bias: Floats
    output: Floats  # (heads, F/heads, D)
    output_bias: Floats  # (D,)

    def __call__(self, query: Floats, memory: Floats) -> Floats:
        """Attend from one query (D,) to the steps of one chunk (C, D); scale 1 / sqrt(F / heads)."""
        q = np.einsum("d,dhf->hf", query, self.query) + self.query_bias
        k = np.einsum("cd,dhf->chf", memory, self.key) + self.key_bias
        v = np.einsum("cd,dhf->chf", memory, self.value) + self.value_bias
        weights = softmax(np.einsum("hf,chf->hc", q, k) / np.sqrt(q.shape[-1]))
        mixed = np.einsum("hc,chf->hf", weights, v)
        return np.asarray(np.einsum("hf,hfd->d", mixed, self.output) + self.output_bias)


def attend(
    query: Floats,
    chunks: Floats,
    *,
    query_projection: Floats,
    key_projection: Floats,
    attention: Attention,
    k: int,
    temperature: float = 1.0,
) -> Floats:
    """HCAM for one query (D,) over chunks (M, C, D): the answer (D,).

    l_m = (q Wq)(S_m Wk) / (sqrt(F) temperature), S_m the mean of chunk m; softmax over the k selected
    logits only; the chosen chunks, with position encodings, are attended to and mixed by these weights.
    """
    projected = query @ query_projection
    keys = chunks.mean(axis=1) @ key_projection
    logits = keys @ projected / (np.sqrt(len(projected)) * temperature)
    chosen = np.argsort(-logits, kind="stable")[:k]
    weights = softmax(logits[chosen])
    encoding = position_encoding(chunks.shape[1], chunks.shape[2])
    return np.asarray(sum(w * attention(query, chunks[m] + encoding) for w, m in zip(weights, chosen, strict=True)))


@dataclass(frozen=True)
class Unseen:
    """What is not scored where only candidates are: the other members of their chunks, and all other chunks.

    `sizes`: how many rows a question may find in each chunk that has a candidate; `sample`: evidence of rows that
    stand for the whole bank. A member that was not scored has average evidence, 0.
    """

    sizes: npt.NDArray[np.integer]
    sample: FloatArray
    count: int  # chunks
    rows: int  # that lie in any

    @cached_property
    def evidence(self) -> FloatArray:
        """The evidence of chunks made of the sample, as large as the bank's are: what chance gives, (any,)."""
        size = max(1, round(self.rows / max(self.count, 1)))
        whole = len(self.sample) // size * size
        groups = self.sample[:whole].reshape(-1, size)
        return np.asarray(groups.max(axis=1) + groups.mean(axis=1), dtype=np.float32)


def chunk_evidence(evidence: FloatArray, chunks: RowGroups, sizes: npt.NDArray[np.integer] | None = None) -> FloatArray:
    """What a query finds in each chunk, (m,): its best member's evidence and its members' mean.

    `sizes`: of the whole chunks, where not all members are given.

    The mean alone is HCAM's S_m q, since the mean of the members' scores is the score of their mean.
    """
    means = chunks.sums(evidence) / np.maximum(chunks.sizes if sizes is None else sizes, 1)
    return np.asarray(chunks.maxima(evidence) + means, dtype=np.float32)


def log_attention(evidence: FloatArray, unseen: Unseen | None = None) -> FloatArray:
    """log softmax(l / T) up to a constant, T the spread of the chunks' evidence: 0 for an average chunk.

    Average and spread are those of all chunks of the bank, also of those without a candidate.
    """
    others = np.empty(0, np.float32) if unseen is None else unseen.evidence
    missing = 0 if unseen is None or not len(others) else max(unseen.count - len(evidence), 0)
    whole = len(evidence) + missing
    if whole < 2:
        return np.zeros_like(evidence)
    mean = (evidence.sum(dtype=np.float64) + missing * _mean(others)) / whole
    square = (((evidence - mean) ** 2).sum(dtype=np.float64) + missing * _mean((others - mean) ** 2)) / whole
    if square < 1e-18:
        return np.zeros_like(evidence)
    return np.asarray((evidence - mean) / square**0.5, dtype=np.float32)


def _mean(values: FloatArray) -> float:
    return float(values.mean(dtype=np.float64)) if len(values) else 0.0
