"""Audit: copies, contradictions and junk among thoughts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from memkit.cli.options import (
    DEFAULT_FILE,
    EXIT_REFUSED,
    AsJson,
    Database,
    Prefix,
    bank_parts,
    load_encoder,
    open_store,
)
from memkit.cli.output import answer, err, excerpt, line, new_table, note, shown
from memkit.flows.audit import AuditReport
from memkit.identifiers import bank_path
from memkit.store import MemoryStore
from memkit.think.audit import FLAW_DESCRIPTIONS

EXAMPLES_EACH = 3  # of a flaw
EXAMPLE_CHARS = 60


def audit(
    prefix: Prefix = None,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Merge copies, supersede what was contradicted, archive the rest; can be undone."),
    ] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Look for copies, contradictions, orphans, recall loops and junk. Exit code 3 where any remain."""
    with open_store(db, write=fix) as store:
        if fix:
            load_encoder(store)
        with err.status("Looking …"):
            reports = store.audit(prefix=bank_parts(prefix) if prefix else (), fix=fix)
        answer(json, [_figures(report) for report in reports], _findings(store, reports, fixed=fix))
    if not fix and any(report.findings for report in reports):
        raise typer.Exit(EXIT_REFUSED)


def _figures(report: AuditReport) -> dict[str, Any]:
    counts: dict[str, int] = {str(flaw): count for flaw, count in report.counts.items()}
    return {
        "bank": report.bank,
        "thoughts": report.thoughts,
        **counts,
        "findings": report.findings,
        "receipt": report.receipt,
    }


def _findings(store: MemoryStore, reports: Sequence[AuditReport], *, fixed: bool) -> Iterator[RenderableType]:
    rows: list[tuple[str, ...]] = []
    for report in reports:
        listed = Counter[str]()
        for finding in report.findings:
            listed[finding.flaw] += 1
            if listed[finding.flaw] <= EXAMPLES_EACH:
                heading = (shown(bank_path(report.bank)), finding.flaw, f"{report.counts[finding.flaw]:,}")
                first = heading if listed[finding.flaw] == 1 else ("", "", "")
                rows.append((*first, _example(store, report, finding.ids)))
    if rows:
        yield new_table(("bank", "flaw", "memories", "for example"), rows, right=("memories",))
    thoughts, total = sum(r.thoughts for r in reports), sum(sum(r.counts.values()) for r in reports)
    yield line(f"{thoughts:,} thoughts, {total:,} flaws", " put right." if fixed and total else ".", style="bold")
    for flaw in {finding.flaw for report in reports for finding in report.findings}:
        note(f"{flaw}: {FLAW_DESCRIPTIONS[flaw]}")


def _example(store: MemoryStore, report: AuditReport, ids: Sequence[str]) -> str:
    bank = store.bank(*report.bank)
    memories = [memory for id in ids[:2] if (memory := bank.get(id)) is not None]
    return " / ".join(excerpt(memory.text, EXAMPLE_CHARS) for memory in memories)
