"""Hierarchical chunk attention (HCAM, arXiv 2105.14039): over summaries of chunks first, then inside them.

`attend` is the paper's module, with its projections and position encodings. Ranking uses its first level with identity
projections: a chunk's log-attention lifts or lowers its members; it gates nothing. A turn's score is its own evidence
(dense and lexical, in standard deviations), plus shares of its neighbours', its episode's and its session's.

Where sessions are each about one thing, a session is needed as a whole: the more cohesive a bank is, as far as the
question's evidence lies in sessions, the more a session's counts and the less a single turn's own, and the more long
turns lean on their neighbours.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray
from memkit.recall.index.groups import RowGroups
from memkit.recall.ranking.candidates import Candidates, RowFeatures, UnseenChunks
from memkit.recall.ranking.completion import taken_share
from memkit.recall.ranking.evidence import standardised_cosines
from memkit.recall.ranking.late_interaction import REPLACED_SHARE
from memkit.settings import RankingSettings

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


def evidence_parts(candidates: Candidates, weights: RankingSettings) -> dict[str, FloatArray]:
    """The parts of each row's score that follow from its evidence and from that around it; those of none left out."""
    features, share = candidates.features, candidates.open_to_context
    parts = _by_meaning(candidates, weights)
    meaning = parts["dense"] if len(parts) == 1 else np.asarray(sum(parts.values()))
    parts["lexical"] = weights.lexical * candidates.completed
    own, alone = meaning + parts["lexical"], meaning + weights.lexical * candidates.lexical
    shared = meaning + weights.lexical * (1 - taken_share(candidates, weights)) * candidates.lexical
    session = weights.session + weights.cohesive_session * candidates.cohesion
    itself = 1 + weights.cohesive_own * candidates.cohesion
    return {
        **({name: itself * part for name, part in parts.items()} if itself != 1 else parts),
        "neighbours": _from_neighbours(shared, alone, features, weights) * share,
        "episode": _from_chunks(own, features.episodes, candidates.unseen_episodes, weights.episode) * share,
        "session": _from_chunks(own, features.sessions, candidates.unseen_sessions, session) * share,
    }


def _by_meaning(candidates: Candidates, weights: RankingSettings) -> dict[str, FloatArray]:
    """Dense evidence, that by the meaning of words, which takes the place of a share of it, and a reranker's, (n,).

    The last two only where there are any.
    """
    dense, tokens = dense_evidence(candidates, weights), candidates.tokens
    parts = {"dense": dense}
    if tokens is not None:
        parts["dense"] = dense * np.where(np.isnan(tokens), np.float32(1), np.float32(1 - REPLACED_SHARE))
        parts["tokens"] = weights.tokens * candidates.reading * candidates.meaning * np.nan_to_num(tokens)
    if candidates.reranked is not None:
        parts["reranked"] = weights.reranked * candidates.reranked
    return parts


def dense_evidence(candidates: Candidates, weights: RankingSettings) -> FloatArray:
    """Evidence by meaning, in standard deviations, (n,)."""
    weight = weights.dense * candidates.reading * candidates.meaning
    return standardised_cosines(candidates.cosines, candidates.sample, weight)


def _from_neighbours(
    shared: FloatArray, alone: FloatArray, features: RowFeatures, weights: RankingSettings
) -> FloatArray:
    """Shares of the evidence of the rows beside each; the answer to a question takes its share of all of it."""
    shares = np.zeros(len(shared), np.float32)
    _add_both_ways(shares, weights.neighbour * shared, features.linked, 1)
    _add_both_ways(shares, weights.second_neighbour * shared, features.linked_twice, 2)
    shares[1:] += weights.answered * alone[:-1] * features.answering
    return shares


def _add_both_ways(shares: FloatArray, own: FloatArray, linked: FloatArray, step: int) -> None:
    if len(own) > step:
        shares[step:] += own[:-step] * linked
        shares[:-step] += own[step:] * linked


def _from_chunks(own: FloatArray, chunks: RowGroups, unseen: UnseenChunks | None, weight: float) -> FloatArray:
    """The log-attention of each row's chunk, weighed; 0 for rows that lie in none."""
    return chunks.spread(weight * log_attention(own, chunks, unseen))


def chunk_evidence(evidence: FloatArray, chunks: RowGroups, shares: Floats | None = None) -> FloatArray:
    """Evidence of each chunk, (m,): its best member's and its members' mean.

    `shares`: what share of the whole chunks one member is, where not all members are given.

    The mean alone is HCAM's S_m q, since the mean of the members' scores is the score of their mean.
    """
    means = chunks.sums(evidence) * (chunks.shares if shares is None else shares)
    return np.asarray(chunks.maxima(evidence) + means, dtype=np.float32)


def log_attention(own: FloatArray, chunks: RowGroups, unseen: UnseenChunks | None = None) -> FloatArray:
    """Log-attention of each chunk, log softmax(l / T) up to a constant, (m,): 0 for an average chunk.

    `own`: the rows' evidence, (n,); T is the spread of the chunks' evidence. Average and spread are those of all
    chunks of the bank, also of those without a candidate.
    """
    evidence = chunk_evidence(own, chunks, None if unseen is None else unseen.shares)
    missing = 0 if unseen is None or not len(unseen.evidence) else max(unseen.count - len(evidence), 0)
    usual, usual_square = (0.0, 0.0) if unseen is None or not missing else unseen.usual
    whole = len(evidence) + missing
    if whole < 2:
        return np.zeros_like(evidence)
    every = evidence.astype(np.float64)
    mean = (float(every.sum()) + missing * usual) / whole
    every -= mean
    square = (float(every @ every) + missing * (usual_square - 2 * mean * usual + mean**2)) / whole
    if square < 1e-18:
        return np.zeros_like(evidence)
    return np.asarray(every / square**0.5, dtype=np.float32)
