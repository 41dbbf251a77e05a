"""Opening databases for a command, and saying clearly where there is none."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

import memkit
from memkit.bank import MemoryBank
from memkit.cli.options import EXIT_ERROR, bank_parts
from memkit.cli.output import err, note
from memkit.encoders import default_encoder, encoder_named
from memkit.encoders.hashing import HashingEncoder
from memkit.encoders.onnx import OnnxEncoder
from memkit.errors import InputError
from memkit.protocols import Encoder
from memkit.store import MemoryStore


def encoder_from_option(name: str | None) -> Encoder | None:
    """The encoder of an --encoder option; None stands for the file's own. Raises InputError."""
    if name is None:
        return None
    if name == "minilm":
        return default_encoder()
    if Path(name).is_dir():
        return OnnxEncoder(name)
    encoder = HashingEncoder() if name == "hashing" else encoder_named(name)
    if encoder is None:
        raise InputError(f"--encoder: unknown encoder {name!r}. Give minilm, hashing, or a folder that was exported.")
    return encoder


@contextmanager
def open_store(
    db: Path, *, encoder: str | None = None, write: bool = False, create: bool = False
) -> Iterator[MemoryStore]:
    """The store in a file. Raises InputError where there is none and none is to be created."""
    if not create and not db.exists():
        raise InputError(
            f"{db}: there is no such database. Name one with --db or MEMKIT_DB; `memkit observe FILE` makes one."
        )
    with memkit.open(db, encoder=encoder_from_option(encoder), read_only=not (write or create)) as store:
        yield store


@contextmanager
def open_bank(
    db: Path, name: str, *, encoder: str | None = None, write: bool = False, warm: bool = False
) -> Iterator[MemoryBank]:
    """A bank that is there, of the store in a file; `warm`: with its encoder loaded. Raises InputError."""
    with open_store(db, encoder=encoder, write=write) as store:
        bank = existing_bank(store, name)
        if warm:
            load_encoder(store)
        yield bank


def existing_bank(store: MemoryStore, name: str) -> MemoryBank:
    """A bank of the database. Raises InputError where there is none of that name, and names others."""
    bank = store.bank(*bank_parts(name))
    if bank.name not in store.banks(bank.name):
        near = ["/".join(other) for other in store.banks()[:5]]
        there = f"There is {', '.join(near)}." if near else "There is none yet."
        raise InputError(f"{name}: no such bank in this database. {there}")
    return bank


def load_encoder(store: MemoryStore) -> float:
    """Load the encoder; the seconds that it took."""
    start = time.perf_counter()
    with err.status("Loading the encoder …"):
        store.warm()
    return time.perf_counter() - start


def confirm(question: str, *, yes: bool, as_json: bool, unasked: str, refused: str) -> None:
    """Ask whether to go on. Raises InputError where nobody can be asked, Exit after a no."""
    if yes:
        return
    if as_json:
        raise InputError(unasked)
    if not typer.confirm(question, err=True):
        note(refused)
        raise typer.Exit(EXIT_ERROR)


def confirm_erasure(*, yes: bool, as_json: bool) -> None:
    """Ask whether to erase."""
    unasked = "erase: --json doesn't ask. Add --yes to erase, or --dry-run to see the plan."
    confirm("Erase this for good?", yes=yes, as_json=as_json, unasked=unasked, refused="Nothing was erased.")
