"""Memory as a capability of Pydantic AI: recalled for each model request, observed when a run begins and ends."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic_ai import AgentRunResult, FunctionToolset, RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import InstructionPart
from pydantic_ai.models import ModelRequestContext

import memkit
from memkit_adapters.pydantic_ai.messages import prompt_turn, turns_of
from memkit_adapters.pydantic_ai.tools import memory_toolset
from memkit_adapters.sparing import spared, tell_refused

BankOf = Callable[[RunContext[Any]], memkit.Bank]
SpeakerOf = Callable[[RunContext[Any]], str]
UNNAMED_PERSON = "user"  # who speaks in that role, until a run says their name


@dataclass
class RunMemory:
    """State of one run. `asked`: id of the turn that it answers; `block`: what was recalled for it."""

    asked: str | None = None
    block: str | None = None


@dataclass
class MemkitMemory(AbstractCapability[Any]):
    """A capability that gives an agent a memory; messages of its runs stay as they are.

    `bank`: one bank, or a function from the run's context to the bank of whoever is calling. `speaker`: the person's
    name, or such a function. The session is the run's conversation. `k`, `max_tokens`: how much is recalled, once a
    run. `think`: think when a run has ended; else leave it to `store.maintain`. `tools`: the model may search, save,
    correct and forget itself.
    """

    bank: memkit.Bank | BankOf
    speaker: str | SpeakerOf = UNNAMED_PERSON
    k: int = 10
    max_tokens: int = 1000
    think: bool = True
    tools: bool = False
    _run: RunMemory = field(default_factory=RunMemory, repr=False)

    @classmethod
    def get_serialization_name(cls) -> None:
        """None: a bank can't be written in a specification of agents."""
        return

    async def for_run(self, ctx: RunContext[Any]) -> "MemkitMemory":
        """The capability of one run."""
        return replace(self, _run=RunMemory())

    def get_toolset(self) -> FunctionToolset[Any] | None:
        """Tools over the memory, where they are wanted."""
        return memory_toolset(self.bank_of, self.k, self.max_tokens) if self.tools else None

    async def before_run(self, ctx: RunContext[Any]) -> None:
        """Observe what the person said, so that it is kept whatever becomes of the run."""
        if ctx.prompt is not None:
            await asyncio.to_thread(self._observe_prompt, ctx)

    async def prepare_model_request(
        self, ctx: RunContext[Any], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        """The request with what was recalled after its instructions; it is stored in no message."""
        if self._run.block is None:
            self._run.block = await asyncio.to_thread(self._recalled, ctx, request_context)
        if not self._run.block:
            return request_context
        parameters = request_context.model_request_parameters
        parts = [*(parameters.instruction_parts or []), InstructionPart(self._run.block, dynamic=True)]
        return replace(request_context, model_request_parameters=replace(parameters, instruction_parts=parts))

    async def after_run(self, ctx: RunContext[Any], *, result: AgentRunResult[Any]) -> AgentRunResult[Any]:
        """Observe the answer, with what tools said on the way to it, and think."""
        await asyncio.to_thread(self._observe_run, ctx, result)
        if self.think:
            with spared("think"):
                await self.bank_of(ctx).aio.think()
        return result

    def bank_of(self, ctx: RunContext[Any]) -> memkit.Bank:
        """The bank of whoever is calling."""
        return self.bank(ctx) if callable(self.bank) else self.bank

    def _speaker_of(self, ctx: RunContext[Any]) -> str:
        return self.speaker if isinstance(self.speaker, str) else self.speaker(ctx)

    def _observe_prompt(self, ctx: RunContext[Any]) -> None:
        with spared("observe", [f"{ctx.run_id}:0"]):
            bank, speaker = self.bank_of(ctx), self._speaker_of(ctx)
            bank.rename_speaker(UNNAMED_PERSON, speaker)
            said = self._placed(ctx, [prompt_turn(ctx.prompt or "", speaker)])
            before = self._placed(ctx, turns_of(ctx.messages[-1:], speaker))
            repeated = bank.repeated([*(replace(turn, id=None) for turn in before), *said])
            self._run.asked = repeated[0].id if repeated else self._observe(bank, said)[0]

    def _recalled(self, ctx: RunContext[Any], request: ModelRequestContext) -> str:
        with spared("recall"):
            shown = turns_of(request.messages, self._speaker_of(ctx))
            question = next((turn.text for turn in reversed(shown) if turn.role == "user"), "")
            recollection = self.bank_of(ctx).recall(question, k=self.k, without=shown)
            return recollection.prompt(max_tokens=self.max_tokens)
        return ""

    def _observe_run(self, ctx: RunContext[Any], result: AgentRunResult[Any]) -> None:
        turns = self._placed(ctx, turns_of(result.new_messages(), self._speaker_of(ctx)))
        with spared("observe", [str(turn.id) for turn in turns]):
            if self._run.asked is not None and turns and turns[0].role == "user":
                turns = turns[1:]
            first = next((place for place, turn in enumerate(turns) if turn.role == "assistant"), len(turns))
            asked = self._run.asked or next((turn.id for turn in turns[:first] if turn.role == "user"), None)
            answer = [replace(turn, reply_to=asked) for turn in turns[first : first + 1]]
            self._observe(self.bank_of(ctx), [*turns[:first], *answer, *turns[first + 1 :]])

    def _observe(self, bank: memkit.Bank, turns: list[memkit.Turn]) -> list[str]:
        """Ids of the turns. Raises InputError, StorageError."""
        receipt = bank.observe(turns)
        tell_refused(receipt, [str(turn.id) for turn in turns])
        return receipt.ids

    def _placed(self, ctx: RunContext[Any], turns: list[memkit.Turn]) -> list[memkit.Turn]:
        """Turns of the run's conversation, with ids of the run and their place in it."""
        session = ctx.conversation_id
        return [replace(turn, id=f"{ctx.run_id}:{place}", session=session) for place, turn in enumerate(turns)]
