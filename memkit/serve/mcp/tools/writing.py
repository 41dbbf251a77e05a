"""Tools that write: what to remember, what it means, what was wrong, what no longer counts."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from memkit.forget.requests import ForgetRequest
from memkit.models import Outcome, Receipt
from memkit.recall.present.quoting import clean_name
from memkit.serve.mcp.toolbox import Listed, MemoryTool, ToolAnswer, ToolArguments, ToolCall
from memkit.serve.mcp.tools.reading import MemoryId, OptionalText


class SaidTurn(ToolArguments):
    speaker: str = Field(description="person's name")
    text: str = Field(description="words")
    role: Literal["user", "assistant", "system", "tool"] | SkipJsonSchema[None] = Field(None, description="in the chat")
    at: OptionalText = Field(None, description="ISO time with offset; default now")


class RememberArguments(ToolArguments):
    facts: Listed[str] = Field([], description="sentences that stand alone, with names and dates")
    turns: Listed[SaidTurn] = Field([], description="utterances, word for word, in order")
    session: OptionalText = Field(None, description="conversation that the turns are of")

    @model_validator(mode="after")
    def _in_one_form(self) -> "RememberArguments":
        if bool(self.facts) == bool(self.turns):
            raise ValueError("give either facts or turns")
        return self


class ChangeOutcome(BaseModel):
    id: OptionalText = None
    action: str
    reason: OptionalText = None


class ChangeAnswer(BaseModel):
    outcomes: list[ChangeOutcome]


def remember(call: ToolCall, given: RememberArguments) -> ToolAnswer:
    """Store for later conversations. Two forms: facts, single statements worth keeping (a preference, a decision, how
    something is done here), believed at once; turns, what was said, from which think draws facts. Store what will
    matter later, unasked; no secrets, nothing that can be looked up."""
    if given.facts:
        return _changed(call.bank.insert(given.facts))
    return _changed(
        call.bank.observe({**turn.model_dump(exclude_none=True), "session": given.session} for turn in given.turns)
    )


def _changed(receipt: Receipt) -> ToolAnswer:
    outcomes = [ChangeOutcome(id=o.id, action=o.action, reason=o.reason) for o in receipt.outcomes]
    return ToolAnswer(_lines(receipt.outcomes), ChangeAnswer(outcomes=outcomes))


def _lines(outcomes: Sequence[Outcome]) -> list[str]:
    """Counts of what they came to, and why some came to nothing."""
    counts = Counter(outcome.action for outcome in outcomes)
    line = ", ".join(f"{count} {action}" for action, count in counts.items()) or "nothing to do"
    return [line, *dict.fromkeys(o.reason for o in outcomes if o.reason and o.action in ("skipped", "rejected"))]


class ThinkArguments(ToolArguments):
    pass


class ForgetProposal(BaseModel):
    """A person's request to have something forgotten; `erase` with `plan_id` carries it out."""

    speaker: str
    at: str
    plan_id: str
    plan: str


class ThinkAnswer(BaseModel):
    counts: dict[str, int]
    requests: list[ForgetProposal]


def think(call: ToolCall, given: ThinkArguments) -> ToolAnswer:
    """Turn remembered turns into facts, sum up days, renew the portrait. Call at the end of a conversation. Says also
    what people asked to have forgotten."""
    exchanges = 0

    def tell(done: int, total: int) -> None:
        nonlocal exchanges
        exchanges = total
        call.step(done, total + 1, "thinking")

    thoughts = call.bank.think(progress=tell)
    call.check()
    receipt = Receipt.joined(call.bank.name, [thoughts, call.bank.reflect()])
    call.step(exchanges + 1, exchanges + 1, "summed up")
    proposals = [_proposal(call, request) for request in call.bank.requests()]  # reflecting made the first plans stale
    lines = [
        f"{each.speaker} asked to have something forgotten. plan_id {each.plan_id}: {each.plan}" for each in proposals
    ]
    data = ThinkAnswer(counts=Counter(outcome.action for outcome in receipt.outcomes), requests=proposals)
    return ToolAnswer([*_lines(receipt.outcomes), *lines], data)


def _proposal(call: ToolCall, request: ForgetRequest) -> ForgetProposal:
    return ForgetProposal(
        speaker=clean_name(request.speaker),
        at=request.at.isoformat(timespec="minutes"),
        plan_id=call.plans.add(request.plan, call.caller),
        plan=str(request.plan),
    )


class CorrectArguments(ToolArguments):
    id: MemoryId
    text: str = Field(description="what is true, as a sentence that stands alone")


def correct(call: ToolCall, given: CorrectArguments) -> ToolAnswer:
    """Put what is true in the place of a memory that is wrong or outdated. The old one stays in its history."""
    return _changed(call.bank.correct(given.id, given.text))


class ForgetArguments(ToolArguments):
    ids: Listed[str] = Field(description="memories' ids, from recall", min_length=1)
    reason: str = Field(description="why, in a few words")


def forget(call: ToolCall, given: ForgetArguments) -> ToolAnswer:
    """Take memories out of recall; they stay in history. To remove for good: plan_erase."""
    return _changed(call.bank.forget(given.ids, reason=given.reason))


WRITING_TOOLS: tuple[MemoryTool[Any], ...] = (
    MemoryTool(remember, "Remember", RememberArguments, ChangeAnswer, "write"),
    MemoryTool(think, "Think", ThinkArguments, ThinkAnswer, "write", idempotent=True),
    MemoryTool(correct, "Correct", CorrectArguments, ChangeAnswer, "write", destructive=True),
    MemoryTool(forget, "Forget", ForgetArguments, ChangeAnswer, "write", destructive=True, idempotent=True),
)
