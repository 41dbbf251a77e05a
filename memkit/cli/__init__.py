"""The command line: `memkit --help`. One command per verb; tables for people, --json for programs.

Exit codes: 0 done; 1 an error, told in one sentence on stderr; 2 wrong usage; 3 nothing was found (recall),
problems remain (doctor), or some of the input was refused (observe, import); 130 stopped with Ctrl-C.
"""

import gc
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line (default: the process's own) and exit with its code."""
    gc.disable()  # until all is imported, of which nothing is garbage: looking for it took a tenth of a command's time
    from memkit.cli.app import run

    run(arguments)
