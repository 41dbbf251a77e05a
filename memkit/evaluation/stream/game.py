"""Rock, paper, scissors as a test of forgetting: how decay changes what a window tells about a habit.

What it models: an opponent shows their favourite move in six rounds of ten and each other move in two; the favourite
may change (the authors' opponents keep theirs). Each round is one turn of the same words with the opponent's move in
it, and goes through a window with the paper's settings for this game (SirLLM, arXiv 2405.12528: start 4, entropy 1020,
recent 0). The player counts the opponent's moves among the tokens that the window holds, takes the most frequent for
the next one, and shows what beats it; a tie is decided by chance. So a round is won exactly where the guess is right.

What it doesn't model: a language model. Nothing attends, no answer is generated, and the player neither sees an
order among the moves nor knows that what surprises is kept: it counts.
"""

from collections.abc import Sequence
from itertools import product
from math import ceil
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memkit.evaluation.metrics import MeasuredFigures, bootstrap_interval, mean
from memkit.evaluation.stream.policies import Pair, Policy, Step, policy_scores, scored_turns, window
from memkit.models import FrozenModel
from memkit.protocols import Token

Moves = npt.NDArray[np.int64]

MOVE_NAMES = ("rock", "paper", "scissors")
ROUND_TEXT = (
    "Let's play a round of rock, paper, scissors. You may show A rock, B paper or C scissors. "
    "I'm ready, so one, two, three, and I show {move}."
)
FAVOURITE_SHARE = 0.6  # of an opponent's moves
FAVOURITE_PERIODS = (None, 200, 50)  # rounds after which the favourite changes; None: never
WINDOW_TOKENS = 1024
DECAY_FACTORS = (1.0, 0.99, 0.95, 0.9, 0.8, 0.7, 0.5)
NO_MOVE = len(MOVE_NAMES)  # of a token that shows no move


class Player(NamedTuple):
    """A player, who guesses by what a policy keeps under a decay."""

    policy: Policy
    decay: float | None = None  # None: what the policy keeps doesn't depend on it


ALL_PLAYERS = (
    *(Player("sirllm", decay) for decay in DECAY_FACTORS),
    *(Player("random", decay) for decay in DECAY_FACTORS),
    Player("recent"),
)


class Rate(FrozenModel):
    """The share of rounds that a player wins, and its interval (95 %, resampling games).

    `player`: a policy; or "all rounds", who counts every round so far, or "the habit", who knows the favourite.
    """

    player: str
    decay: float | None
    period: int | None
    won: float
    interval: Pair | None


class Game(MeasuredFigures):
    """The figures of all players against opponents of all periods."""

    seed: int
    games: int  # for each period
    rounds: int
    tokens: int  # in a round
    rows: list[Rate]


def forgetting(games: int, rounds: int, seed: int, step: Step = lambda: None) -> Game:
    """Play `games` games of `rounds` rounds for each period; `step` is called after each of them."""
    won: dict[tuple[str, float | None, int | None], list[float]] = {}
    for period, number in product(FAVOURITE_PERIODS, range(games)):
        for (player, decay), rate in _game(rounds, period, (seed, period or 0, number)).items():
            won.setdefault((player, decay, period), []).append(rate)
        step()
    return Game(
        seed=seed,
        games=games,
        rounds=rounds,
        tokens=len(scored_turns([ROUND_TEXT.format(move=MOVE_NAMES[0])])[0]),
        rows=[
            Rate(
                player=player,
                decay=decay,
                period=period,
                won=mean(rates),
                interval=bootstrap_interval([[rate] for rate in rates]),
            )
            for (player, decay, period), rates in won.items()
        ],
    )


def opponent(rounds: int, period: int | None, rng: np.random.Generator) -> tuple[Moves, Moves]:
    """The moves of all rounds and the favourite in each, both of shape (rounds,)."""
    lasts = period or rounds
    steps = rng.integers(1, len(MOVE_NAMES), ceil(rounds / lasts))
    favourites = np.repeat((rng.integers(len(MOVE_NAMES)) + np.cumsum(steps)) % len(MOVE_NAMES), lasts)[:rounds]
    others = rng.integers(1, len(MOVE_NAMES), rounds) * (rng.random(rounds) >= FAVOURITE_SHARE)
    return (favourites + others) % len(MOVE_NAMES), favourites


def _game(rounds: int, period: int | None, seed: tuple[int, ...]) -> dict[tuple[str, float | None], float]:
    """The share of rounds that each player wins against the same opponent."""
    own, simple, *rngs = np.random.default_rng(seed).spawn(2 + len(ALL_PLAYERS))
    moves, favourites = opponent(rounds, period, own)
    turns = scored_turns(ROUND_TEXT.format(move=MOVE_NAMES[move]) for move in moves)
    shown = _shown(moves, turns)
    guesses: dict[tuple[str, float | None], Moves] = {
        player: _by_window(player, turns, shown, rng) for player, rng in zip(ALL_PLAYERS, rngs, strict=True)
    }
    guesses |= {("all rounds", None): _by_all(moves, simple), ("the habit", None): favourites}
    return {name: float(np.mean(guess == moves)) for name, guess in guesses.items()}


def _shown(moves: Moves, turns: Sequence[Sequence[Token]]) -> Moves:
    """For each token of the stream the move that it shows, NONE for all others."""
    length = len(turns[0])
    shown = np.full(length * len(turns), NO_MOVE)
    shown[[token.start for token in turns[0]].index(ROUND_TEXT.index("{move}")) :: length] = moves
    return shown


def _by_window(player: Player, turns: Sequence[Sequence[Token]], shown: Moves, rng: np.random.Generator) -> Moves:
    held = window(player.policy, WINDOW_TOKENS, 1.0 if player.decay is None else player.decay)
    guesses = np.empty(len(turns), np.int64)
    for number, turn in enumerate(turns):
        guesses[number] = _likeliest(np.bincount(shown[held.positions], minlength=NO_MOVE + 1)[:NO_MOVE], rng)
        held.feed(policy_scores(player.policy, turn, rng))
    return guesses


def _by_all(moves: Moves, rng: np.random.Generator) -> Moves:
    before = np.cumsum(np.eye(NO_MOVE, dtype=np.int64)[moves], axis=0) - np.eye(NO_MOVE, dtype=np.int64)[moves]
    return np.array([_likeliest(counts, rng) for counts in before])


def _likeliest(counts: Moves, rng: np.random.Generator) -> int:
    """The most frequent move; a tie is decided by chance."""
    return int(np.argmax(counts + rng.random(len(counts)) / 2))
