"""SirLLM's policy on a model's cache: what it scores, what it keeps, what it takes in."""

import random
import resource
import sys
from typing import Any

import numpy as np
import pytest
import torch
from kv_models import VOCABULARY, llama
from transformers import BatchEncoding, DynamicCache

from memkit.errors import InputError
from memkit.kv_cache import EntropyCache
from memkit.protocols import Token
from memkit.surprisal.entropy_filter import Budget, EntropyFilter
from memkit.surprisal.logits import Mode

UNHEARD = float(np.log(VOCABULARY))


def turns(seed: int, count: int, most: int = 9) -> list[list[int]]:
    rng = random.Random(seed)
    return [[rng.randrange(VOCABULARY) for _ in range(rng.randint(0, most))] for _ in range(count)]


def surprisals(model: Any, ids: list[int]) -> list[float]:
    """-ln P of each token after those before it, by one forward over all of them."""
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return [UNHEARD, *(-float(logits[i, ids[i + 1]]) for i in range(len(ids) - 1))]


def test_each_token_is_scored_by_what_came_before_over_the_borders_of_turns() -> None:
    model = llama()
    cache = EntropyCache(model, Budget(4, 60))
    found = np.concatenate([cache.feed([5, 9, 2]), cache.feed([7]), cache.feed([]), cache.feed([7, 3])])
    assert found == pytest.approx(surprisals(model, [5, 9, 2, 7, 7, 3]), abs=1e-5)
    assert cache.scores == pytest.approx(found)


def test_the_reference_mode_scores_each_turn_as_the_authors_code_does() -> None:
    model = llama()
    cache = EntropyCache(model, Budget(4, 60), mode="reference")
    with torch.no_grad():
        repeats = -model(torch.tensor([[5, 9, 2]])).logits[0].log_softmax(-1)[range(3), [5, 9, 2]]
    expected = [float(repeats[:2].max()), float(repeats[0]), float(repeats[1])]
    assert cache.feed([5, 9, 2]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("mode", ["paper", "reference"])
@pytest.mark.parametrize(
    "budget", [Budget(2, 12, 4, 0.9), Budget(4, 16, 0, 0.7), Budget(0, 3, 9), Budget(1, 20)], ids=str
)
def test_it_keeps_what_the_filter_outside_of_the_model_would_keep(mode: Mode, budget: Budget) -> None:
    cache, outside = EntropyCache(llama(), budget, mode=mode), EntropyFilter(budget, mode=mode)
    stream: list[int] = []
    for ids in turns(3, 60):
        found = cache.feed(ids)
        outside.feed([Token(i, i + 1, float(score)) for i, score in enumerate(found)])
        stream += ids
        assert cache.positions.tolist() == [kept.position for kept in outside.tokens]
        assert cache.scores == pytest.approx([kept.score for kept in outside.tokens])
        assert cache.tokens == [stream[position] for position in cache.positions]
        assert len(cache) == len(cache.tokens) == cache.cache.get_seq_length() <= budget.capacity
    assert cache.seen == len(stream) > 2 * budget.capacity


def test_a_turn_too_long_for_the_budget_is_an_error_that_changes_nothing() -> None:
    cache = EntropyCache(llama(), Budget(2, 4, 2, 0.5))
    cache.feed([1, 2, 3])
    before = cache.tokens, cache.scores.tolist(), cache.nbytes
    with pytest.raises(InputError, match="split long turns"):
        cache.feed(range(7))
    assert (cache.tokens, cache.scores.tolist(), cache.nbytes) == before


def test_on_request_a_long_turn_is_read_in_pieces_and_decays_once() -> None:
    cache = EntropyCache(llama(), Budget(2, 4, 2, 0.5), split=True)
    first = cache.feed([8, 9])
    found = cache.feed([i % VOCABULARY for i in range(100)])
    assert found.shape == (100,)
    assert len(cache) == 8
    assert cache.scores[:2] == pytest.approx(first / 2)


def test_an_empty_turn_is_a_turn() -> None:
    cache = EntropyCache(llama(), Budget(2, 4, decay=0.5))
    first = cache.feed([8])
    assert cache.feed([]).shape == (0,)
    assert cache.scores == pytest.approx(first / 2)


@pytest.mark.parametrize(
    "ids",
    [[3, 1, 2], (3, 1, 2), np.array([3, 1, 2]), torch.tensor([3, 1, 2]), torch.tensor([[3, 1, 2]]), [[3, 1, 2]],
     BatchEncoding({"input_ids": [3, 1, 2]}), BatchEncoding({"input_ids": torch.tensor([[3, 1, 2]])})],
    ids=lambda ids: type(ids).__name__,
)  # fmt: skip
def test_token_ids_come_as_tokenizers_give_them(ids: Any) -> None:
    cache = EntropyCache(llama(), Budget(2, 8))
    cache.feed(ids)
    assert cache.tokens == [3, 1, 2]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[1, 2], [3, 4]], "2 sequences at once; it holds one"),
        *((ids, "whole numbers") for ids in ([1.5], ["cat"], "cat", [[1], [2, 3]], [True], 5)),
        *((ids, "vocabulary of 64") for ids in ([-1], [1, 64])),
    ],
)
def test_what_is_no_sequence_of_token_ids_is_an_error(ids: Any, message: str) -> None:
    cache = EntropyCache(llama(), Budget(2, 8))
    with pytest.raises(InputError, match=message):
        cache.feed(ids)
    assert len(cache) == 0


