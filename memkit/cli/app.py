"""All commands in one application, in the order in which a newcomer meets them."""

import gc
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

import typer

from memkit.cli.keep import export_encoder
from memkit.cli.options import EXIT_ERROR
from memkit.cli.output import err, say, show_log
from memkit.errors import MemkitError

HELP_EPILOG = (
    "Exit codes: 0 done; 1 an error; 2 wrong usage; 3 nothing found (recall), problems remain (doctor, audit), "
    "or some input was refused (observe, import); 130 stopped with Ctrl-C."
)

PANEL_COMMANDS = {
    "Start": ["start.demo"],
    "In and out": [
        "in_and_out.observe", "in_and_out.import_", "in_and_out.recall", "in_and_out.think", "in_and_out.reflect",
        "in_and_out.maintain"
    ],
    "Look": [
        "look.show", "look.standing", "look.upcoming", "look.portrait", "look.history", "look.banks", "look.stats"
    ],
    "Change by hand": [
        "change.add", "change.correct", "change.pin", "change.forget", "change.undo", "change.zone"
    ],
    "Fade and erase": ["erase.keep", "erase.decay", "erase.prune", "erase.erase", "erase.purge"],
    "Keep": [
        "keep.audit", "keep.doctor", "keep.export", "keep.load", "keep.move", "keep.backup", "keep.restore",
        "keep.receipts"
    ],
    "Serve": ["serve.serve", "serve.mcp", "serve.inspect"],
    "Measure": ["measure.evaluate", "measure.stream", "measure.curve", "measure.attack", "measure.footprint"],
}  # fmt: skip  # rooms and files; a file holds the command of its name
ACCESS_COMMANDS = ("access.create", "access.list_", "access.revoke")


def application(chosen: str | None = None) -> typer.Typer:
    """The application; where `chosen` is the name of a command, with it alone, so that no other's file is imported."""
    app = typer.Typer(
        name="memkit",
        help="Long-term memory for LLM agents, in one file: no server, no key, no network.",
        epilog=HELP_EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(lambda: None)  # without it, a command that is alone would not have to be named
    every = [(panel, place) for panel, places in PANEL_COMMANDS.items() for place in places]
    alone = [pair for pair in every if command_name(pair[1]) == chosen]
    for panel, place in alone or every:
        app.command(command_name(place), rich_help_panel=panel)(_command(place))
    app.add_typer(_encoder_commands(), name="encoder", rich_help_panel="Keep")
    if not alone:
        app.add_typer(_access_commands(), name="access", rich_help_panel="Serve")
    return app


def command_name(place: str) -> str:
    """The name of the command in a file; a name that is a word of Python's own has an underscore behind it there."""
    return place.rpartition(".")[2].rstrip("_")


def _command(place: str) -> Callable[..., None]:
    command: Callable[..., None] = getattr(import_module(f"memkit.cli.{place}"), place.rpartition(".")[2])
    return command


def _encoder_commands() -> typer.Typer:
    encoder = typer.Typer(help="The encoder in a form that runs without PyTorch.", no_args_is_help=True)
    encoder.command("export")(export_encoder.export_encoder)
    encoder.callback()(lambda: None)
    return encoder


def _access_commands() -> typer.Typer:
    access = typer.Typer(help="Access tokens, which servers in front of a database take.", no_args_is_help=True)
    for place in ACCESS_COMMANDS:
        access.command(command_name(place))(_command(place))
    return access


def run(arguments: Sequence[str] | None) -> None:
    """Run a command line; errors become one sentence on stderr and an exit code."""
    show_log()
    given = sys.argv[1:] if arguments is None else list(arguments)
    app = application(given[0] if given else None)
    gc.freeze()  # what was imported is no garbage later, either
    gc.enable()
    try:
        app(args=given, prog_name="memkit")
    except MemkitError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or 'input or output'}: {error.strerror or type(error).__name__}.")


def _fail(message: str) -> NoReturn:
    say(err, "memkit: ", message, style="red")
    sys.exit(EXIT_ERROR)
