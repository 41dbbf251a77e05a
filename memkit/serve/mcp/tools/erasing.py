"""Tools that erase, in two steps: a plan that says what would go, and carrying it out by its id."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from memkit.forget.erasure_plan import ErasePlan
from memkit.serve.mcp.blocks import block, memory_lines
from memkit.serve.mcp.erase_plans import PLAN_SPAN
from memkit.serve.mcp.toolbox import Listed, MemoryTool, ToolAnswer, ToolArguments, ToolCall
from memkit.serve.mcp.tools.reading import MaxTokens, OptionalText

MAX_SHOWN = 200  # memories of a plan
REMAINING_TEXT = "Rows are gone; their bytes in the files go as soon as no reader is in the way."


class PlanEraseArguments(ToolArguments):
    about: OptionalText = Field(None, description="topic")
    speaker: OptionalText = Field(None, description="what this person said")
    session: OptionalText = Field(None, description="all of this conversation")
    since: OptionalText = Field(None, description="ISO date or time")
    until: OptionalText = Field(None, description="before this")
    ids: Listed[str] | SkipJsonSchema[None] = Field(None, description="these memories")
    max_tokens: MaxTokens = 2_000


class PlanAnswer(BaseModel):
    plan_id: OptionalText = None
    summary: str
    counts: dict[str, int]
    block: str
    expires_at: str


def plan_erase(call: ToolCall, given: PlanEraseArguments) -> ToolAnswer:
    """Plan to remove memories for good: everything that fits all of what is given, and what rests on it. Show the
    person the plan, and erase with its plan_id only when they agree."""
    plan = call.bank.plan_erase(**given.model_dump(exclude={"max_tokens", "bank"}))
    shown = _plan_block(call, plan, given.max_tokens)
    plan_id = call.plans.add(plan, call.caller) if plan.ids else None
    data = PlanAnswer(
        plan_id=plan_id,
        summary=str(plan),
        counts=plan.counts,
        block=shown,
        expires_at=(datetime.now(UTC) + PLAN_SPAN).isoformat(timespec="seconds"),
    )
    return ToolAnswer([str(plan), *([shown, f"plan_id: {plan_id}"] if plan_id else [])], data)


def _plan_block(call: ToolCall, plan: ErasePlan, max_tokens: int) -> str:
    memories = [memory for id in plan.ids[:MAX_SHOWN] if (memory := call.bank.get(id)) is not None]
    missing = len(plan.ids) - len(memories)
    return block([*memory_lines(memories, call.bank.zone), *([f"({missing} more)"] if missing else [])], max_tokens)


class EraseArguments(ToolArguments):
    plan_id: str = Field(description="from plan_erase")
    requested_by: OptionalText = Field(None, description="who asked for it")


class EraseAnswer(BaseModel):
    counts: dict[str, int]
    remade: int
    receipt: int
    bytes_pending: bool


def erase(call: ToolCall, given: EraseArguments) -> ToolAnswer:
    """Carry out a plan of plan_erase: remove memories for good, down to the bytes. Can't be undone or stopped."""
    plan = call.plans.take(given.plan_id, call.bank.name, call.caller)
    total = len(plan.ids)
    call.step(0, total, "erasing")
    receipt = call.bank.erase(plan, requested_by=given.requested_by)
    call.report(total, total, "erased")
    counts = ", ".join(f"{count} {kind}" for kind, count in receipt.counts.items()) or "nothing"
    data = EraseAnswer(
        counts=receipt.counts,
        remade=len(receipt.remade),
        receipt=receipt.number,
        bytes_pending=receipt.bytes_pending,
    )
    return ToolAnswer(
        [f"Erased: {counts}. Receipt {receipt.number}.", *([REMAINING_TEXT] if receipt.bytes_pending else [])], data
    )


ERASING_TOOLS: tuple[MemoryTool[Any], ...] = (
    MemoryTool(plan_erase, "Plan an erasure", PlanEraseArguments, PlanAnswer, "erase"),
    MemoryTool(erase, "Erase", EraseArguments, EraseAnswer, "erase", destructive=True),
)
