"""Think: what was observed becomes thoughts."""

from collections.abc import Iterator

from rich.console import RenderableType

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, EncoderName, open_bank
from memkit.cli.output import answer, err, line, new_table, shown
from memkit.cli.tables import changed_memories, counts_of, plan_table
from memkit.forget.requests import ThinkingReceipt
from memkit.identifiers import bank_path


def think(bank_name: BankName, db: Database = DEFAULT_FILE, encoder: EncoderName = None, json: AsJson = False) -> None:
    """Turn what was observed since the last time into thoughts: inserted, merged, superseded."""
    with open_bank(db, bank_name, encoder=encoder, write=True) as bank:
        with err.status("Thinking …"):
            receipt = bank.think()
        answer(json, receipt, _thoughts(bank, receipt))


def _thoughts(bank: MemoryBank, receipt: ThinkingReceipt) -> Iterator[RenderableType]:
    rows = [(action, m.kind, shown(m.text)) for action, m in changed_memories(bank, receipt.outcomes)]
    if rows:
        yield new_table(("what became of it", "kind", "text"), rows)
    yield line(counts_of(receipt.outcomes) or "No exchange was waiting to be thought about.")
    for request in receipt.requests:
        yield line(f"{request.speaker} asks to have this forgotten:", style="bold")
        yield plan_table(bank, request.plan)
        yield line(f"memkit erase {bank_path(bank.name)} --request {request.id} carries it out.")
