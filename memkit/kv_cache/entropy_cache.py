"""SirLLM inside a model (arXiv 2405.12528): an endless stream through a key-value cache of fixed size."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from memkit.errors import InputError
from memkit.kv_cache.slots import SlottedCache
from memkit.surprisal.entropy_filter import Budget, Positions, Scores, kept_positions, pieces
from memkit.surprisal.logits import Mode, token_surprisals

# Where a model writes, its newest words matter though they hardly surprise it; the paper's tasks had recent = 0.
WRITING_BUDGET = Budget(start=4, entropy=764, recent=256)

Choose = Callable[[Tensor], int]  # logits (V,) to a token's id


def greedy(logits: Tensor) -> int:
    """The likeliest token."""
    return int(logits.argmax())


def sampling(
    seed: int | torch.Generator, *, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Choose:
    """Draws tokens as transformers' own sampling does: temperature, then the k likeliest, then the nucleus p.

    The same seed draws the same tokens. Raises InputError.
    """
    if temperature <= 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
        raise InputError("sampling: temperature and top_k are positive, top_p lies in (0, 1]; else use greedy.")
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)
    nucleus = [] if top_p is None else [TopPLogitsWarper(float(top_p))]
    likeliest = [] if top_k is None else [TopKLogitsWarper(top_k)]
    warpers = LogitsProcessorList([TemperatureLogitsWarper(float(temperature)), *likeliest, *nucleus])

    def choose(logits: Tensor) -> int:
        chances = warpers(None, logits[None].float()).softmax(dim=-1).to(generator.device)
        return int(torch.multinomial(chances, 1, generator=generator))

    return choose


class EntropyCache:
    """A causal language model that reads and writes without end, at most `budget.capacity` tokens in its cache.

    Each turn: evict for what comes, multiply the scores of what is left by the decay, read, append the turn's
    surprisals. What stays keeps its order and moves to slots 0..n-1 in every layer. `split` reads a turn that
    is too long in pieces (and decays once) instead of raising InputError. `mode` as in `token_surprisals`.

    For transformers 5 models with default rotary embeddings and full attention; a trial at set-up checks that
    the model's keys rotate as supposed, and others are refused with InputError. One sequence; not thread-safe.
    """

    def __init__(
        self,
        model: Any,
        budget: Budget = WRITING_BUDGET,
        *,
        mode: Mode = "paper",
        split: bool = False,
        cache: Any = None,
    ) -> None:
        if mode not in ("paper", "reference"):
            raise InputError("EntropyCache: unknown mode; known are paper, reference.")
        self.budget, self.mode, self.split = budget, mode, split
        self.seen = 0  # tokens read so far
        self._model, self._slots = model, SlottedCache(model, budget.capacity, cache)
        self._vocabulary = int(model.config.get_text_config(decoder=True).vocab_size)
        self._held = np.zeros((0, 2), dtype=np.int64)  # position in the stream, token id
        self._scores = np.zeros(0)
        self._last = torch.zeros(0)  # logits (V,) after the newest token

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def cache(self) -> Any:
        """The DynamicCache, as the model sees it. To be read; what changes it from outside goes unscored."""
        return self._slots.cache

    @property
    def nbytes(self) -> int:
        """Bytes of keys and values."""
        return self._slots.nbytes

    @property
    def tokens(self) -> list[int]:
        """The ids of the tokens held, in the order of the stream, which is that of the slots."""
        return [int(token) for token in self._held[:, 1]]

    @property
    def positions(self) -> Positions:
        """The place of each in the stream, counted from 0, (n,)."""
        return self._held[:, 0].copy()

    @property
    def scores(self) -> Scores:
        """The surprisal of each, decayed, in nats, (n,)."""
        return self._scores.copy()

    def feed(self, ids: Any) -> Scores:
        """Read a turn: ids (n,) or (1, n), or what a tokenizer gave; gives its surprisals, in nats, (n,).

        The first token is scored by the logits after the turn before. Raises InputError, before anything has
        changed. If the model itself fails, the cache is without the turn, and what gave way to it is gone.
        """
        surprisals, decay = [np.zeros(0)], self.budget.decay
        for piece in pieces(self._checked(ids), self.budget if self.split else None):
            surprisals.append(self._take(piece, decay))
            decay = 1.0
        return np.concatenate(surprisals)

    def generate(
        self,
        ids: Any,
        *,
        max_new_tokens: int,
        choose: Choose = greedy,
        eos_token_id: int | Collection[int] | None = None,
    ) -> Iterator[int]:
        """Read a turn at once, then write its answer, token by token, up to and including an end token.

        A token is read and scored before it is handed out, evicting for it, so what was seen is in the cache
        wherever the caller stops. Question and answer are one turn: one decay. `choose` is `greedy`,
        `sampling(seed)` or any function from logits (V,) to an id; the end tokens are the model's own unless
        given, () for none. Other settings of its generation_config don't apply. Raises InputError.
        """
        if max_new_tokens < 0:
            raise InputError("EntropyCache.generate: max_new_tokens is a count.")
        given = self._model.generation_config.eos_token_id if eos_token_id is None else eos_token_id
        ends: Collection[int] = (given,) if isinstance(given, int) else tuple(given or ())
        self.feed(ids)
        if not self.seen:
            raise InputError("EntropyCache.generate: nothing was read yet, so nothing follows. Give a token.")
        return self._answer(max_new_tokens, choose, ends)

    def _answer(self, longest: int, choose: Choose, ends: Collection[int]) -> Iterator[int]:
        for _ in range(longest):
            [token] = self._checked([choose(self._last)])
            self._take([token], decay=1.0)
            yield token
            if token in ends:
                return

    def _take(self, ids: Sequence[int], decay: float) -> Scores:
        keep = kept_positions(self._scores, len(ids), self.budget, mode=self.mode)
        if len(keep) < len(self):
            self._slots.keep(keep)
            self._held, self._scores = self._held[keep], self._scores[keep]
        self._scores *= decay
        if not ids:
            return np.zeros(0)
        with self._slots.undoing():
            logits = self._slots.read(ids)
            surprisals = token_surprisals(logits, ids, mode=self.mode, before=self._last if self.seen else None)
            self._append(ids, surprisals, logits[-1].clone())  # not a view, which would keep the whole turn's logits
        return surprisals

    def _append(self, ids: Sequence[int], scores: Scores, last: Tensor) -> None:
        places = np.column_stack([np.arange(self.seen, self.seen + len(ids)), ids])
        self._held, self._scores = np.vstack([self._held, places]), np.concatenate([self._scores, scores])
        self._last, self.seen = last, self.seen + len(ids)

    def _checked(self, ids: Any) -> list[int]:
        """The ids of one sequence as a list."""
        try:
            tensor = torch.as_tensor(getattr(ids, "input_ids", ids))
        except (TypeError, ValueError, RuntimeError):
            raise InputError("EntropyCache: token ids are whole numbers, of shape (n,) or (1, n).") from None
        if tensor.ndim == 2 and len(tensor) != 1:
            raise InputError(f"EntropyCache: {len(tensor)} sequences at once; it holds one. Make one for each of them.")
        if tensor.numel() == 0:
            return []
        if tensor.ndim not in (1, 2) or tensor.is_floating_point() or tensor.dtype == torch.bool:
            raise InputError("EntropyCache: token ids are whole numbers, of shape (n,) or (1, n).")
        if int(tensor.min()) < 0 or int(tensor.max()) >= self._vocabulary:
            raise InputError(f"EntropyCache: a token id lies outside the model's vocabulary of {self._vocabulary}.")
        return [int(token) for token in tensor.flatten().tolist()]
