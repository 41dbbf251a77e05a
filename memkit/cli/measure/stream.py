"""Stream: a window of fixed size over an endless stream, and decay that lets go of it."""

from collections.abc import Iterable
from typing import Annotated

import typer

from memkit.cli.measure.comparison_tables import decimal, signed
from memkit.cli.options import AsJson
from memkit.cli.output import bar, new_table, out, say, write_json
from memkit.evaluation.stream.game import FAVOURITE_PERIODS, FAVOURITE_SHARE, MOVE_NAMES, Game, Rate, forgetting
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
    if json:
        write_json({"seed": seed, "grocery": retention.dump(), "rock_paper_scissors": game.dump()})
        return
    _show_grocery(retention)
    _show_game(game)
    say(out, f"seed {seed}", style="bold")


def _show_grocery(retention: Grocery) -> None:
    figures = ("budget", "item", "95 %", "word beside it")
    table = new_table("form", "kept by", *figures, right=figures, title="Is the item still there?")
    for row in sorted(retention.rows, key=lambda row: (row.form, row.budget)):
        name = POLICY_NAMES[row.policy]
        table.add_row(
            row.form, name, f"{row.budget}", decimal(row.item), _bounds(row.item_interval), decimal(row.other)
        )
    out.print(table)
    _remarks(
        f"{retention.groups} groups in each form: a wish, twenty other questions, the question for it; "
        f"{retention.tokens:.0f} tokens",
        "95 %: groups resampled; where all or none are kept, the exact binomial interval",
        "easy: the item is rare; hard: it is as frequent as the word beside it, one of those in the other questions",
        f"random: whenever room is made, old and new have the same chance; the mean of {retention.draws} draws a group",
        *(_lead(row) for row in retention.rows if row.form == "hard" and row.policy == "sirllm"),
    )


def _lead(row: Retention) -> str:
    bounds = row.lead_interval
    interval = "" if bounds is None else f" (95 %: {signed(bounds[0])} to {signed(bounds[1])})"
    return (
        f"hard, {row.budget} tokens, {POLICY_NAMES[row.policy]}: item less word beside it {signed(row.lead)}{interval}"
    )


def _show_game(game: Game) -> None:
    columns = ["habit stays" if period is None else f"changes: {period}" for period in FAVOURITE_PERIODS]
    table = new_table("counted is", "decay", *columns, right=("decay", *columns), title="Rounds won")
    for (player, decay), rates in _by_player(game.rows).items():
        cells = [f"{decimal(rate.won)} {_bounds(rate.interval)}" for rate in rates]
        table.add_row(PLAYER_NAMES[player], "" if decay is None else f"{decay:g}", *cells)
    out.print(table)
    _remarks(
        f"{game.games} games of {game.rounds} rounds in each column; the opponent shows the favourite move in "
        f"{FAVOURITE_SHARE:.0%} of the rounds; chance wins {decimal(1 / len(MOVE_NAMES))}",
        "changes: the favourite is another one after so many rounds",
        f"windows of 1,024 tokens (start 4, entropy 1020, recent 0); a round has {game.tokens}",
        "counted are the opponent's moves among the tokens that are kept; the most frequent is expected again",
        "the rarer a move, the more it surprises: surprisal keeps the exceptions, and counting them misleads",
    )


def _by_player(rows: Iterable[Rate]) -> dict[tuple[str, float | None], list[Rate]]:
    rates: dict[tuple[str, float | None], list[Rate]] = {}
    for row in rows:
        rates.setdefault((row.player, row.decay), []).append(row)
    return rates


def _bounds(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{decimal(interval[0])}–{decimal(interval[1])}"


def _remarks(*lines: str) -> None:
    for line in lines:
        say(out, "· ", line, style="dim")
    out.print()
