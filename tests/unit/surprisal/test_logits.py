"""Token entropy from logits: as the paper writes it, and as its authors' code computes it."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from memkit.errors import InputError
from memkit.surprisal.logits import Mode, token_surprisals

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "sirllm_small.json"


@pytest.mark.skipif(not VECTORS.exists(), reason="the authors' reference vectors are not here")
def test_reference_mode_equals_the_authors_code() -> None:
    case = json.loads(VECTORS.read_text())["entropy"]
    found = token_surprisals(case["logits"], case["ids"], mode="reference")
    assert found == pytest.approx(case["code_output"], abs=1e-6)


def test_paper_mode_scores_each_token_under_the_logits_of_the_position_before() -> None:
    logits = np.log([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5]])
    found = token_surprisals(logits, [0, 1, 2])
    assert found == pytest.approx([math.log(3), -math.log(0.2), -math.log(0.1)])


def test_what_came_before_scores_the_first_token() -> None:
    found = token_surprisals(np.zeros((1, 4)), [2], before=np.log([0.1, 0.1, 0.5, 0.3]))
    assert found == pytest.approx([math.log(2)])


def test_adding_a_constant_to_the_logits_changes_nothing_however_large() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 7))
    ids = [0, 1, 2, 3, 4]
    assert token_surprisals(logits + 1e4, ids) == pytest.approx(token_surprisals(logits, ids), abs=1e-9)


def test_no_tokens_have_no_surprisals() -> None:
    assert token_surprisals(np.zeros((0, 4)), []).shape == (0,)


@pytest.mark.parametrize("mode", ["paper", "reference"])
def test_a_single_token_has_one(mode: str) -> None:
    assert token_surprisals(np.zeros((1, 4)), [2], mode=mode) == pytest.approx([math.log(4)])  # type: ignore[arg-type]


def test_lists_that_do_not_fit_are_an_error_and_never_a_partial_score() -> None:
    with pytest.raises(InputError):
        token_surprisals(np.zeros((3, 4)), [1, 2])
    with pytest.raises(InputError):
        token_surprisals(np.zeros((1, 4)), [1], mode="bits")  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["paper", "reference"])
@pytest.mark.parametrize("before", [True, False])
def test_a_tensor_of_logits_is_scored_as_an_array_is(mode: Mode, before: bool) -> None:
    logits = np.random.default_rng(2).normal(size=(6, 11)) * 5
    last = logits[0] if before else None
    expected = token_surprisals(logits[1:], [3, 0, 10, 3, 7], mode=mode, before=last)
    tensors = [None if last is None else torch.tensor(last), torch.tensor(logits[1:])]
    found = token_surprisals(tensors[1], [3, 0, 10, 3, 7], mode=mode, before=tensors[0])
    assert found == pytest.approx(expected, abs=1e-5)
    assert found.dtype == np.float64
