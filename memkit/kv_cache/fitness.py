"""Fitness of a model for eviction and re-slotting: rules read from the model, then a trial of it."""

import inspect
from collections.abc import Iterator
from typing import Any, NoReturn

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer

from memkit.errors import InputError
from memkit.kv_cache.rotary import Rotary, rotated

UNFIT_REMEDY = "Use a model with default rotary embeddings and full attention, or EntropyFilter outside of the model."
TRIAL_TOKENS = 16  # slots that a key is rotated back by in the trial, and tokens that are tried


def rotary_of(model: Any, slots: int) -> Rotary:
    """The rotation of the model's keys among so many slots. Raises InputError where they can't be re-slotted."""
    _check_kind(model)
    _check_layers(model)
    _check_rope(model)
    _check_positions(model, slots)
    frequencies = getattr(getattr(model.get_decoder(), "rotary_emb", None), "inv_freq", None)
    if not isinstance(frequencies, Tensor):
        _refuse(model, "its decoder has no rotary_emb with frequencies, by which keys could be rotated")
    _check_trial(model, frequencies)
    return Rotary(frequencies, slots, model.dtype)


def fresh_cache(model: Any, given: Any = None) -> Any:
    """An empty DynamicCache for the model: the one that was given, if it can be used. Raises InputError."""
    if given is None:
        return DynamicCache(config=model.config)
    lazy = getattr(given, "layer_class_to_replicate", None)
    kinds = {type(layer) for layer in getattr(given, "layers", [])} | ({lazy} if lazy else set())
    if not isinstance(given, DynamicCache) or kinds - {DynamicLayer} or given.offloading:
        names = ", ".join(sorted(kind.__name__ for kind in kinds)) or "none"
        raise InputError(
            f"EntropyCache: a {type(given).__name__} with layers of kind {names} can't be evicted from; tokens leave "
            "only a DynamicCache of plain DynamicLayers that isn't offloaded. Pass none: one is made for the model."
        )
    if given.get_seq_length():
        raise InputError("EntropyCache: the cache must be empty, for nothing tells how surprising its tokens were.")
    return given


def cache_argument(model: Any) -> str:
    """The name that the model's forward has for its cache; it changed within transformers 5."""
    return "cache" if "cache" in inspect.signature(model.get_decoder().forward).parameters else "past_key_values"


def _refuse(model: Any, what: str) -> NoReturn:
    kind = getattr(getattr(model, "config", None), "model_type", None) or type(model).__name__
    raise InputError(f"EntropyCache can't hold the cache of this {kind} model: {what}. {UNFIT_REMEDY}")


def _check_kind(model: Any) -> None:
    if not callable(getattr(model, "can_generate", None)) or not model.can_generate():
        _refuse(model, "it isn't a transformers model that predicts the next token")
    if model.config.is_encoder_decoder:
        _refuse(model, "it has an encoder, and its decoder reads more than its own tokens")
    if model.training:
        raise InputError("EntropyCache: the model is in training mode, where keys are random. Call model.eval() first.")


def _check_layers(model: Any) -> None:
    kinds = {type(layer) for layer in DynamicCache(config=model.config).layers}
    if kinds != {DynamicLayer}:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        _refuse(model, f"its layers keep {names}; sliding windows and hybrid layers drop tokens by rules of their own")


def _check_rope(model: Any) -> None:
    rope = getattr(model.config.get_text_config(decoder=True), "rope_parameters", None)
    if not rope:
        _refuse(model, "its config has no rope_parameters, that is, no rotary position embedding to move keys by")
    if any(isinstance(value, dict) for value in rope.values()):
        _refuse(model, "its rotary embeddings differ by layer; one rule must hold for all")
    if (kind := rope.get("rope_type", "default")) != "default":
        _refuse(model, f"its rotary embedding is scaled (rope_type {kind!r}); only 'default' is known to re-slot right")
    if (share := rope.get("partial_rotary_factor") or 1.0) != 1.0:
        _refuse(model, f"it rotates only a part of each key (partial_rotary_factor {share}); all of it must rotate")
    if other := set(rope) - {"rope_type", "type", "rope_theta", "partial_rotary_factor"}:
        _refuse(model, f"its rotary embedding has parameters that are unknown here: {', '.join(sorted(other))}")


def _check_positions(model: Any, slots: int) -> None:
    longest = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    if longest is not None and slots > longest:
        raise InputError(
            f"EntropyCache: a budget of {slots} tokens needs as many positions, and the model was made for {longest}. "
            "Lower entropy or recent."
        )


def _check_trial(model: Any, frequencies: Tensor) -> None:
    """Each of a few tokens alone, at slot 0 and further on: its keys must be equal when rotated back, its values as is.

    A token alone attends to itself only, whatever its slot, so rounding doesn't add up over layers.
    """
    rotation = Rotary(frequencies, TRIAL_TOKENS + 1, model.dtype).back(torch.tensor([TRIAL_TOKENS]))
    for i, (start, moved) in enumerate(zip(_alone(model, 0), _alone(model, TRIAL_TOKENS), strict=True)):
        keys, values = moved
        if keys.shape[-1] != 2 * len(frequencies):
            _refuse(model, f"it rotates {2 * len(frequencies)} of a key's {keys.shape[-1]} dimensions, not all")
        if not (_agree(rotated(keys, rotation.to(keys.device)), start[0]) and _agree(values, start[1])):
            _refuse(model, f"in layer {i} keys don't rotate by halves (but by pairs, or not at all), or values do")


def _alone(model: Any, slot: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Keys and values of each layer, (b, heads, 1, d), of tokens that each stand alone at the slot."""
    ids = (
        torch.arange(TRIAL_TOKENS, device=model.device)[:, None] % model.config.get_text_config(decoder=True).vocab_size
    )
    cache = DynamicCache(config=model.config)
    with torch.no_grad():
        model(
            input_ids=ids,
            position_ids=torch.full_like(ids, slot),
            use_cache=True,
            **{cache_argument(model): cache},
        )
    return ((layer.keys, layer.values) for layer in cache.layers)


def _agree(actual: Tensor, expected: Tensor) -> bool:
    """Equal but for the rounding of their type; another layout is off by tenths."""
    tolerance = max(1e-4, 8 * torch.finfo(expected.dtype).eps)
    return bool((actual - expected).float().norm() <= tolerance * expected.float().norm())
