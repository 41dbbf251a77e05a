"""SirLLM's policy: the start, what surprised and the newest stay; the rest is evicted, turn by turn."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from memkit.errors import CorruptError, InputError
from memkit.protocols import Token
from memkit.surprisal.entropy_filter import Budget, EntropyFilter, Span, kept_positions

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "sirllm_small.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text())["cache"] if VECTORS.exists() else []


def turn(*scores: float, width: int = 4) -> list[Token]:
    return [Token(i * width, (i + 1) * width - 1, score) for i, score in enumerate(scores)]


def scores(held: EntropyFilter) -> list[float]:
    return [kept.score for kept in held.tokens]


@pytest.mark.skipif(not CASES, reason="the authors' reference vectors are not here")
@pytest.mark.parametrize("case", CASES)
def test_reference_mode_keeps_what_the_authors_code_keeps_and_fails_where_it_fails(case: dict[str, Any]) -> None:
    budget = Budget(case["start"], case["token_entropy"], case["recent"])
    if case["keep"] == "AssertionError":
        with pytest.raises(InputError, match="doesn't fit"):
            kept_positions(case["entropy"], case["num_coming"], budget, mode="reference")
    else:
        found = kept_positions(case["entropy"], case["num_coming"], budget, mode="reference")
        assert found.tolist() == case["keep"]


def test_while_all_fits_nothing_is_evicted() -> None:
    held = EntropyFilter(Budget(2, 4, 2))
    assert held.feed(turn(1, 2, 3)) == []
    assert held.feed(turn(4, 5, 6, 7, 8)) == []
    assert scores(held) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_the_start_the_most_surprising_and_the_newest_stay() -> None:
    held = EntropyFilter(Budget(start=2, entropy=2, recent=3))
    held.feed(turn(0, 0, 9, 1, 8, 2))
    gone = held.feed(turn(3, 4, 5, 6))
    assert scores(held) == [0, 0, 9, 3, 4, 5, 6]
    assert gone == [Span(0, 12, 23)]


def test_a_turn_that_is_longer_than_recent_takes_from_the_surprising_ones() -> None:
    keep = kept_positions([0, 0, 9, 1, 8, 2, 7], 4, Budget(start=2, entropy=4, recent=2))
    assert keep.tolist() == [0, 1, 2, 4]


def test_equal_scores_go_to_the_earlier_token() -> None:
    assert kept_positions([5] * 6, 1, Budget(start=1, entropy=3)).tolist() == [0, 1, 2]


def test_scores_decay_once_per_turn_even_when_nothing_is_evicted_and_new_ones_do_not() -> None:
    held = EntropyFilter(Budget(4, 100, decay=0.5))
    for _ in range(3):
        held.feed(turn(8))
    assert scores(held) == [2, 4, 8]


def test_with_decay_an_old_surprise_gives_way_and_without_it_stays() -> None:
    def survives(decay: float) -> bool:
        held = EntropyFilter(Budget(start=1, entropy=6, decay=decay))
        held.feed(turn(0, 10))
        for _ in range(12):
            held.feed(turn(3, 3))
        return any(kept.position == 1 for kept in held.tokens)

    assert survives(1.0)
    assert not survives(0.7)


def test_a_turn_too_long_for_the_budget_is_an_error_that_changes_nothing() -> None:
    held = EntropyFilter(Budget(2, 4, 2))
    held.feed(turn(1, 2, 3))
    before = held.to_bytes()
    with pytest.raises(InputError, match="doesn't fit"):
        held.feed(turn(*range(7)))
    assert held.to_bytes() == before


def test_on_request_a_long_turn_is_fed_in_pieces_and_decays_once() -> None:
    held = EntropyFilter(Budget(2, 4, 2, decay=0.5), split=True)
    held.feed(turn(8, 8, 8))
    held.feed(turn(*[1.0] * 18, 30, 1))
    assert len(held) == 8
    assert (held.turns, held.seen) == (2, 23)
    assert scores(held)[:2] == [4, 4]
    assert 30 in scores(held)


def test_an_empty_turn_is_a_turn() -> None:
    held = EntropyFilter(Budget(2, 4, decay=0.5))
    held.feed(turn(8))
    assert held.feed([]) == []
    assert (held.turns, scores(held)) == (2, [4])


def test_evicted_neighbours_are_one_span_and_never_reach_over_turns() -> None:
    held = EntropyFilter(Budget(start=1, entropy=4))
    held.feed(turn(9, 1, 1))
    held.feed(turn(1, 9))
    assert held.feed(turn(5, 5, 5)) == [Span(0, 4, 11), Span(1, 0, 3)]


def test_key_phrases_are_the_runs_that_surprised_most() -> None:
    texts = ["so she met Guilherme Azevedo in the end", "ok fine"]
    held = EntropyFilter(Budget(start=1, entropy=6))
    words = [[(0, 2, 1), (3, 6, 1), (7, 10, 2), (11, 20, 15), (21, 28, 14), (29, 31, 1)], [(0, 2, 3), (3, 7, 4)]]
    for row in words:
        held.feed([Token(*word) for word in row])
    phrases = held.key_phrases(lambda number: texts[number], most=2)
    assert "Guilherme Azevedo" in phrases[0]


def test_it_goes_on_from_saved_state_as_if_it_had_never_stopped() -> None:
    rng = random.Random(5)
    stream = [turn(*(rng.uniform(0, 12) for _ in range(rng.randint(0, 9)))) for _ in range(60)]
    whole = EntropyFilter(Budget(4, 20, 6, 0.9))
    parts = EntropyFilter(Budget(4, 20, 6, 0.9))
    for fed in stream:
        expected = whole.feed(fed)
        parts = EntropyFilter.from_bytes(parts.to_bytes())
        assert parts.feed(fed) == expected
    assert parts.tokens == whole.tokens


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"budget": 3}'])
def test_a_damaged_state_is_a_clear_error(data: bytes) -> None:
    with pytest.raises(CorruptError):
        EntropyFilter.from_bytes(data)


@pytest.mark.parametrize("wrong", [{"start": -1}, {"entropy": 0}, {"decay": 1.5}, {"decay": -0.1}])
def test_a_budget_that_makes_no_sense_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Budget(**wrong)


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(InputError):
        EntropyFilter(mode="fast")  # type: ignore[arg-type]


def test_memory_stays_the_same_however_long_the_stream() -> None:
    held = EntropyFilter(Budget(4, 60, 0))
    rng = random.Random(3)
    sizes = set()
    for i in range(3000):
        held.feed(turn(*(rng.uniform(0, 12) for _ in range(20))))
        if i > 10:
            sizes.add(len(held))
    assert sizes == {64}
    assert held.seen == 60_000


def test_a_surprisal_that_is_no_number_is_an_error_that_changes_nothing() -> None:
    held = EntropyFilter(Budget(2, 4, 2))
    held.feed(turn(1, 2, 3))
    before = held.to_bytes()
    with pytest.raises(InputError, match="NaN"):
        held.feed(turn(1, float("nan")))
    assert held.to_bytes() == before
    with pytest.raises(InputError, match="NaN"):
        kept_positions([1, float("nan")], 1, Budget(0, 1))


def test_the_most_surprising_of_all_is_kept() -> None:
    assert kept_positions([1, float("inf"), 2, float("inf")], 1, Budget(start=0, entropy=3)).tolist() == [1, 3]
