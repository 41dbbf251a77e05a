"""A model's key-value cache whose tokens can leave: what stays moves up, its keys rotated to the new slots."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache as memoize
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from memkit.kv_cache.fitness import cache_argument, fresh_cache, rotary_of
from memkit.kv_cache.rotary import rotated


class SlottedCache:
    """Tokens of one sequence at slots 0..n-1 of a DynamicCache, at most `slots` of them.

    Rotating cached keys again and again rounds each time: measured in bfloat16, they are 6 % off after a thousand
    evictions from 256 slots. So keys are also kept as they came, with the slot that they came to, and rotate
    from there: half as much memory again, and .3 % however often a token moves. Raises InputError.
    """

    def __init__(self, model: Any, slots: int, cache: Any = None) -> None:
        self._rotary = rotary_of(model, slots)
        self._model, self._argument = model, cache_argument(model)
        self.cache = fresh_cache(model, cache)
        self._came: list[Tensor] = []  # for each layer, keys (1, heads, n, d) as the model made them
        self._came_to = torch.zeros(0, dtype=torch.int64)  # (n,) the slots that they were made for

    def __len__(self) -> int:
        return len(self._came_to)

    @property
    def nbytes(self) -> int:
        """Bytes of all keys and values, with the keys as they came."""
        tensors = [t for layer in self.cache.layers for t in (layer.keys, layer.values) if t is not None]
        return sum(tensor.nbytes for tensor in [*tensors, *self._came])

    def read(self, ids: Sequence[int]) -> Tensor:
        """Logits (m, V) after each of the ids (m,), which take the next slots; if the model fails, they take none."""
        length = len(self)
        slots = torch.arange(length, length + len(ids))
        device = self._model.device
        with self.undoing(), torch.no_grad():
            logits: Tensor = self._model(
                input_ids=torch.tensor([ids], device=device),
                position_ids=slots[None].to(device),
                use_cache=True,
                **{self._argument: self.cache},
            ).logits[0]
            came = [layer.keys[..., length:, :] for layer in self.cache.layers]
            self._came = [torch.cat(pair, dim=-2) for pair in zip(self._came, came, strict=True)] if length else came
            self._came_to = torch.cat([self._came_to, slots])
        return logits

    def keep(self, positions: npt.ArrayLike) -> None:
        """Only the tokens at these positions, ascending (n,), stay, in all layers; they move to slots 0..n-1."""
        stay = torch.as_tensor(positions, dtype=torch.int64)
        came_to = self._came_to[stay]
        rotation = self._rotary.back(came_to - torch.arange(len(stay)))
        there = memoize(lambda device: (stay.to(device), rotation.to(device)))
        came, moved = [], []
        for layer, keys in zip(self.cache.layers, self._came, strict=True):
            index, rotation_there = there(keys.device)
            came.append(keys.index_select(-2, index))
            moved.append((rotated(came[-1], rotation_there), layer.values.index_select(-2, index)))
        for layer, pair in zip(self.cache.layers, moved, strict=True):
            layer.keys, layer.values = pair
        self._came, self._came_to = came, came_to

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """If what happens within fails or is interrupted, the tokens that it has read take no slots."""
        with ExitStack() as undo:
            undo.callback(self._cut, len(self))
            yield
            undo.pop_all()

    def _cut(self, length: int) -> None:
        for layer in self.cache.layers:
            if layer.is_initialized:
                layer.keys, layer.values = layer.keys[..., :length, :], layer.values[..., :length, :]
        self._came = [keys[..., :length, :] for keys in self._came]
        self._came_to = self._came_to[:length]
