"""Run every adapter as a user would: its extra installed in an environment of its own, its demo, its tests; one table.

    python3 tests/frameworks/environments.py                 # an environment for each extra (about a minute each)
    python3 tests/frameworks/environments.py --together      # one for all that install together, as CI does
    python3 tests/frameworks/environments.py agno haystack   # these alone

Environments lie under .venv-frameworks/ and are made anew.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
ENVIRONMENTS_FOLDER = ROOT / ".venv-frameworks"
TEST_PACKAGES = ("hypothesis", "pytest", "pytest-asyncio", "pytest-timeout", "pytest-xdist")
PYTEST_OPTIONS = "-q --tb=native -n 2 -m frameworks -p no:cacheprovider".split()
TORCH_PIN = "torch==2.13.0"
BESIDE_BY_EXTRA = {
    "langgraph": (
        "langgraph-checkpoint-sqlite>=3.1",
        "aiosqlite",
        "langmem>=0.0.30",
        "langchain>=1.5",
        "pysqlite3-binary",
    ),
}
FAILED = "failed"  # begins the cell of a command that exited with an error; a line of pytest's may hold "xfailed"
EXTRAS_APART = ("crewai", "hermes-agent", "livekit")  # whose pins conflict with the others'


class Adapter(NamedTuple):
    """An adapter: its extra, its tests and its demo; `beside`: packages that its tests compare it with."""

    extra: str
    tests: tuple[str, ...]
    demo: str | None = None
    beside: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """A line of the table."""

    extra: str
    install: str
    demo: str
    tests: str
    seconds: float

    @property
    def is_good(self) -> bool:
        return not any(cell.startswith(FAILED) for cell in (self.install, self.demo, self.tests))


def adapters() -> list[Adapter]:
    """All adapters that have tests here, by their extras; a file belongs to the extra with the longest name."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = list(tomllib.load(file)["project"]["optional-dependencies"])
    owners = {path: owner_of(path.stem, extras) for path in sorted((ROOT / "tests/frameworks").iterdir())}
    every = [(extra, [path for path, owner in owners.items() if owner == extra]) for extra in extras]
    return [
        Adapter(extra, tuple(map(str, paths)), demo_of(extra), BESIDE_BY_EXTRA.get(extra, ()))
        for extra, paths in every
        if paths
    ]


def owner_of(name: str, extras: Sequence[str]) -> str:
    """The extra that tests of this name belong to; "" where there is none."""
    plain = name.removeprefix("test_").replace("_", "-")
    return max((extra for extra in extras if f"{plain}-".startswith(f"{extra}-")), key=len, default="")


def demo_of(extra: str) -> str | None:
    """The demo of an adapter, if it has one."""
    demo = ROOT / "demos" / f"with_{extra.replace('-', '_')}.py"
    return str(demo.relative_to(ROOT)) if demo.exists() else None


def tried(adapter: Adapter) -> Outcome:
    """Install, demo and tests of one adapter in an environment of its own."""
    start, folder = time.monotonic(), ENVIRONMENTS_FOLDER / adapter.extra
    installed = install(folder, [f"-e.[{adapter.extra}]", *adapter.beside])
    return Outcome(adapter.extra, installed, *demo_and_tests(adapter, folder), time.monotonic() - start)


def tried_together(every: Sequence[Adapter]) -> list[Outcome]:
    """The same in one environment that holds them all."""
    start, folder = time.monotonic(), ENVIRONMENTS_FOLDER / "together"
    outcomes = [Outcome("frameworks", install(folder, ["-e.[frameworks]"]), "", "", time.monotonic() - start)]
    for adapter in every:
        start = time.monotonic()
        done = demo_and_tests(adapter, folder)
        outcomes.append(Outcome(adapter.extra, "together", *done, time.monotonic() - start))
    return outcomes


def demo_and_tests(adapter: Adapter, folder: Path) -> tuple[str, str]:
    """How the demo and the tests of an adapter end in an environment."""
    python = folder / "bin/python"
    demo = "none" if adapter.demo is None else run([python, adapter.demo], "")
    tests = [python, "-m", "pytest", *PYTEST_OPTIONS, *adapter.tests]
    return demo, run(tests, r"\d+ (?:passed|failed).*")


def install(folder: Path, wanted: Sequence[str]) -> str:
    """Make an environment and install into it; how that went."""
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    pip = [folder / "bin/python", "-m", "pip", "install", "-q", "-c", "constraints.txt", TORCH_PIN]
    return run([*pip, *wanted, *TEST_PACKAGES], "")


def run(command: Sequence[str | Path], telling: str) -> str:
    """Run a command; the last line of its output that tells of it, or how it ended."""
    variables = {"HF_HUB_OFFLINE": "1", "MEMKIT_FRAMEWORKS": "all", "LANGSMITH_TRACING": "false"}
    print("+", *(str(word).replace(f"{ROOT}/", "") for word in command), flush=True)
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    lines = [match[0] for line in done.stdout.splitlines() if telling and (match := re.search(telling, line))]
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n", flush=True)
        return f"{FAILED}: {lines[-1]}" if lines else FAILED
    return lines[-1] if lines else "ok"


def main() -> int:
    """Try the adapters, print the table; 1 where any failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extras", nargs="*", help="these extras alone")
    parser.add_argument("--together", action="store_true", help="one environment for all that install together")
    options = parser.parse_args()
    chosen = [adapter for adapter in adapters() if not options.extras or adapter.extra in options.extras]
    if options.together:
        outcomes = tried_together([adapter for adapter in chosen if adapter.extra not in EXTRAS_APART])
    else:
        outcomes = [tried(adapter) for adapter in chosen]
    print_table(outcomes)
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def print_table(outcomes: Sequence[Outcome]) -> None:
    """Print a line for each adapter."""
    rows = [("extra", "install", "demo", "tests", "seconds"), *((*o[:4], f"{o.seconds:.0f}") for o in outcomes)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
