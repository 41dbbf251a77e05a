"""Reflect: summaries and the portrait, written anew."""

from collections.abc import Iterator

from rich.console import RenderableType

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, EncoderName, open_bank
from memkit.cli.output import answer, err, line, new_table, note, shown
from memkit.cli.tables import changed_memories, counts_of
from memkit.models import Memory, Receipt
from memkit.text.times.periods import readable_period


def reflect(
    bank_name: BankName, db: Database = DEFAULT_FILE, encoder: EncoderName = None, json: AsJson = False
) -> None:
    """Sum up the days, weeks and months that grew, and draw the portrait again."""
    with open_bank(db, bank_name, encoder=encoder, write=True) as bank:
        with err.status("Reflecting …"):
            receipt = bank.reflect()
        answer(json, receipt, _summaries(bank, receipt))


def _summaries(bank: MemoryBank, receipt: Receipt) -> Iterator[RenderableType]:
    rows = [(_time_of(m), action, shown(m.text)) for action, m in changed_memories(bank, receipt.outcomes)]
    if rows:
        yield new_table(("of", "what became of it", "text"), rows)
    yield line(counts_of(receipt.outcomes) or "Nothing grew since the last reflection.")
    if reasons := [o.reason for o in receipt.outcomes if o.reason and o.reason.startswith("extracted")]:
        note(f"{len(reasons)} without the model: {reasons[0]}.")


def _time_of(memory: Memory) -> str:
    return readable_period(str(memory.metadata.get("period", ""))) or memory.kind
