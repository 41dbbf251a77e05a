"""Footprint of memkit where it runs: on disk, in a worker's memory, at its first call, in an event loop."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from memkit.models import FrozenModel, Turn

PACKAGE_NAME = "memkit-agents"
WORKER_FILE, HELD_FILE = (Path(__file__).with_name(name) for name in ("worker.py", "held.py"))


class WorkerFigures(FrozenModel):
    """Megabytes that a process holds at most, milliseconds of its first calls, and how long its loop was held."""

    python_mb: float
    imported_mb: float
    opened_mb: float
    recalled_mb: float
    import_ms: float
    open_ms: float
    first_recall_ms: float
    next_recall_ms: float
    recalls_at_once: int
    recalls_per_s: float
    longest_hold_ms: float


class Footprint(FrozenModel):
    """All of it. `installed_mb` by package, the largest first; `bytes_per_memory` of a file, everything included.

    `held_mb`: megabytes that a worker holds after each of its steps, in order.
    """

    installed_mb: dict[str, float]
    memories: int
    file_bytes: int
    bytes_per_memory: float
    worker: WorkerFigures
    held_mb: dict[str, float]


def turns(texts: list[str], count: int) -> Iterator[Turn]:
    """Days of talk made of these texts, no two turns alike."""
    start = datetime(2024, 1, 1, 18, tzinfo=UTC)
    for number in range(count):
        evening = f" That was evening number {number // len(texts) + 1}." if number >= len(texts) else ""
        at = start + timedelta(days=number // 20, minutes=number % 20)
        yield Turn(texts[number % len(texts)] + evening, "ana" if number % 2 else "ben", at=at)


def measure(db: Path, encoder: str, memories: int) -> Footprint:
    """The figures of a file that holds so many memories, its workers in processes of their own."""
    size = db.stat().st_size
    return Footprint(
        installed_mb=installed(PACKAGE_NAME),
        memories=memories,
        file_bytes=size,
        bytes_per_memory=size / memories,
        worker=WorkerFigures.model_validate(_printed(WORKER_FILE, db, encoder)),
        held_mb=_printed(HELD_FILE, db, encoder),
    )


def added(held_mb: Mapping[str, float]) -> Iterator[tuple[str, float, float]]:
    """Each step with the megabytes that came with it, and those that were held then."""
    before = 0.0
    for name, held in held_mb.items():
        yield name, held - before, held
        before = held


def _printed(program: Path, db: Path, encoder: str) -> dict[str, float]:
    """Figures that a program prints of a database, in a fresh process."""
    command = [sys.executable, "-P", str(program), str(db), encoder]
    process = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    figures: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return figures


def installed(package: str) -> dict[str, float]:
    """Megabytes of a package and of all that it needs without extras, by name, the largest first."""
    sizes = {name: _size(own) for name, own in _dependencies(package).items()}
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _dependencies(package: str) -> dict[str, Distribution]:
    distributions: dict[str, Distribution] = {}
    names = [package]
    while names:
        name = names.pop().lower().replace("_", "-")
        if name not in distributions:
            with suppress(PackageNotFoundError):
                distributions[name] = distribution(name)
                needs = map(Requirement, distributions[name].requires or ())
                names += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return distributions


def _size(package: Distribution) -> float:
    paths = (Path(str(package.locate_file(file))) for file in package.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6
