"""Care: what waits, what is spent, what shouldn't be held, and where the bytes are."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from memkit.errors import ForbiddenError
from memkit.flows.audit import AuditReport
from memkit.identifiers import bank_path
from memkit.models import Memory
from memkit.serve.http.page.views.changes import done
from memkit.serve.http.page.visits import BankVisit, CareVisit, MendingVisit
from memkit.think.audit import FLAW_DESCRIPTIONS

router = APIRouter()
FINDINGS_SHOWN = 100
EXAMPLES_SHOWN = 4  # memories of one finding


@router.get("/care")
def show_care(visit: CareVisit, look: bool = False) -> Response:
    """Figures of a bank, and with `look` what its audit finds."""
    store, path = visit.visitor.store, bank_path(visit.bank.name)
    stats = store.stats(prefix=visit.bank.name)
    report = report_of(store.audit(prefix=visit.bank.name), visit) if look else None
    return visit.show(
        "care.html",
        "care",
        encoder=stats["encoder"],
        figures=stats["banks"].get(path, {}),
        sizes=sizes_of(stats) if visit.visitor.may("admin", ()) else [],
        report=report,
        findings=[] if report is None else examples_of(report, visit),
        descriptions=FLAW_DESCRIPTIONS,
    )


@router.post("/mend")
def mend(visit: MendingVisit) -> Response:
    """Put right what the audit finds in this bank; what is found can be undone."""
    beneath = [name for name in visit.visitor.store.banks(visit.bank.name) if name != visit.bank.name]
    if beneath:
        raise ForbiddenError(
            f"audit: there are banks beneath this one ({len(beneath)}), which would be put right with it. Do it on "
            "the command line: memkit audit --fix."
        )
    report = report_of(visit.visitor.store.audit(prefix=visit.bank.name, fix=True), visit)
    back = f"{visit.visitor.request.scope.get('root_path', '')}/care?bank={bank_path(visit.bank.name)}&look=1"
    return (
        visit.visitor.goes_to("care", bank=bank_path(visit.bank.name))
        if report.receipt is None
        else done(visit, report.receipt, back)
    )


def report_of(reports: list[AuditReport], visit: BankVisit) -> AuditReport:
    """The report of this bank, among those of the banks beneath it."""
    return next(report for report in reports if report.bank == visit.bank.name)


def sizes_of(stats: dict[str, Any]) -> list[tuple[str, int, float]]:
    """Parts of the database with their bytes and their share, the greatest first."""
    parts = {name: count for name, count in stats["bytes"].items() if name != "total"}
    total = sum(parts.values()) or 1
    return sorted(((name, count, count / total) for name, count in parts.items()), key=lambda part: -part[1])


def examples_of(report: AuditReport, visit: BankVisit) -> list[tuple[str, list[Memory], int]]:
    """Findings with the first of their memories, and how many have the flaw together."""
    return [
        (finding.flaw, [m for m in map(visit.bank.get, finding.ids[:EXAMPLES_SHOWN]) if m], len(finding.ids))
        for finding in report.findings[:FINDINGS_SHOWN]
    ]
