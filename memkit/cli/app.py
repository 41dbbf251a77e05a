"""All commands in one application, in the order in which a newcomer meets them."""

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import typer

from memkit.cli.change import add, correct, forget, pin, undo, zone
from memkit.cli.erase import decay, erase, keep, prune
from memkit.cli.in_and_out import maintain, observe, recall, reflect, think
from memkit.cli.keep import audit, backup, doctor, export, export_encoder, load, receipts, restore
from memkit.cli.look import banks, history, portrait, show, standing, stats, upcoming
from memkit.cli.measure import attack, curve, evaluate, footprint, stream
from memkit.cli.options import EXIT_ERROR
from memkit.cli.output import err, say, show_log
from memkit.cli.start import demo
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
    "Start": [demo.demo],
    "In and out": [observe.observe, recall.recall, think.think, reflect.reflect, maintain.maintain],
    "Look": [
        show.show, standing.standing, upcoming.upcoming, portrait.portrait, history.history, banks.banks, stats.stats
    ],
    "Change by hand": [add.add, correct.correct, pin.pin, forget.forget, undo.undo, zone.zone],
    "Fade and erase": [keep.keep, decay.decay, prune.prune, erase.erase],
    "Keep": [
        audit.audit, doctor.doctor, export.export, load.load, backup.backup, restore.restore, receipts.receipts
    ],
    "Measure": [evaluate.evaluate, stream.stream, curve.curve, attack.attack, footprint.footprint],
}  # fmt: skip
for panel, commands in PANEL_COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)

encoder = typer.Typer(help="The encoder in a form that runs without PyTorch.", no_args_is_help=True)
encoder.command("export")(export_encoder.export_encoder)
encoder.callback()(lambda: None)
app.add_typer(encoder, name="encoder", rich_help_panel="Keep")


def run(arguments: Sequence[str] | None) -> None:
    """Run a command line; errors become one sentence on stderr and an exit code."""
    show_log()
    try:
        app(args=None if arguments is None else list(arguments), prog_name="memkit")
    except MemkitError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or 'input or output'}: {error.strerror or type(error).__name__}.")


def _fail(message: str) -> NoReturn:
    say(err, "memkit: ", message, style="red")
    sys.exit(EXIT_ERROR)
