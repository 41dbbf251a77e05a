"""A bank's self-care: what it should not hold is found, counted and, on request, put right; all of it can be undone."""

from collections.abc import Iterator, Sequence

from memkit.flows.context import BankContext, apply, by_id
from memkit.flows.read import everything
from memkit.models import FrozenModel, IndexEntry, Memory, Receipt
from memkit.operations import Forget, Merge, Operation, Supersede
from memkit.think.audit import FLAW_DESCRIPTIONS, AuditedMemories, Finding, Flaw, audit

JUNK_SALIENCE_SHARE = 0.25  # of the salience of an average turn


class AuditReport(FrozenModel):
    """Flaws of one bank; never text. `receipt`: of putting them right."""

    bank: tuple[str, ...]
    thoughts: int
    findings: tuple[Finding, ...]
    receipt: Receipt | None = None

    @property
    def counts(self) -> dict[Flaw, int]:
        """Number of memories with each flaw; of copies, those beyond the first."""
        return {flaw: sum(_excess(f) for f in self.findings if f.flaw == flaw) for flaw in FLAW_DESCRIPTIONS}


def _excess(finding: Finding) -> int:
    return max(1, len(finding.ids) - (finding.flaw in ("copies", "near copies", "contradictions")))


def audit_bank(ctx: BankContext, *, fix: bool) -> AuditReport:
    """Look at a bank's thoughts and echoes; with `fix`, put right what was found.

    Copies are merged, the older of two contradicting thoughts is superseded (a user's own word never is), the
    rest is archived: out of recall, in history, back with `restore` or `undo`.
    """
    held = _read_holdings(ctx)
    findings = tuple(audit(held))
    memories_by_id = {**held.by_id, **{m.id: m for m in (*held.derived, *held.echoes)}}
    receipt = _fix(ctx, findings, memories_by_id) if fix and findings else None
    return AuditReport(bank=ctx.name, thoughts=len(held.thoughts), findings=findings, receipt=receipt)


def _read_holdings(ctx: BankContext) -> AuditedMemories:
    derived = everything(ctx, ("thought", "summary", "portrait"))
    echoes = [turn for turn in everything(ctx, ("turn",)) if turn.echo_of is not None]
    named = {id for m in derived for id in m.sources} | {e.echo_of for e in echoes if e.echo_of is not None}
    floor = max(ctx.settings.think.salience, JUNK_SALIENCE_SHARE * ctx.settings.decay.salience_typical)
    return AuditedMemories(derived, echoes, by_id(ctx, sorted(named)), floor)


def _fix(ctx: BankContext, findings: Sequence[Finding], memories_by_id: dict[str, Memory]) -> Receipt:
    used: set[str] = set()
    operations: list[Operation] = []
    for finding in findings:
        if used.isdisjoint(finding.ids):
            operations += _fixing_operations(ctx, finding, [memories_by_id[id] for id in finding.ids])
            used.update(finding.ids)
    return apply(ctx, operations)


def _fixing_operations(ctx: BankContext, finding: Finding, memories: list[Memory]) -> Iterator[Operation]:
    if finding.flaw in ("copies", "near copies"):
        yield _merge_copies(ctx, memories)
    elif finding.flaw == "contradictions":
        *older, newest = sorted(memories, key=lambda m: (m.author == "user", m.occurred_at))
        placeholder = IndexEntry(text_key=0)  # the memory is there, with its own entry
        yield from (Supersede(m.id, newest, placeholder, "contradicted") for m in older if m.author != "user")
    else:
        yield from (Forget(m.id, finding.flaw, author="decay", archived=True) for m in memories)


def _merge_copies(ctx: BankContext, memories: list[Memory]) -> Merge:
    """One thought in place of its copies: the user's own word, else the fullest; it rests on what all rest on."""
    best = max(memories, key=lambda m: (m.author == "user", len(m.text)))
    now = ctx.now()
    memory = best.model_copy(
        update={
            "id": ctx.services.new_id(now),
            "recorded_at": now,
            "occurred_at": max(m.occurred_at for m in memories),
            "strength": max(m.strength for m in memories),
            "pinned": any(m.pinned for m in memories),
        }
    )
    [entry] = ctx.services.indexer.entry(ctx.ensure(), [memory])
    return Merge(tuple(m.id for m in memories), memory, entry)
