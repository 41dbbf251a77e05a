"""Tables that several commands show: results and their reasons, receipts, plans of erasure; the plot of retention."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from rich.table import Table
from rich.text import Text

from memkit.bank import MemoryBank
from memkit.cli.output import answer, excerpt, line, new_table, shown, when, who
from memkit.forget.erasure_plan import ErasePlan
from memkit.identifiers import bank_path
from memkit.models import ErasureReceipt, Hit, Memory, Outcome, Receipt
from memkit.recall.present.reasons import PART_NAMES, matched_words
from memkit.recall.present.recollection import Recollection
from memkit.settings import Settings

MAX_PARTS_SHOWN = 6
PAGE_MEMORIES = 10_000


def hits_table(hits: Recollection, zone: str, *, why: bool = False) -> Table:
    """Results as a table; with `why`, ids and reasons beneath each text."""
    rows = (
        (
            str(number),
            f"{hit.score:.2f}",
            Text(f"{when(hit.memory.occurred_at, zone)}\n{who(hit.memory)}", no_wrap=True),
            _text_with_context(hit, why),
        )
        for number, hit in enumerate(hits, start=1)
    )
    return new_table(("#", "score", "when, who", "what"), rows, right=("#", "score"))


def _text_with_context(hit: Hit, why: bool) -> Text:
    around = [(m, f"{who(m)}: {shown(m.text)}") for m in hit.around]
    parts = [(f"{text}\n", "dim") for m, text in around if m.occurred_at <= hit.memory.occurred_at]
    parts.append((shown(hit.memory.text), ""))
    parts += [(f"\n{text}", "dim") for m, text in around if m.occurred_at > hit.memory.occurred_at]
    parts += [(f"\n→ {shown(thought.text)}", "italic") for thought in thoughts_of(hit)]
    parts += [(f"\n{reasons(hit)}\nid {shown(hit.memory.id)}", "dim")] if why else []
    return Text.assemble(*parts)


def thoughts_of(hit: Hit) -> list[Memory]:
    """The thoughts that rest on a result."""
    return [memory for memory in hit.thoughts if memory.kind == "thought"]


def reasons(hit: Hit) -> str:
    """Parts of a score in words, the strongest first, on one line."""
    numbers = {name: value for name, value in hit.why.items() if isinstance(value, int | float) and name in PART_NAMES}
    strongest = sorted(numbers, key=lambda name: -abs(numbers[name]))[:MAX_PARTS_SHOWN]
    parts = [f"{_part_name(name, hit)} {numbers[name]:+.1f}" for name in strongest if abs(numbers[name]) >= 0.05]
    return " · ".join(parts) or "nothing in particular"


def _part_name(name: str, hit: Hit) -> str:
    matched = matched_words(hit) if name == "lexical" else []
    return f"{PART_NAMES[name]} ({shown(', '.join(matched))})" if matched else PART_NAMES[name]


def show_receipt(receipt: Receipt, as_json: bool) -> None:
    """Write what became of each input: JSON for programs, a table for people."""
    rows = [(shown(o.id or "-"), o.action, shown(o.reason or "")) for o in receipt.outcomes]
    table = new_table(("id", "what became of it", "why"), rows) if rows else line("Nothing to do.")
    answer(as_json, receipt, [table])


def changed_memories(bank: MemoryBank, outcomes: Iterable[Outcome]) -> Iterator[tuple[str, Memory]]:
    """Memories that thinking or reflecting touched, each after what became of it."""
    for outcome in outcomes:
        memory = None if outcome.id is None else bank.get(outcome.id)
        if memory is not None and outcome.action != "skipped":
            yield outcome.action, memory


def counts_of(outcomes: Iterable[Outcome]) -> str:
    """Outcomes counted: "3 added, 1 merged"."""
    counts = Counter(outcome.action for outcome in outcomes)
    return ", ".join(f"{count} {action}" for action, count in counts.items())


def plan_table(bank: MemoryBank, plan: ErasePlan, limit: int = 20, *, rules: Mapping[str, str] | None = None) -> Table:
    """Memories that a plan would remove, each with its reason; `rules` names a rule for some, by id."""
    rows: list[tuple[str, ...]] = []
    for row in plan.rows[:limit]:
        if (memory := bank.get(row.id)) is not None:
            rule = (rules or {}).get(row.id, "chosen")
            reason = "made again" if row.remade else (rule if row.why == "chosen" else "rests on it")
            rows.append((*memory_cells(memory, bank.zone), reason))
    if len(plan.rows) > limit:
        rows.append(("…", "", "", f"and {len(plan.rows) - limit:,} more", ""))
    return new_table(("when", "kind", "who", "what", "because"), rows)


def memory_cells(memory: Memory, zone: str) -> tuple[str, str, str, str]:
    """Day, kind, speaker and the beginning of the text."""
    return when(memory.occurred_at, zone)[:10], memory.kind, shown(memory.speaker or ""), excerpt(memory.text)


def erasure_sentence(receipt: ErasureReceipt) -> str:
    """Result of an erasure in a sentence."""
    count = sum(receipt.counts.values())
    return f"{count} {'memory is' if count == 1 else 'memories are'} gone. {bytes_state(receipt)}"


def bytes_state(receipt: ErasureReceipt) -> str:
    """State of an erasure's bytes, in a sentence."""
    if not receipt.bytes_pending:
        return "No byte of them is left in the files."
    if not receipt.bytes_checkable:
        return "The tables are free of them; whether all of the server's files are can't be told from here."
    return "Their bytes may still lie in the files: `memkit maintain` goes on with it, on a server `memkit purge` does."


def draw_retention(bank: MemoryBank, at: datetime, path: Path) -> None:
    """Write the plot of a bank's retention. Raises MissingExtraError without matplotlib."""
    from memkit.forget.plot import plot

    memories: list[Memory] = []  # all that fade or have faded
    after: str | None = None
    while page := bank.list(after=after, limit=PAGE_MEMORIES, states=("active", "archived")):
        memories, after = [*memories, *page], page.next
        if after is None:
            break
    plot(memories, at, Settings().decay, path, title=f"What {bank_path(bank.name)} remembers")
