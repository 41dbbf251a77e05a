"""A model that writes into its own bounded cache: as it would without, and then on and on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from kv_models import SUPPORTED, VOCABULARY, SlowCache, build, llama

from memkit.errors import InputError
from memkit.kv_cache import EntropyCache, greedy, sampling
from memkit.surprisal.entropy_filter import Budget

PROMPT = [5, 9, 2, 33, 7]
ROOMY = Budget(4, 200, 20)


def own(model: Any, count: int, **options: Any) -> list[int]:
    """What the model's own generate writes after the prompt."""
    prompt = torch.tensor([PROMPT])
    settings = {"do_sample": False, "pad_token_id": 0, "eos_token_id": None, **options}
    made = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=count, **settings)
    return [int(token) for token in made[0, len(PROMPT) :]]


@pytest.mark.parametrize("kind", SUPPORTED)
def test_while_nothing_is_evicted_it_writes_what_the_models_own_generate_writes(kind: str) -> None:
    model = build(SUPPORTED[kind], spread=0.3)
    written = EntropyCache(model, ROOMY).generate(PROMPT, max_new_tokens=50, eos_token_id=())
    expected = own(model, 50)
    assert list(written) == expected
    assert len(set(expected)) > 5


@pytest.mark.parametrize(
    "options", [{}, {"temperature": 0.7}, {"top_k": 5}, {"temperature": 1.3, "top_k": 20, "top_p": 0.6}]
)
def test_sampling_draws_what_the_models_own_sampling_draws_from_the_same_generator(options: dict[str, Any]) -> None:
    model = llama()
    torch.manual_seed(3)
    expected = own(model, 40, do_sample=True, **{"top_k": 0, "top_p": 1.0, "temperature": 1.0, **options})
    torch.manual_seed(3)
    choose = sampling(torch.default_generator, **options)
    written = EntropyCache(model, ROOMY).generate(PROMPT, max_new_tokens=40, choose=choose, eos_token_id=())
    assert list(written) == expected
    assert len(set(expected)) > 1


def test_a_seed_draws_the_same_tokens_again_and_another_one_others() -> None:
    def written(seed: int) -> list[int]:
        cache = EntropyCache(llama(), Budget(4, 20, 8))
        return list(cache.generate(PROMPT, max_new_tokens=60, choose=sampling(seed), eos_token_id=()))

    assert written(1) == written(1) != written(2)


@pytest.mark.parametrize("wrong", [{"temperature": 0}, {"top_k": 0}, {"top_p": 0}, {"top_p": 1.5}])
def test_sampling_that_makes_no_sense_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="sampling: "):
        sampling(1, **wrong)


@pytest.mark.parametrize("eos", [lambda token: token, lambda token: [0, token], lambda token: {token}])
def test_it_ends_with_an_end_token_which_is_handed_out_and_in_the_cache(eos: Callable[[int], Any]) -> None:
    model = llama()
    expected = own(model, 50)
    end = expected[-1]
    cache = EntropyCache(model, ROOMY)
    written = list(cache.generate(PROMPT, max_new_tokens=50, eos_token_id=eos(end)))
    assert written == expected[: expected.index(end) + 1]
    assert cache.tokens == PROMPT + written


def test_the_end_tokens_are_the_models_own_unless_given() -> None:
    model = llama()
    expected = own(model, 50)
    model.generation_config.eos_token_id = [expected[4]]
    cut = expected[: expected.index(expected[4]) + 1]
    assert list(EntropyCache(model, ROOMY).generate(PROMPT, max_new_tokens=50)) == cut
    assert list(EntropyCache(model, ROOMY).generate(PROMPT, max_new_tokens=50, eos_token_id=())) == expected
    model.generation_config.eos_token_id = None
    assert list(EntropyCache(model, ROOMY).generate(PROMPT, max_new_tokens=50)) == expected


def test_the_budget_holds_while_it_writes_and_what_it_wrote_is_scored() -> None:
    budget = Budget(2, 12, 6)
    cache = EntropyCache(llama(), budget)
    written = []
    for token in cache.generate(PROMPT, max_new_tokens=100, choose=sampling(5), eos_token_id=()):
        written.append(token)
        assert len(cache) <= budget.capacity
        assert cache.tokens[-1] == token
    assert cache.seen == len(PROMPT) + 100
    assert cache.tokens == [(PROMPT + written)[position] for position in cache.positions]
    assert (cache.scores > 0).all()


