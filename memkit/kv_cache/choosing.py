"""Choice of the next token from the logits: the likeliest, or one drawn by an injected generator."""

from collections.abc import Callable

import torch
from torch import Tensor
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from memkit.errors import InputError

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
    warpers = LogitsProcessorList([TemperatureLogitsWarper(float(temperature))])
    if top_k is not None:
        warpers.append(TopKLogitsWarper(top_k))
    if top_p is not None:
        warpers.append(TopPLogitsWarper(float(top_p)))

    def choose(logits: Tensor) -> int:
        scores = warpers(None, logits[None].float())
        chances = scores.softmax(dim=-1).to(generator.device)
        return int(torch.multinomial(chances, 1, generator=generator))

    return choose
