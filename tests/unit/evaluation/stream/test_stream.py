"""The tests of what a stream leaves behind: their texts are what they say, and their figures follow from the rules."""

import math
from statistics import fmean, median

import numpy as np
import pytest

from memkit.evaluation.stream.game import FAVOURITE_PERIODS, FAVOURITE_SHARE, MOVE_NAMES, Game, forgetting, opponent
from memkit.evaluation.stream.policies import ALL_POLICIES, START_TOKENS, policy_scores, scored_turns, window
from memkit.evaluation.stream.retention import BUDGET_TOKENS, TASK_FORMS, Grocery, Place, Retention, grocery, group
from memkit.evaluation.texts import lines_of
from memkit.protocols import Token
from memkit.surprisal.background import TOKEN_PATTERN, prior

SEED = 7


def pieces(text: str) -> list[str]:
    return TOKEN_PATTERN.findall(text.casefold())


def words_of(name: str) -> list[str]:
    return " ".join(lines_of(name)).split()


def said(texts: tuple[str, ...]) -> set[str]:
    return {piece for text in texts for piece in pieces(text)}


def word_at(texts: tuple[str, ...], place: Place) -> str:
    match = TOKEN_PATTERN.match(texts[place.turn], place.start)
    assert match is not None
    return match[0].casefold()


@pytest.fixture(scope="module")
def measured() -> Grocery:
    return grocery(50, 2, SEED)


@pytest.fixture(scope="module")
def played() -> Game:
    return forgetting(3, 240, SEED)


def row(measured: Grocery, form: str, policy: str, budget: int) -> Retention:
    [found] = [r for r in measured.rows if (r.form, r.policy, r.budget) == (form, policy, budget)]
    return found


def won(played: Game, player: str, decay: float | None, period: int | None) -> float:
    [found] = [r.won for r in played.rows if (r.player, r.decay, r.period) == (player, decay, period)]
    return found


def test_the_fillers_are_a_hundred_different_questions_of_about_45_tokens() -> None:
    fillers = lines_of("stream/fillers.txt")
    lengths = [len(pieces(filler)) for filler in fillers]
    assert len(set(fillers)) == 100
    assert 38 <= min(lengths) <= max(lengths) <= 52
    assert fmean(lengths) == pytest.approx(45, abs=1.5)


def test_the_groceries_are_enough_for_300_groups_each_one_token_that_no_other_text_holds() -> None:
    groceries = words_of("stream/groceries.txt")
    assert len(set(groceries)) == len(groceries) >= 300
    assert all(len(pieces(item)) == 1 for item in groceries)
    others = said(lines_of("stream/fillers.txt") + lines_of("stream/wishes.txt") + lines_of("stream/questions.txt"))
    assert not set(groceries) & (others | set(words_of("stream/things.txt")))


def test_the_things_of_the_hard_form_are_words_of_the_fillers_and_of_no_wish_or_question() -> None:
    things = words_of("stream/things.txt")
    assert len(set(things)) == len(things)
    assert set(things) <= said(lines_of("stream/fillers.txt"))
    assert not set(things) & said(lines_of("stream/wishes.txt") + lines_of("stream/questions.txt"))


def test_no_wish_puts_its_item_where_every_policy_keeps_it() -> None:
    for wish in lines_of("stream/wishes.txt"):
        assert wish.count("{item}") == 1
        assert len(pieces(wish.split("{item}")[0])) > START_TOKENS


@pytest.mark.parametrize("form", TASK_FORMS)
def test_a_group_is_a_wish_twenty_fillers_and_a_question_and_knows_where_its_words_are(form: str) -> None:
    for number in range(40):
        made = group(form, number, SEED)  # type: ignore[arg-type]
        assert made == group(form, number, SEED)  # type: ignore[arg-type]
        wish, *fillers, question = made.texts
        assert len(set(fillers)) == 20
        assert set(fillers) <= set(lines_of("stream/fillers.txt"))
        assert question in lines_of("stream/questions.txt")
        item = word_at(made.texts, made.item)
        assert wish.count(item) >= 1
        assert item not in said((*fillers, question))
        assert 1 <= made.other.turn <= 20


def rarity(form: str) -> tuple[list[float], list[float]]:
    """What the model knew of the items and of the words beside them before it heard anything, in nats."""
    groups = [group(form, number, SEED) for number in range(300)]  # type: ignore[arg-type]
    items = [-math.log(prior(word_at(g.texts, g.item))) for g in groups]
    return items, [-math.log(prior(word_at(g.texts, g.other))) for g in groups]


def test_in_the_hard_form_an_item_is_as_frequent_as_the_word_beside_it() -> None:
    items, others = rarity("hard")
    assert fmean(items) == pytest.approx(fmean(others), abs=0.3)
    assert np.quantile(items, (0.25, 0.5, 0.75)) == pytest.approx(np.quantile(others, (0.25, 0.5, 0.75)), abs=0.6)
    assert median(abs(a - b) for a, b in zip(items, others, strict=True)) < 0.4