def test_an_empty_cache_of_the_callers_is_filled() -> None:
    mine = DynamicCache()
    cache = EntropyCache(llama(), Budget(2, 8), cache=mine)
    cache.feed([1, 2, 3])
    assert cache.cache is mine
    assert mine.get_seq_length() == 3


def test_a_turn_that_was_read_and_could_not_be_scored_is_taken_back() -> None:
    def shorten(_: Any, __: Any, output: Any) -> Any:
        output.logits = output.logits[:, :-1]
        return output

    model = llama()
    cache = EntropyCache(model, Budget(2, 12))
    cache.feed([1, 2, 3])
    hook = model.register_forward_hook(shorten)
    with pytest.raises(InputError, match="do not fit"):
        cache.feed([9, 9])
    hook.remove()
    assert len(cache) == len(cache.tokens) == cache.cache.get_seq_length() == 3
    assert cache.feed([4, 5]) == pytest.approx(surprisals(model, [1, 2, 3, 4, 5])[3:], abs=1e-5)


def test_a_model_that_fails_leaves_the_cache_without_the_turn_and_it_goes_on() -> None:
    model = llama()
    cache = EntropyCache(model, Budget(2, 30))
    cache.feed([1, 2, 3])
    hook = model.lm_head.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cache.feed([9, 9])
    hook.remove()
    assert cache.tokens == [1, 2, 3]
    assert cache.feed([4, 5]) == pytest.approx(surprisals(model, [1, 2, 3, 4, 5])[3:], abs=1e-5)


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(InputError, match="known are paper, reference"):
        EntropyCache(llama(), Budget(2, 8), mode="fast")  # type: ignore[arg-type]


def test_memory_stays_the_same_however_long_the_stream() -> None:
    cache, rng, sizes = EntropyCache(llama(), Budget(4, 20, 8)), random.Random(6), set()
    for i in range(150):
        cache.feed([rng.randrange(VOCABULARY) for _ in range(20)])
        sizes |= {cache.nbytes} if i else set()
    assert len(sizes) == 1
    assert cache.seen == 3000


@pytest.mark.slow
def test_twenty_thousand_tokens_leave_the_cache_and_the_process_as_large_as_two_thousand() -> None:
    cache, rng, sizes = EntropyCache(llama(), Budget(4, 44, 16)), random.Random(6), {}
    while cache.seen < 20_000:
        cache.feed([rng.randrange(VOCABULARY) for _ in range(20)])
        sizes[cache.seen] = (cache.nbytes, peak())
    assert sizes[2_000][0] == sizes[20_000][0] == 64 * 3 * (3 * 2 * 8) * 4
    assert sizes[20_000][1] - sizes[2_000][1] < 4 * 2**20


def peak() -> int:
    """Bytes of this process at its largest so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