def test_a_written_token_is_scored_by_the_logits_that_it_was_chosen_from() -> None:
    seen = []

    def choose(logits: torch.Tensor) -> int:
        token = greedy(logits)
        seen.append(-float(logits.double().log_softmax(-1)[token]))
        return token

    cache = EntropyCache(llama(), ROOMY)
    list(cache.generate(PROMPT, max_new_tokens=10, choose=choose, eos_token_id=()))
    assert cache.scores[len(PROMPT) :] == pytest.approx(seen, abs=1e-5)


def test_while_it_evicts_it_writes_what_a_model_over_unrotated_keys_of_the_kept_tokens_writes() -> None:
    model = llama()
    cache, slow = EntropyCache(model, Budget(2, 10, 6)), SlowCache(model)
    held, logits, draw = list(range(len(PROMPT))), slow.read(PROMPT)[-1], sampling(8)

    def choose(found: torch.Tensor) -> int:
        torch.testing.assert_close(found, logits, atol=1e-5, rtol=0)
        return draw(found)

    written = cache.generate(PROMPT, max_new_tokens=80, choose=choose, eos_token_id=())
    for step, token in enumerate(written, len(PROMPT)):
        stay = set(cache.positions.tolist())
        slow.keep([slot for slot, position in enumerate(held) if position in stay])
        held = [position for position in held if position in stay] + [step]
        logits = slow.read([token])[-1]
    assert len(held) == 18


def test_question_and_answer_are_one_turn_with_one_decay() -> None:
    cache = EntropyCache(llama(), Budget(4, 60, decay=0.5))
    first = cache.feed([8, 3])
    list(cache.generate([4], max_new_tokens=12, eos_token_id=()))
    assert cache.scores[:2] == pytest.approx(first / 2)
    assert cache.scores[2] == pytest.approx(cache_score(4), abs=1e-5)


def cache_score(token: int) -> float:
    """-ln P of a token after 8, 3."""
    with torch.no_grad():
        logits = llama()(torch.tensor([[8, 3]])).logits[0, -1]
    return -float(logits.double().log_softmax(-1)[token])


def test_whoever_stops_in_the_middle_finds_what_was_handed_out_in_the_cache_and_can_go_on() -> None:
    model = llama()
    expected = own(model, 12)
    cache = EntropyCache(model, ROOMY)
    writing = cache.generate(PROMPT, max_new_tokens=50, eos_token_id=())
    written = [next(writing) for _ in range(6)]
    assert cache.tokens == PROMPT + written
    writing.close()
    assert written + list(cache.generate([], max_new_tokens=6, eos_token_id=())) == expected


def test_the_question_is_read_at_once_and_nothing_is_written_unless_asked_for() -> None:
    cache = EntropyCache(llama(), ROOMY)
    writing = cache.generate(PROMPT, max_new_tokens=0)
    assert cache.tokens == PROMPT
    assert list(writing) == []


def test_any_function_from_logits_to_a_token_chooses() -> None:
    cache = EntropyCache(llama(), ROOMY)
    least = list(cache.generate(PROMPT, max_new_tokens=3, choose=lambda logits: int(logits.argmin()), eos_token_id=()))
    assert cache.tokens[-3:] == least
    assert (cache.scores[-3:] > np.log(VOCABULARY)).all()


def test_a_choice_outside_of_the_vocabulary_is_an_error_that_leaves_the_cache_as_it_was() -> None:
    cache = EntropyCache(llama(), ROOMY)
    with pytest.raises(InputError, match="outside the model's vocabulary"):
        next(cache.generate(PROMPT, max_new_tokens=3, choose=lambda _: VOCABULARY))
    assert cache.tokens == PROMPT


def test_nothing_follows_nothing() -> None:
    with pytest.raises(InputError, match="nothing was read yet"):
        EntropyCache(llama(), ROOMY).generate([], max_new_tokens=3)


def test_fewer_than_no_tokens_is_an_error_that_reads_nothing() -> None:
    cache = EntropyCache(llama(), ROOMY)
    with pytest.raises(InputError, match="max_new_tokens"):
        cache.generate(PROMPT, max_new_tokens=-1)
    assert len(cache) == 0