def test_in_the_easy_form_an_item_is_rarer_and_no_two_of_300_groups_have_the_same() -> None:
    items, others = rarity("easy")
    assert fmean(items) > fmean(others) + 8
    assert len({word_at(g.texts, g.item) for g in (group("easy", n, SEED) for n in range(300))}) == 300


def test_surprisal_keeps_a_rare_item_chance_keeps_its_share_and_the_newest_hold_nothing_old(measured: Grocery) -> None:
    for budget in BUDGET_TOKENS:
        share = (budget - START_TOKENS) / measured.tokens
        assert row(measured, "easy", "sirllm", budget).item >= 0.98
        assert row(measured, "easy", "random", budget).item == pytest.approx(share, abs=0.08)
        assert row(measured, "easy", "recent", budget).item == 0


def test_surprisal_keeps_an_item_as_frequent_as_the_talk_no_better_than_that_talk(measured: Grocery) -> None:
    hard = row(measured, "hard", "sirllm", 256)
    assert hard.lead_interval is not None
    assert hard.lead_interval[0] <= 0.02
    assert row(measured, "hard", "random", 256).item < hard.item < 0.9


def test_where_all_items_are_kept_the_interval_still_says_that_there_were_only_so_many(measured: Grocery) -> None:
    bounds = row(measured, "easy", "sirllm", 512).item_interval
    assert bounds == pytest.approx((0.025 ** (1 / 50), 1.0))
    none = row(measured, "easy", "recent", 256).item_interval
    assert none == pytest.approx((0.0, 1 - 0.025 ** (1 / 50)))


def test_random_keeping_is_fair_an_old_token_has_the_same_chance_as_a_new_one() -> None:
    turns = [[Token(i, i + 1, 1.0) for i in range(20)] for _ in range(30)]
    kept = np.zeros(600)
    for number in range(150):
        rng = np.random.default_rng(number)
        held = window("random", 104)
        for turn in turns:
            held.feed(policy_scores("random", turn, rng))
        kept[held.positions] += 1
    assert kept[:START_TOKENS].tolist() == [150] * START_TOKENS
    thirds = [
        part.mean() / 150 for part in np.split(kept[START_TOKENS : START_TOKENS + 576], 3)
    ]  # without what came last
    assert thirds == pytest.approx([80 / 576] * 3, abs=0.02)


def test_every_policy_holds_its_budget_and_the_start_of_the_stream() -> None:
    turns = scored_turns(group("hard", 0, SEED).texts)
    for policy in ALL_POLICIES:
        held, rng = window(policy, 256), np.random.default_rng(0)
        for turn in turns:
            held.feed(policy_scores(policy, turn, rng))
        assert len(held) == 256
        assert held.positions[:START_TOKENS].tolist() == [0, 1, 2, 3]
    assert held.positions[START_TOKENS:].tolist() == list(
        range(held.seen - 252, held.seen)
    )  # sink + recent, the last one


@pytest.mark.parametrize("period", FAVOURITE_PERIODS)
def test_an_opponent_shows_the_favourite_in_six_of_ten_rounds_and_changes_it_when_it_is_time(
    period: int | None,
) -> None:
    moves, favourites = opponent(6000, period, np.random.default_rng(SEED))
    assert set(moves) == {0, 1, 2}
    assert np.mean(moves == favourites) == pytest.approx(FAVOURITE_SHARE, abs=0.02)
    changes = (np.flatnonzero(np.diff(favourites)) + 1).tolist()
    assert changes == list(range(period, 6000, period) if period else [])


def test_without_decay_a_player_by_surprisal_mistakes_the_exceptions_for_the_habit(played: Game) -> None:
    assert won(played, "sirllm", 1.0, None) < 1 / len(MOVE_NAMES) + 0.05 < won(played, "random", 1.0, None)


def test_decay_lets_a_player_follow_a_habit_that_changes_and_helps_chance_none_where_it_stays(played: Game) -> None:
    for policy in ("sirllm", "random"):
        assert won(played, policy, 0.7, 50) > won(played, policy, 1.0, 50) + 0.05
    assert won(played, "random", 0.7, None) == pytest.approx(won(played, "random", 1.0, None), abs=0.05)


def test_nobody_wins_more_than_who_knows_the_habit(played: Game) -> None:
    for period in FAVOURITE_PERIODS:
        best = max(r.won for r in played.rows if r.period == period and r.player != "the habit")
        assert best <= won(played, "the habit", None, period) + 0.01


def test_the_same_seed_gives_the_same_figures() -> None:
    assert grocery(3, 2, SEED) == grocery(3, 2, SEED)
    assert forgetting(3, 40, SEED).dump() == forgetting(3, 40, SEED).dump()
    assert forgetting(3, 40, SEED) != forgetting(3, 40, SEED + 1)
