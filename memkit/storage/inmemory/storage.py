"""Banks in dicts: for tests and for data that needn't last. The reference that SQLite is tested against."""

import secrets
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from memkit.errors import ClosedError, ReadOnlyError, StorageError
from memkit.exported import ExportedBank
from memkit.models import BankState, ErasureReceipt, Receipt
from memkit.operations import Step
from memkit.protocols import (
    BankClaim,
    BankName,
    BankRest,
    BankVersion,
    BankView,
    Decision,
    RowPlace,
    TableRow,
    TableRows,
)
from memkit.storage.core.apply_operations import apply_operations
from memkit.storage.core.banks import (
    REST_SIGN,
    bank_gone,
    bank_meta,
    checked_name,
    checked_zone,
    is_loading,
    listed,
    moved_key,
    refuse_moved,
    refuse_written,
    rest_owner,
    term_rules_meta,
)
from memkit.storage.core.receipts import bank_receipt, by_time, chain_flaws, chains, erasure_receipt, longer_chain
from memkit.storage.core.tables import TABLE_COLUMNS, receipts_in, refuse_other_receipts, refuse_taken, rows_of
from memkit.storage.inmemory.bank import BankRecords
from memkit.storage.inmemory.callers import MemoryCallerRecords
from memkit.storage.inmemory.tables import BankTables, NameTables, fill_bank
from memkit.storage.inmemory.view import MemoryView
from memkit.times import MAX_REST, is_put_off, utc_now


