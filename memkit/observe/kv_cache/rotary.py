"""Rotary position embeddings (RoFormer, arXiv 2104.09864): turning cached keys back to earlier slots."""

from typing import NamedTuple

import torch
from torch import Tensor


class Turn(NamedTuple):
    """Cosines and sines of the angles to turn back by, each (n, d/2)."""

    cos: Tensor
    sin: Tensor

    def to(self, device: torch.device) -> "Turn":
        """The same on another device."""
        return Turn(self.cos.to(device), self.sin.to(device))


class Rotary:
    """The turns of a rotary embedding with these `frequencies` (d/2,), radians per slot, for up to `slots` slots.

    Angles are reckoned once, in float64; keys of type `dtype` turn in float32 at least.
    """

    def __init__(self, frequencies: Tensor, slots: int, dtype: torch.dtype) -> None:
        angles = torch.outer(torch.arange(slots).double(), frequencies.detach().cpu().double())
        wide = torch.promote_types(dtype, torch.float32)
        self._cos, self._sin = angles.cos().to(wide), angles.sin().to(wide)

    def back(self, slots: Tensor) -> Turn:
        """What turns keys back by so many slots, int64 (n,), none negative."""
        return Turn(self._cos[slots], self._sin[slots])


def turned(keys: Tensor, turn: Turn) -> Tensor:
    """Keys (..., n, d) turned back, in their own type.

    Dimension i turns with i + d/2, as in Llama; models that turn neighbouring dimensions need another rule.
    """
    cos, sin = turn
    first, second = keys.to(cos.dtype).chunk(2, dim=-1)
    return torch.cat([first * cos + second * sin, second * cos - first * sin], dim=-1).to(keys.dtype)
