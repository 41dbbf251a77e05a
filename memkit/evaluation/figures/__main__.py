"""`python -m memkit.evaluation.figures`: record the figures of a command, or render the pages that show them."""

import argparse
import sys
from collections.abc import Sequence

from memkit.errors import MemkitError
from memkit.evaluation.figures.pages import outdated_pages, update_pages
from memkit.evaluation.figures.result_file import read_results, record


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one subcommand; the exit code is 1 for an error, 3 where `render --check` finds an outdated page."""
    parser = argparse.ArgumentParser(prog="python -m memkit.evaluation.figures", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    recording = actions.add_parser("record", help="run a memkit command with --json and keep its figures")
    recording.add_argument("name", help="of the result file: locomo")
    recording.add_argument("command", nargs=argparse.REMAINDER, help="evaluate FILE...")
    rendering = actions.add_parser("render", help="write the tables into the READMEs")
    rendering.add_argument("--check", action="store_true", help="only say which pages would change")
    options = parser.parse_args(arguments)
    try:
        if options.action == "record":
            sys.stdout.write(f"{record(options.name, options.command)}\n")
            return 0
        changed = (outdated_pages if options.check else update_pages)(read_results())
    except MemkitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.writelines(f"{path}\n" for path in changed)
    return 3 if options.check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