class MemoryStorage:
    """protocols.Storage over dicts; gone with the process. Safe to share between threads."""

    def __init__(self, *, read_only: bool = False) -> None:
        self._read_only = read_only
        self._banks: dict[int, BankRecords] = {}
        self._meta: dict[str, str] = {}
        self._leases: dict[int, tuple[str, datetime]] = {}
        self._last_bank = 0
        self._receipts: list[ErasureReceipt] = []
        self._fingerprints: dict[BankName, set[bytes]] = defaultdict(set)
        self._lock = threading.RLock()
        self._closed = False
        self.callers = MemoryCallerRecords(self._reading, self._writing)

    # -- banks

    def open_bank(self, name: BankName, *, zone: str | None = None) -> BankState:
        with self._reading():
            state = self.find_bank(name)
            if state is not None:
                return state
            with self._writing():
                refuse_moved(name, self._meta.get(moved_key(name)), ":memory:")
                self._last_bank += 1
                state = BankState(
                    number=self._last_bank,
                    name=tuple(name),
                    zone=checked_zone(zone or "UTC"),
                    key=secrets.token_bytes(16),
                    change=0,
                    epoch=0,
                    created_at=utc_now(),
                    size=0,
                )
                self._banks[state.number] = BankRecords(state)
                self._meta |= term_rules_meta(state.number)
                return state

    def find_bank(self, name: BankName) -> BankState | None:
        wanted = checked_name(name)
        with self._reading():
            return next((bank.state for bank in self._banks.values() if bank.state.name == wanted), None)

    def banks(self, prefix: BankName = (), *, items_at: datetime | None = None) -> list[BankState]:
        with self._reading():
            states = (bank.state for bank in self._banks.values() if items_at is None or bank.has_items(items_at))
            return listed([state for state in states if state.name[: len(prefix)] == tuple(prefix)], prefix)

    def unencoded_banks(self) -> list[BankState]:
        with self._reading():
            states = [bank.state for bank in self._banks.values() if bank.seqs_by("unencoded", True)]
            return listed(states, ())

    def drop_bank(
        self, bank: int, *, at: datetime, requested_by: str | None = None, fingerprints: Sequence[bytes] = ()
    ) -> ErasureReceipt | None:
        """Erase a bank and everything in it; None where it isn't there."""
        with self._writing():
            dropped = self._forget(bank)
            if dropped is None:
                return None
            self._meta.pop(moved_key(dropped.state.name), None)
            self.callers.drop_answers(dropped.state.name)
            kinds: list[str] = sorted(record.memory.kind for record in dropped.records.values())
            counts = dict(Counter(kinds))
            self._add_receipt(
                bank_receipt(dropped.state, counts, at, requested_by, self._last_receipt(dropped.state.name))
            )
            self._fingerprints[dropped.state.name].update(fingerprints)
            return self._receipts[-1]

    def receipts(self, after: int = 0) -> list[ErasureReceipt]:
        with self._reading():
            return [receipt for receipt in self._receipts if receipt.number > after]

    def receipt(self, bank: int, change: int) -> ErasureReceipt | None:
        with self._reading():
            name = self._bank(bank).state.name
            matching = (r for r in reversed(self._receipts) if (r.bank, r.change, r.whole) == (name, change, False))
            return next(matching, None)

    def adopt_receipts(
        self, receipts: Sequence[ErasureReceipt], fingerprints: Sequence[tuple[BankName, bytes]] = ()
    ) -> None:
        with self._writing():
            for name, chain in chains(receipts).items():
                before = [r for r in self._receipts if r.bank == name and r.number < chain[0].number]
                ends = [receipt.model_copy(update={"bytes_pending": False}) for receipt in chain]
                self._replace_receipts(name, [*before, *ends])
            for name, mac in fingerprints:
                self._fingerprints[name].add(mac)
            for number in self._banks:
                self._own(number).invalidate()

    def fingerprinted(self, bank: int, macs: Sequence[bytes]) -> set[bytes]:
        with self._reading():
            return self._fingerprints[self._bank(bank).state.name].intersection(macs)

    def fingerprints(self, name: BankName) -> list[bytes]:
        with self._reading():
            return sorted(self._fingerprints.get(tuple(name), ()))

    def discard(self, bank: int) -> None:
        with self._writing():
            dropped = self._forget(bank)
            if dropped is not None:
                self._replace_receipts(dropped.state.name, ())

    def publish(
        self, bank: int, exported: ExportedBank, receipts: Sequence[ErasureReceipt], fingerprints: Sequence[bytes]
    ) -> BankState:
        with self._writing():
            data, other = self._own(bank), self.find_bank(exported.name)
            if other is not None:
                refuse_written(other)
                self._forget(other.number)
            self._replace_receipts(data.state.name, ())
            self._fingerprints.pop(data.state.name, None)
            own = [receipt for receipt in self._receipts if receipt.bank == exported.name]
            self._replace_receipts(exported.name, longer_chain(own, receipts))
            self._fingerprints[exported.name].update(fingerprints)
            data.publish(exported)
            return data.state

    def _replace_receipts(self, name: BankName, receipts: Sequence[ErasureReceipt]) -> None:
        others = [receipt for receipt in self._receipts if receipt.bank != name]
        self._receipts = by_time([*others, *receipts])

    def _last_receipt(self, name: BankName) -> ErasureReceipt | None:
        return next((receipt for receipt in reversed(self._receipts) if receipt.bank == name), None)

    def _add_receipt(self, receipt: ErasureReceipt) -> None:
        """Add a receipt, never a pending one: there are no files."""
        self._receipts.append(receipt.model_copy(update={"bytes_pending": False}))

    # -- banks that move

    def version(self, name: BankName) -> BankVersion:
        with self._reading():
            state, last = self.find_bank(name), self._last_receipt(name)
            return BankVersion(None if state is None else state.change, last.number if last else 0)

    def read_rows(self, name: BankName, after: RowPlace | None = None) -> list[TableRows]:
        with self._reading():
            version, tables = self.version(name), self._tables(name)
            if after is not None:
                names = list(tables)
                tables = {table: tables[table] for table in names[names.index(after[0]) :]}
                tables[after[0]] = tables[after[0]][tables[after[0]].index(after[1]) + 1 :]
            return [TableRows(table, rows, version) for table, rows in tables.items() if rows]

    def _tables(self, name: BankName) -> dict[str, list[TableRow]]:
        """Rows of a bank's tables, or of what is left of one."""
        state = self.find_bank(name)
        if state is not None and is_loading(name):
            return {table: list(rows) for table, rows in self._banks[state.number].arriving.items()}
        receipts = [receipt for receipt in self._receipts if receipt.bank == name]
        tables = NameTables(receipts, self._fingerprints.get(name, ()))
        if state is not None:
            tables = BankTables(self._banks[state.number], tables, self._notes(state.number))
        return {table: tables.rows(table) for table in TABLE_COLUMNS}

    def _notes(self, bank: int) -> dict[str, str]:
        """The store's notes on a bank, whose keys end with its number."""
        return {key.removesuffix(f".{bank}"): self._meta[key] for key in bank_meta(bank) if key in self._meta}

    def write_rows(self, name: BankName, rows: Sequence[TableRows]) -> None:
        with self._writing():
            arriving = self._bank(name).arriving
            for each in rows:
                arriving.setdefault(each.table, {}).update(dict.fromkeys(each.rows))

    def publish_rows(self, loading: BankState, name: BankName, rows: Sequence[TableRows]) -> BankState | None:
        with self._writing():
            state, arrived = self._bank(loading.number).state, self._bank(loading.number).arriving
            if state != loading:
                raise bank_gone(loading.name, ":memory:")
            other, receipts = self.find_bank(name), receipts_in(rows)
            if other is not None:
                refuse_taken(other)
            refuse_other_receipts(name, [each for each in self._receipts if each.bank == name], receipts)
            every = [*(TableRows(table, list(own), BankVersion(None, 0)) for table, own in arrived.items()), *rows]
            filled = None
            if rows_of(rows, "bank"):
                filled = fill_bank(state.model_copy(update={"name": name}), every)
            for number in [state.number, *([other.number] if other else [])]:
                self._forget(number)
            if filled is not None:
                self._banks[state.number] = filled
            self._meta |= {f"{key}.{state.number}": value for key, value in rows_of(rows, "meta")}
            self._meta.pop(moved_key(name), None)
            self._replace_receipts(name, receipts)
            self._fingerprints[name].update(mac for (mac,) in rows_of(every, "fingerprint"))
            return None if filled is None else filled.state

    def withdraw(self, name: BankName, version: BankVersion) -> bool:
        with self._writing():
            if self.version(name) != version:
                return False
            state = self.find_bank(name)
            if state is not None:
                self._forget(state.number)
            self._replace_receipts(name, ())
            self._fingerprints.pop(name, None)
            self._meta[moved_key(name)] = "moved"
            self.callers.drop_answers(name)
            return True

    def _forget(self, bank: int) -> BankRecords | None:
        """Take a bank away with the notes on it; None where it isn't there."""
        self._leases.pop(bank, None)
        for key in bank_meta(bank):
            self._meta.pop(key, None)
        return self._banks.pop(bank, None)

    # -- reading and changing one bank

    @contextmanager
    def view(self, bank: int | BankName) -> Iterator[BankView]:
        with self._reading():
            data = self._bank(bank)
            data.viewers += 1
        try:
            yield MemoryView(data)
        finally:
            with self._lock:
                data.viewers -= 1

    def apply(self, bank: int | BankName, decide: Sequence[Step] | Decision, *, at: datetime) -> Receipt:
        """Apply operations, all or none; as with SQLite, nothing has changed where this raises."""
        with self._writing():
            view = MemoryView(self._bank(bank))
            number = view.state.number
            steps = decide(view) if callable(decide) else decide
            changes, outcomes = apply_operations(steps, view, at=at)
            if changes:
                data = self._own(number)
                data.write(changes)
            if changes.removed:
                self.callers.drop_answers(self._bank(number).state.name)
            for erased in changes.erased:
                state = self._bank(number).state
                self._add_receipt(erasure_receipt(erased, state, at, self._last_receipt(state.name)))
                self._fingerprints[state.name].update(erased.fingerprints)
            state = self._bank(number).state
            return Receipt(bank=state.name, change=state.change, outcomes=outcomes)

    def _own(self, bank: int) -> BankRecords:
        """The bank to be changed: a copy where somebody is looking at it."""
        data = self._bank(bank)
        if data.viewers:
            data = self._banks[bank] = data.copy()
        return data

    def _bank(self, bank: int | BankName) -> BankRecords:
        if isinstance(bank, int):
            own = self._banks.get(bank)
        else:
            wanted = checked_name(bank)
            own = next((each for each in self._banks.values() if each.state.name == wanted), None)
        if own is None:
            raise bank_gone(bank, ":memory:")
        return own

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise ClosedError(":memory:: this store was closed, and what it held is gone.")
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._reading():
            if self._read_only:
                raise ReadOnlyError(":memory:: was opened read-only. Open it again without read_only.")
            yield

    # -- the store's own notes

    def get_meta(self, key: str) -> str | None:
        with self._reading():
            return self._meta.get(key)

    def set_meta(self, values: dict[str, str]) -> None:
        with self._writing():
            self._meta.update(values)

    def claim_banks(self, claim: BankClaim) -> list[BankState]:
        with self._writing():
            ahead = [bank.state for number, bank in sorted(self._banks.items()) if claim.after < number <= claim.last]
            due = [state for state in ahead if not is_loading(state.name) and self._is_due(state, claim)]
            for state in due[: claim.limit]:
                self._leases[state.number] = (claim.owner, claim.now + timedelta(seconds=claim.seconds))
            return due[: claim.limit]

    def _is_due(self, state: BankState, claim: BankClaim) -> bool:
        owner, until = self._leases.get(state.number, ("", claim.now))
        if not owner.startswith(REST_SIGN):
            return not is_put_off(until, claim.now)
        unchanged = owner == f"{rest_owner(claim.mark)}{state.change}"
        return not (unchanged and claim.now < until <= claim.now + MAX_REST)

    def lease(self, bank: int, owner: str, now: datetime, seconds: float) -> bool:
        with self._writing():
            holder, until = self._leases.get(bank, (owner, now))
            is_held = holder != owner and not holder.startswith(REST_SIGN) and is_put_off(until, now)
            if bank not in self._banks or is_held:
                return False
            self._leases[bank] = (owner, now + timedelta(seconds=seconds))
            return True

    def release(self, bank: int, owner: str, rest: BankRest | None = None) -> None:
        with self._writing():
            if self._leases.get(bank, ("", None))[0] != owner:
                return
            if rest is None:
                del self._leases[bank]
            else:
                self._leases[bank] = (f"{rest_owner(rest.mark)}{rest.change}", rest.until)

    # -- what a file would have

    def audit(self, *, repair: bool = False) -> list[str]:
        """Problems of the stored data, one sentence each."""
        with self._reading():
            problems = [problem for bank in self._banks.values() for problem in bank.problems()]
            return problems + chain_flaws(self._receipts)

    def sizes(self, bank: int | None = None) -> dict[str, int]:
        """Bytes by part, as they would be stored; what Python needs around them is not counted."""
        with self._reading():
            chosen = self._banks.values() if bank is None else [self._bank(bank)]
            sizes = [data.sizes() for data in chosen]
        names = ("text", "tokens", "vectors", "sketches", "terms", "rows", "history")
        parts = {name: sum(each[name] for each in sizes) for name in names}
        return {**parts, "free": 0, "total": sum(parts.values())}

    def purge(self, *, thorough: bool = True, wait: float = 0.0, locking: bool = True) -> bool:
        with self._writing():
            return True

    def backup(self, path: str) -> None:
        """Raises StorageError: nothing here outlives the process."""
        raise StorageError("backup: a store in memory has no file to copy. Use store.export(path).")

    def close(self) -> None:
        """Drop all data; harmless to repeat."""
        with self._lock:
            self._closed = True
            self._banks.clear()
