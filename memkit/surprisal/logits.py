"""Surprisal from a language model's logits: SirLLM's token entropy (arXiv 2405.12528), as written and as coded."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from memkit.errors import InputError

Mode = Literal["paper", "reference"]
Floats = npt.NDArray[np.float64]


def token_surprisals(
    logits: npt.ArrayLike, ids: npt.ArrayLike, *, mode: Mode = "paper", before: npt.ArrayLike | None = None
) -> Floats:
    """e_i of each token, in nats, shape (n,), from the logits (n, V) that a model gave for the ids (n,).

    "paper": e_i = -ln P(x_i | x_<i), read from the logits one position earlier; the first token's from
    `before` (V,), the last logits of what came before, or ln V where nothing did. "reference": what the
    authors' code computes, for parity only: each token gets -ln P of the one before it under the logits that
    follow that one (that is, of its being said twice), and the first the highest of them. Logits that are torch
    tensors are reduced where they lie, in float32. Raises InputError.
    """
    scores, tokens = _rows(logits), np.asarray(ids, np.int64)
    if scores.ndim != 2 or tokens.shape != scores.shape[:1]:
        raise InputError(f"token_surprisals: logits {tuple(scores.shape)} do not fit ids {tokens.shape}.")
    if mode not in ("paper", "reference"):
        raise InputError("token_surprisals: unknown mode; known are paper, reference.")
    if len(tokens) == 0:
        return np.zeros(0)
    if mode == "paper":
        earlier = np.zeros(scores.shape[1]) if before is None else before
        first = _surprisals(_rows(earlier)[None], tokens[:1])
        return np.concatenate([first, _surprisals(scores[:-1], tokens[1:])])
    repeats = _surprisals(scores, tokens)
    highest = (repeats[:-1] if len(repeats) > 1 else repeats).max()
    return np.concatenate([[highest], repeats[:-1]])


def _rows(logits: Any) -> Any:
    return logits if _is_tensor(logits) else np.asarray(logits, np.float64)


def _is_tensor(logits: Any) -> bool:
    return hasattr(logits, "logsumexp")  # a torch tensor, told without importing torch


def _surprisals(logits: Any, ids: npt.NDArray[np.int64]) -> Floats:
    """-log softmax of each row at its id."""
    if _is_tensor(logits):
        wide = logits.detach().float()
        return np.asarray((wide.logsumexp(1) - wide[range(len(ids)), ids.tolist()]).cpu(), np.float64)
    highest = logits.max(axis=1)
    total = np.log(np.exp(logits - highest[:, None]).sum(axis=1))
    chosen: Floats = highest + total - logits[np.arange(len(ids)), ids]
    return chosen
