"""Rotary position embeddings (RoFormer, arXiv 2104.09864): rotating cached keys back to earlier slots."""

from typing import NamedTuple

import torch
from torch import Tensor


class Rotation(NamedTuple):
    """Cosines and sines of the angles to rotate back by, each (n, d/2)."""

    cos: Tensor
    sin: Tensor

    def to(self, device: torch.device) -> "Rotation":
        """The same on another device."""
        return Rotation(self.cos.to(device), self.sin.to(device))


class Rotary:
    """The rotations of an embedding with these `frequencies` (d/2,), radians per slot, for up to `slots` slots.

    Angles are reckoned once, in float64; keys of type `dtype` rotate in float32 at least.
    """

    def __init__(self, frequencies: Tensor, slots: int, dtype: torch.dtype) -> None:
        angles = torch.outer(torch.arange(slots).double(), frequencies.detach().cpu().double())
        wide = torch.promote_types(dtype, torch.float32)
        self._cos, self._sin = angles.cos().to(wide), angles.sin().to(wide)

    def back(self, slots: Tensor) -> Rotation:
        """The rotation of keys back by so many slots, int64 (n,), none negative."""
        return Rotation(self._cos[slots], self._sin[slots])


def rotated(keys: Tensor, rotation: Rotation) -> Tensor:
    """Keys (..., n, d) rotated back, in their own type.

    Dimension i rotates with i + d/2, as in Llama; models that rotate neighbouring dimensions need another rule.
    """
    cos, sin = rotation
    first, second = keys.to(cos.dtype).chunk(2, dim=-1)
    return torch.cat([first * cos + second * sin, second * cos - first * sin], dim=-1).to(keys.dtype)
