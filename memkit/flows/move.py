"""Move: banks to another database of either engine, each as a whole or not at all, as the tables have them."""

from collections.abc import Callable, Sequence

from memkit.errors import EncoderMismatchError, InputError, MemkitError
from memkit.flows.context import BankContext, Services, encode_afterwards
from memkit.flows.portability.copying import BankCopy, refuse_same
from memkit.flows.portability.lines import stored_encoder
from memkit.flows.portability.settling import settle
from memkit.identifiers import bank_path
from memkit.models import FrozenModel
from memkit.protocols import BankName, Storage
from memkit.runtime.file_settings import FILE_KEYS, INDEX_KEY, REENCODING_KEY
from memkit.storage.core.banks import moved_key
from memkit.storage.core.receipts import chains

PURGE_WAIT_S = 5.0  # for readers of the source, before its files are left to the next purge

MoveProgress = Callable[[int, int], None]


class BankMove(FrozenModel):
    """A bank that was moved, its memories and receipts of erasures counted. `erased`: only these are left of it."""

    bank: BankName
    memories: int
    receipts: int
    erased: bool = False


class MoveReport(FrozenModel):
    """Report of a move. `copied`: the source has the banks still; else `purged`: its files hold none of their bytes."""

    banks: tuple[BankMove, ...]
    copied: bool
    purged: bool
    notes: tuple[str, ...] = ()

    @property
    def memories(self) -> int:
        """Number of memories that were moved."""
        return sum(bank.memories for bank in self.banks)


def prepare_target(source: Storage, target: Storage) -> None:
    """Write into a new target what the source is written with. Raises EncoderMismatchError for one of another kind."""
    if target.get_meta(INDEX_KEY) is None:
        values = {key: source.get_meta(key) for key in FILE_KEYS}
        target.set_meta({key: value for key, value in values.items() if value is not None})
    _refuse_other_kind(source, target)


def _refuse_other_kind(source: Storage, target: Storage) -> None:
    if source.get_meta(REENCODING_KEY) or target.get_meta(REENCODING_KEY):
        raise EncoderMismatchError("move: a database is being re-encoded. Finish that first: store.reencode(encoder).")
    own, other = stored_encoder(source), stored_encoder(target)
    if own != other:
        raise EncoderMismatchError(
            f"move: the target's vectors are of {other.name!r} ({other.dimension} dimensions), the source's of "
            f"{own.name!r} ({own.dimension}). Re-encode one of them (store.reencode), or export and load, which makes "
            "vectors anew."
        )
    if source.get_meta(INDEX_KEY) != target.get_meta(INDEX_KEY):
        raise EncoderMismatchError(
            "move: the target was written with other settings.index than the source. Move into a new database, or "
            "export and load, which indexes anew."
        )


def move(
    source: Services, target: Services, names: Sequence[BankName] | None, *, keep: bool, progress: MoveProgress
) -> MoveReport:
    """Move banks, all where none are named; see `MemoryStore.move`."""
    source.reinforcements.flush()
    _refuse_other_kind(source.storage, target.storage)
    refuse_same(source.storage, target.storage)
    if not keep:  # what can be settled here can't be looked at from there
        source.storage.purge(wait=PURGE_WAIT_S, locking=False)
    plan = _planned(source.storage, names)
    copies = _copies(source, target, plan, keep=keep, progress=progress)
    for copy in copies:
        copy.check()
    notes = settle(target, source.settings, [bank.bank for bank in plan]) if plan else []
    notes += _byte_notes(source.storage, plan)
    _run(copies)
    for bank in plan:
        _settle_in(target, bank)
    if not keep:
        source.indexes.drop()
    purged = not keep and source.storage.purge(wait=PURGE_WAIT_S, locking=False)
    return MoveReport(banks=tuple(plan), copied=keep, purged=purged, notes=tuple(notes))


def _byte_notes(storage: Storage, plan: Sequence[BankMove]) -> list[str]:
    names = {bank.bank for bank in plan}
    count = sum(receipt.bytes_pending for receipt in storage.receipts() if receipt.bank in names)
    if not count:
        return []
    return [
        f"{count:,} receipts say that nobody can tell whether bytes are left: the source's files may hold some, which "
        "the target can't look at."
    ]


def _planned(storage: Storage, names: Sequence[BankName] | None) -> list[BankMove]:
    """Banks that are there or of which receipts are left, in order. Raises InputError for a name that never was."""
    receipts = chains(storage.receipts())
    states = {state.name: state for state in storage.banks()}
    for name in names or ():
        if name not in states and name not in receipts and not storage.get_meta(moved_key(name)):
            raise InputError(f"move: there is no bank {bank_path(name)} in the source.")
    chosen = [name for name in sorted({*states, *receipts}) if names is None or name in names]
    return [
        BankMove(
            bank=name,
            memories=states[name].size if name in states else 0,
            receipts=len(receipts.get(name, ())),
            erased=name not in states,
        )
        for name in chosen
    ]


def _copies(
    source: Services, target: Services, plan: Sequence[BankMove], *, keep: bool, progress: MoveProgress
) -> list[BankCopy]:
    """A copy for each bank, which tells how many memories of all are done."""
    total = sum(bank.memories for bank in plan)

    def telling(before: int, size: int) -> Callable[[int], None]:
        return lambda done: progress(before + min(done, size), total)

    before, copies = 0, list[BankCopy]()
    for bank in plan:
        tell = telling(before, bank.memories)
        copies.append(BankCopy(source.storage, target.storage, bank.bank, keep=keep, progress=tell))
        before += bank.memories
    return copies


def _run(copies: Sequence[BankCopy]) -> None:
    """Move bank after bank; where one can't be moved, the error says which were."""
    done: list[str] = []
    for copy in copies:
        try:
            copy.run()
        except MemkitError as error:
            raise type(error)(f"{error} Moved before it: {', '.join(done) or 'nothing'}.") from error
        done.append(bank_path(copy.name))


def _settle_in(target: Services, bank: BankMove) -> None:
    """Have the vectors made that the bank lacks."""
    ctx = BankContext(target, bank.bank)
    state = ctx.state()
    if state is None:
        return
    with target.storage.view(state.number) as view:
        waiting = bool(view.unencoded(1))
    if waiting:
        encode_afterwards(ctx, at_once=False)
