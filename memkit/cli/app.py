"""All commands in one application, in the order in which a newcomer meets them."""

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import typer

from memkit.cli import (
    attacking,
    auditing,
    changing,
    curving,
    demo,
    encoding,
    evaluating,
    fading,
    footprint,
    keeping,
    observing,
    recalling,
    reflecting,
    streaming,
)
from memkit.cli.options import ERROR
from memkit.cli.output import err, say
from memkit.errors import MemkitError

EPILOG = (
    "Exit codes: 0 done; 1 an error; 2 wrong usage; 3 nothing found (recall), problems remain (doctor, audit), "
    "or some input was refused (observe); 130 stopped with Ctrl-C."
)

app = typer.Typer(
    name="memkit",
    help="Long-term memory for LLM agents, in one file: no server, no key, no network.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PANELS: dict[str, list[Callable[..., None]]] = {
    "Start": [demo.demo],
    "In and out": [observing.observe, recalling.recall, observing.think, reflecting.reflect, observing.maintain],
    "Look": [recalling.show, reflecting.portrait, recalling.history, keeping.banks, keeping.stats],
    "Change by hand": [changing.add, changing.correct, changing.pin, changing.forget, changing.undo],
    "Fade and erase": [fading.keep, fading.decay, fading.prune, fading.erase],
    "Keep": [
        auditing.audit,
        keeping.doctor,
        keeping.export,
        keeping.load,
        keeping.backup,
        keeping.restore,
        keeping.receipts,
    ],
    "Measure": [evaluating.evaluate, streaming.stream, curving.curve, attacking.attack, footprint.footprint],
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)

encoder = typer.Typer(help="The encoder in a form that runs without PyTorch.", no_args_is_help=True)
encoder.command()(encoding.export)
encoder.callback()(lambda: None)
app.add_typer(encoder, name="encoder", rich_help_panel="Keep")


def run(arguments: Sequence[str] | None) -> None:
    """Run a command line; errors become one sentence on stderr and an exit code."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="memkit")
    except MemkitError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or 'input or output'}: {error.strerror or type(error).__name__}.")


def _fail(message: str) -> NoReturn:
    say(err, "memkit: ", message, style="red")
    sys.exit(ERROR)
