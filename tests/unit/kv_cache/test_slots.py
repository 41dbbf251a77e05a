"""Tokens leave a model's cache: what stays is as if it had always stood at its new slot."""

import random

import pytest
import torch
from kv_models import SUPPORTED, VOCABULARY, SlowCache, build, llama

from memkit.kv_cache.slots import SlottedCache

CAPACITY = 40


def some(rng: random.Random, most: int = 8) -> list[int]:
    return [rng.randrange(VOCABULARY) for _ in range(rng.randint(1, most))]


def survivors(rng: random.Random, length: int, room: int) -> list[int]:
    """Random positions that leave this room, in their order."""
    return sorted(rng.sample(range(length), min(length - 1, CAPACITY - room)))


@pytest.mark.parametrize("kind", SUPPORTED)
def test_after_each_of_twenty_random_evictions_logits_equal_those_of_unrotated_keys(kind: str) -> None:
    model, rng = build(SUPPORTED[kind]), random.Random(kind)
    fast, slow = SlottedCache(model, CAPACITY), SlowCache(model)
    start = [rng.randrange(VOCABULARY) for _ in range(CAPACITY)]
    torch.testing.assert_close(fast.read(start), slow.read(start), atol=1e-5, rtol=0)
    for _ in range(20):
        ids = some(rng)
        kept = survivors(rng, len(fast), len(ids))
        fast.keep(kept)
        slow.keep(kept)
        torch.testing.assert_close(fast.read(ids), slow.read(ids), atol=1e-5, rtol=0)


def test_a_cache_of_kept_tokens_differs_from_one_whose_keys_were_not_rotated() -> None:
    """The comparison above can fail: without rotating, the logits are off by far more than it allows."""
    model, rng = llama(), random.Random(1)
    cache, slow = SlottedCache(model, CAPACITY), SlowCache(model)
    start = [rng.randrange(VOCABULARY) for _ in range(CAPACITY)]
    cache.read(start)
    slow.read(start)
    before = [layer.keys for layer in cache.cache.layers]
    kept = list(range(4, CAPACITY))
    cache.keep(kept)
    slow.keep(kept)
    for layer, keys in zip(cache.cache.layers, before, strict=True):
        layer.keys = keys[..., kept, :]
    assert (cache.read([3, 5]) - slow.read([3, 5])).abs().max() > 1e-2


def key_error(dtype: torch.dtype, evictions: int) -> tuple[float, float]:
    """How far the cached keys are from exactly rotated ones, (ours, the model's own rotation's), in norms."""
    model, rng = llama(dtype), random.Random(2)
    cache, slow = SlottedCache(model, CAPACITY), SlowCache(model)
    for i, attention in enumerate(slow.layers):
        slow.watch(i, attention)
    cache.read([rng.randrange(VOCABULARY) for _ in range(CAPACITY)])
    for _ in range(evictions):
        kept = survivors(rng, len(cache), 1)
        cache.keep(kept)
        slow.keep(kept)
        cache.read(some(rng, 1))
    frequencies = model.model.rotary_emb.inv_freq.double()
    angles = torch.outer(torch.arange(CAPACITY).double(), frequencies)
    ours = own = 0.0
    for i, layer in enumerate(cache.cache.layers):
        first, second = slow.keys[i].double().chunk(2, dim=-1)
        cos, sin = angles.cos(), angles.sin()
        exact = torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
        ours = max(ours, float((layer.keys - exact).norm() / exact.norm()))
        own = max(own, float((slow.rotated(i) - exact).norm() / exact.norm()))
    return ours, own


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_rounding_does_not_add_up_over_a_thousand_evictions(dtype: torch.dtype) -> None:
    """Each key is off by one rounding more than the model's own, however often it moved."""
    ours, own = key_error(dtype, 1000)
    assert ours < own + torch.finfo(dtype).eps / 2


def test_after_a_thousand_evictions_float32_logits_still_equal_those_of_unrotated_keys() -> None:
    model, rng = llama(), random.Random(4)
    fast, slow = SlottedCache(model, CAPACITY), SlowCache(model)
    start = [rng.randrange(VOCABULARY) for _ in range(CAPACITY)]
    fast.read(start)
    slow.read(start)
    for _ in range(1000):
        ids = some(rng, 1)
        kept = survivors(rng, len(fast), len(ids))
        fast.keep(kept)
        slow.keep(kept)
        ours, exact = fast.read(ids), slow.read(ids)
        torch.testing.assert_close(ours, exact, atol=1e-5, rtol=0)


def test_all_may_leave_and_others_come() -> None:
    cache, slow = SlottedCache(llama(), CAPACITY), SlowCache(llama())
    cache.read([1, 2, 3])
    cache.keep([])
    torch.testing.assert_close(cache.read([4, 5]), slow.read([4, 5]))
    assert len(cache) == 2


def test_a_forward_that_fails_leaves_the_cache_as_it_was() -> None:
    model = llama()
    cache, slow = SlottedCache(model, CAPACITY), SlowCache(llama())
    cache.read([1, 2, 3])
    slow.read([1, 2, 3])
    hook = model.model.layers[1].mlp.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cache.read([9, 9])
    hook.remove()
    assert {layer.get_seq_length() for layer in cache.cache.layers} == {3}
    torch.testing.assert_close(cache.read([4, 5]), slow.read([4, 5]))


def test_what_stays_keeps_its_values_untouched_in_every_layer() -> None:
    cache = SlottedCache(llama(), CAPACITY)
    cache.read(list(range(10)))
    before = [layer.values.clone() for layer in cache.cache.layers]
    cache.keep([0, 3, 9])
    for layer, values in zip(cache.cache.layers, before, strict=True):
        assert torch.equal(layer.values, values[..., [0, 3, 9], :])


def test_its_bytes_are_those_of_keys_values_and_the_keys_as_they_came() -> None:
    cache = SlottedCache(llama(), CAPACITY)
    cache.read(list(range(10)))
    cache.keep([1, 2])
    layers, heads, dimension, width = 3, 2, 8, 4
    assert cache.nbytes == 2 * 3 * layers * heads * dimension * width
