"""Recovery of a database from outside: a backup put in its place, a damaged file rebuilt."""

import secrets
from functools import partial
from pathlib import Path

from memkit.flows import erase, reencode
from memkit.models import ErasureReceipt
from memkit.protocols import Encoder
from memkit.storage.locations import is_server, server_error
from memkit.store import open_store
from memkit.times import Clock


def restore(
    backup: str | Path, location: str | Path, *, erasures: str | Path | None = None,
    encoder: Encoder | object | None = None, clock: Clock | None = None, erasure_key: bytes | None = None,
) -> list[ErasureReceipt]:  # fmt: skip
    """Put a backup at a location, and carry out again every erasure that was made since; gives back their receipts.

    A database that lies there is written over, whoever has it open; its list of erasures is what counts.
    `erasures` names another list: a database, or what `store.export_receipts` wrote. It must go on from the
    backup's own list. Nothing is written where this raises StorageError or InputError.
    """
    if is_server(str(location)):
        raise server_error("restore", str(location))
    from memkit.storage.sqlite.restore import ErasureList, copy_backup, put_in_place, read_erasures

    target = Path(location).expanduser().absolute()
    listed = target if erasures is None and target.exists() else erasures
    carried_out = ErasureList() if listed is None else read_erasures(Path(listed))
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    opening = partial(open_store, encoder=encoder, clock=clock, erasure_key=erasure_key)
    try:
        copy_backup(Path(backup), part)
        with opening(part) as store:
            repeated = erase.repeat_erasures(
                store._context_of, store._storage, carried_out.receipts, carried_out.fingerprints
            )
        put_in_place(part, target)
    finally:
        for leftover in target.parent.glob(f"{part.name}*"):
            leftover.unlink()
    opening(target).close()
    return repeated


def repair(location: str | Path, *, encoder: Encoder | object | None = None) -> list[str]:
    """Save what can be read of a database that is too damaged to be opened; what was found, one sentence each.

    A new database takes its place, the damaged one is kept beside it. For one that opens, `store.doctor(repair=True)`
    does the same. Raises BusyError where somebody has it open, NotADatabaseError where nothing of memkit's is in it.
    """
    if is_server(str(location)):
        raise server_error("repair", str(location))
    from memkit.storage.sqlite.repair.recover import recover

    problems = recover(Path(location).expanduser().absolute())
    with open_store(location, encoder=encoder) as store:
        problems += store._storage.audit(repair=True)
        for context in store._every_context():
            reencode.reindex_bank(context)
        return problems
