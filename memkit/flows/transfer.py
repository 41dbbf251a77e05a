"""Export and load: a store's memories as JSON lines, whole and readable."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from memkit.errors import InputError, UnwritablePathError
from memkit.flows.context import BankContext, apply
from memkit.flows.erasure.fingerprints import erased_before
from memkit.flows.observe import cutter, piece_of
from memkit.flows.read import everything
from memkit.models import MEMORY_STATES, ErasureReceipt, Memory
from memkit.operations import Insert, Operation
from memkit.protocols import BankName, BankView
from memkit.runtime.indexer import IndexableText

LOAD_BATCH = 500


def export(contexts: Sequence[BankContext], path: Path) -> int:
    """Write every memory of these banks, oldest first; gives back how many."""
    try:
        with path.open("w", encoding="utf-8") as file:
            return sum(_write_bank(ctx, file.write) for ctx in contexts)
    except OSError as error:
        raise UnwritablePathError(f"export: {path} can't be written ({error.strerror}).") from error


def export_receipts(receipts: Sequence[ErasureReceipt], path: Path) -> int:
    """Write receipts, oldest first; gives back how many."""
    lines = [receipt.model_dump_json(exclude={"bytes_pending"}) + "\n" for receipt in receipts]
    try:
        path.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise UnwritablePathError(f"export_receipts: {path} can't be written ({error.strerror}).") from error
    return len(lines)


def _write_bank(ctx: BankContext, write: Callable[[str], object]) -> int:
    state = ctx.ensure()
    memories = everything(ctx, None, MEMORY_STATES)
    for memory in memories:
        line = {"bank": ctx.name, "zone": state.zone, "memory": memory.model_dump(mode="json")}
        write(json.dumps(line, ensure_ascii=False) + "\n")
    return len(memories)


def load(
    context_of: Callable[[BankName, str | None], BankContext],
    path: Path,
    *,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Read an export back; memories whose id is already there are left as they are."""
    added = 0
    for name, zone, memories in _bank_batches(path):
        added += _load_batch(context_of(name, zone), memories)
        if progress is not None:
            progress(len(memories))
    return added


def _load_batch(ctx: BankContext, memories: Sequence[Memory]) -> int:
    erased_ids = erased_before(ctx, ((m.id, IndexableText.of(m)) for m in memories))
    memories = [memory for memory in memories if memory.id not in erased_ids]
    entries = ctx.services.indexer.entry(ctx.ensure(), memories)

    def decide(view: BankView) -> list[Operation]:
        seqs_by_id = view.locate([m.id for m in memories])
        cut = cutter(view, ctx.settings.observe).cut
        pairs = [(m, t) for m, t in zip(memories, entries, strict=True) if m.id not in seqs_by_id]
        return [Insert(m, t, cut(piece_of(m, quiet=True)).placement if m.kind == "turn" else None) for m, t in pairs]

    return apply(ctx, decide).count("added")


def _bank_batches(path: Path) -> Iterator[tuple[BankName, str | None, list[Memory]]]:
    """An export's memories in batches of one bank each, in the order of the file."""
    lines = _lines(path)
    while batch := list(islice(lines, LOAD_BATCH)):
        names = dict.fromkeys((name, zone) for name, zone, _ in batch)
        for name, zone in names:
            yield name, zone, [m for other, _, m in batch if other == name]


def _lines(path: Path) -> Iterator[tuple[BankName, str | None, Memory]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _parsed(line, f"{path.name}, line {number}")
    except OSError as error:
        raise InputError(f"load: {path} can't be read ({error.strerror}).") from error


def _parsed(line: str, where: str) -> tuple[BankName, str | None, Memory]:
    try:
        record: dict[str, Any] = json.loads(line)
        return tuple(record["bank"]), record.get("zone"), Memory.model_validate(record["memory"])
    except (ValueError, KeyError, TypeError, ValidationError):
        raise InputError(
            f"load: {where} is no line of an export: it needs bank, zone and memory. "
            "Conversations are read with observe, not with load."
        ) from None
