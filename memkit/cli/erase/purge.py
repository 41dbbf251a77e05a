"""Purge: the bytes of what was erased."""

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, open_store
from memkit.cli.output import answer, err, line, note
from memkit.cli.tables import bytes_state


def purge(db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """Drive the bytes of what was erased out of the files. On a server its tables are locked, one after the other.

    A server's log keeps them until it is recycled: run it again then.
    """
    with open_store(db, write=True) as store, err.status("Purging …"):
        store.purge()
        receipts = store.receipts()
    left = [receipt for receipt in receipts if receipt.bytes_pending]
    conclusion = f"{len(receipts) - len(left):,} of {len(receipts):,} erasures left no byte."
    answer(json, {"receipts": receipts, "pending": len(left)}, [line(conclusion, style="bold")])
    for receipt in left[:1] if not json else ():
        note(bytes_state(receipt))
