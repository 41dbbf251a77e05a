"""Stream: a window of fixed size over an endless stream, and decay that lets go of it."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import RenderableType

from memkit.cli.measure.recall_tables import bounds, decimal, remarks, signed, signed_bounds
from memkit.cli.options import AsJson
from memkit.cli.output import answer, bar, line, new_table
from memkit.evaluation.stream.game import FAVOURITE_PERIODS, FAVOURITE_SHARE, MOVE_NAMES, Game, forgetting
from memkit.evaluation.stream.policies import POLICY_NAMES
from memkit.evaluation.stream.retention import TASK_FORMS, Grocery, Retention, grocery

DEFAULT_SEED = 12528
PLAYER_NAMES = {**POLICY_NAMES, "all rounds": "all rounds counted", "the habit": "the habit is known"}


def stream(
    groups: Annotated[int, typer.Option(min=3, help="Groups of the grocery task in each form.")] = 300,
    draws: Annotated[int, typer.Option(min=1, help="Times that random keeping is tried on each group.")] = 10,
    games: Annotated[int, typer.Option(min=3, help="Games of rock, paper, scissors in each column.")] = 30,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of a game.")] = 600,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = DEFAULT_SEED,
    json: AsJson = False,
) -> None:
    """Measure what the token-entropy filter keeps of a stream (SirLLM), beside random keeping and sink + recent.

    Two tests without a language model, on texts that come with memkit. The paper's grocery task: is the one thing
    that was wished for still there after twenty other questions? And rock, paper, scissors: how much must old rounds
    decay for a player to follow a habit that changes? Takes one to two minutes.
    """
    with bar() as progress:
        first = progress.add_task("grocery task", total=groups * len(TASK_FORMS))
        second = progress.add_task("rock, paper, scissors", total=games * len(FAVOURITE_PERIODS))
        retention = grocery(groups, draws, seed, lambda: progress.advance(first))
        game = forgetting(games, rounds, seed, lambda: progress.advance(second))
    document = {"seed": seed, "grocery": retention.dump(), "rock_paper_scissors": game.dump()}
    answer(json, document, (*_retention_parts(retention), *_game_parts(game), line(f"seed {seed}", style="bold")))


def _retention_parts(retention: Grocery) -> Iterator[RenderableType]:
    figures = ("budget", "item", "95 %", "word beside it")
    rows = (
        (
            row.form,
            POLICY_NAMES[row.policy],
            f"{row.budget}",
            decimal(row.item),
            bounds(row.item_interval),
            decimal(row.other),
        )
        for row in sorted(retention.rows, key=lambda row: (row.form, row.budget))
    )
    yield new_table(("form", "kept by", *figures), rows, right=figures, title="Is the item still there?")
    yield from remarks(
        f"{retention.groups} groups in each form: a wish, twenty other questions, the question for it; "
        f"{retention.tokens:.0f} tokens",
        "95 %: groups resampled; where all or none are kept, the exact binomial interval",
        "easy: the item is rare; hard: it is as frequent as the word beside it, one of those in the other questions",
        f"random: whenever room is made, old and new have the same chance; the mean of {retention.draws} draws a group",
        *(_lead(row) for row in retention.rows if row.form == "hard" and row.policy == "sirllm"),
    )
    yield ""


def _lead(row: Retention) -> str:
    interval = f" (95 %: {signed_bounds(row.lead_interval)})" if row.lead_interval else ""
    return (
        f"hard, {row.budget} tokens, {POLICY_NAMES[row.policy]}: item less word beside it {signed(row.lead)}{interval}"
    )


def _game_parts(game: Game) -> Iterator[RenderableType]:
    columns = ["habit stays" if period is None else f"changes: {period}" for period in FAVOURITE_PERIODS]
    players: dict[tuple[str, float | None], list[str]] = {}
    for row in game.rows:
        players.setdefault((row.player, row.decay), []).append(f"{decimal(row.won)} {bounds(row.interval)}")
    rows = (
        (PLAYER_NAMES[player], "" if decay is None else f"{decay:g}", *cells)
        for (player, decay), cells in players.items()
    )
    yield new_table(("counted is", "decay", *columns), rows, right=("decay", *columns), title="Rounds won")
    yield from remarks(
        f"{game.games} games of {game.rounds} rounds in each column; the opponent shows the favourite move in "
        f"{FAVOURITE_SHARE:.0%} of the rounds; chance wins {decimal(1 / len(MOVE_NAMES))}",
        "changes: the favourite is another one after so many rounds",
        f"windows of 1,024 tokens (start 4, entropy 1020, recent 0); a round has {game.tokens}",
        "counted are the opponent's moves among the tokens that are kept; the most frequent is expected again",
        "the rarer a move, the more it surprises: surprisal keeps the exceptions, and counting them misleads",
    )
    yield ""
