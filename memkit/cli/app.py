"""All commands in one application, in the order in which a newcomer meets them."""

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import typer

from memkit.cli.change.add import add
from memkit.cli.change.correct import correct
from memkit.cli.change.forget import forget
from memkit.cli.change.pin import pin
from memkit.cli.change.undo import undo
from memkit.cli.erase.decay import decay
from memkit.cli.erase.erase import erase
from memkit.cli.erase.keep import keep
from memkit.cli.erase.prune import prune
from memkit.cli.in_and_out.maintain import maintain
from memkit.cli.in_and_out.observe import observe
from memkit.cli.in_and_out.recall import recall
from memkit.cli.in_and_out.reflect import reflect
from memkit.cli.in_and_out.think import think
from memkit.cli.keep.audit import audit
from memkit.cli.keep.backup import backup
from memkit.cli.keep.doctor import doctor
from memkit.cli.keep.export import export
from memkit.cli.keep.export_encoder import export_encoder
from memkit.cli.keep.load import load
from memkit.cli.keep.receipts import receipts
from memkit.cli.keep.restore import restore
from memkit.cli.look.banks import banks
from memkit.cli.look.history import history
from memkit.cli.look.portrait import portrait
from memkit.cli.look.show import show
from memkit.cli.look.stats import stats
from memkit.cli.measure.attack import attack
from memkit.cli.measure.curve import curve
from memkit.cli.measure.evaluate import evaluate
from memkit.cli.measure.footprint import footprint
from memkit.cli.measure.stream import stream
from memkit.cli.options import EXIT_ERROR
from memkit.cli.output import err, say
from memkit.cli.start.demo import demo
from memkit.errors import MemkitError

HELP_EPILOG = (
    "Exit codes: 0 done; 1 an error; 2 wrong usage; 3 nothing found (recall), problems remain (doctor, audit), "
    "or some input was refused (observe); 130 stopped with Ctrl-C."
)

app = typer.Typer(
    name="memkit",
    help="Long-term memory for LLM agents, in one file: no server, no key, no network.",
    epilog=HELP_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PANEL_COMMANDS: dict[str, list[Callable[..., None]]] = {
    "Start": [demo],
    "In and out": [observe, recall, think, reflect, maintain],
    "Look": [show, portrait, history, banks, stats],
    "Change by hand": [add, correct, pin, forget, undo],
    "Fade and erase": [keep, decay, prune, erase],
    "Keep": [audit, doctor, export, load, backup, restore, receipts],
    "Measure": [evaluate, stream, curve, attack, footprint],
}
for panel, commands in PANEL_COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)

encoder = typer.Typer(help="The encoder in a form that runs without PyTorch.", no_args_is_help=True)
encoder.command("export")(export_encoder)
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
    sys.exit(EXIT_ERROR)
