"""Agno with a memory: an agent that is shown what a person said in earlier conversations.

What it is: a learning on memkit, attached to an agent. The model is scripted, so that the demo runs anywhere. Agno's
telemetry, which is on by default, is switched off: in the environment and for the agent.
How to run: python demos/with_agno.py (needs the extra agno)
What you will see: what the model was shown in each conversation, and what the memory holds.
"""

import argparse
import os
from typing import Any

os.environ["AGNO_TELEMETRY"] = "false"

from agno.agent import Agent
from agno.db.in_memory import InMemoryDb
from agno.models.base import Model
from agno.models.response import ModelResponse
from memkit_adapters.agno import MemkitLearning

import memkit
from memkit.encoders import HashingEncoder

TALK = [("first", "I can't eat nuts.", "I'll remember."), ("second", "Can I eat nuts?", "No: you told me.")]


class ScriptedModel(Model):
    """Stands where a model stands: answers as it is told, and prints what it was shown."""

    def __init__(self, answers: list[str]) -> None:
        super().__init__(id="scripted")
        self.answers = answers

    def invoke(self, messages: list[Any], **kwargs: Any) -> ModelResponse:
        """The next answer."""
        print("shown     " + "\n          ".join("\n".join(str(each.content) for each in messages).splitlines()))
        return ModelResponse(role="assistant", content=self.answers.pop(0))

    async def ainvoke(self, messages: list[Any], **kwargs: Any) -> ModelResponse:
        """The same, awaited."""
        return self.invoke(messages)

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Not scripted."""
        raise NotImplementedError

    ainvoke_stream = invoke_stream

    def _parse_provider_response(self, response: Any, **kwargs: Any) -> Any:
        return response

    def _parse_provider_response_delta(self, response: Any) -> Any:
        return response


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("acme", "ana")
        agent = Agent(model=ScriptedModel([answer for _, _, answer in TALK]), db=InMemoryDb(), telemetry=False)
        MemkitLearning(bank).attach(agent)
        for session, question, _ in TALK:
            print(f"\n{session} conversation\nasked     {question}")
            agent.run(question, user_id="Ana", session_id=session)
        print(f"\nAgno's telemetry {'ON' if agent.telemetry else 'off'}\n\nremembered")
        for turn in bank.list(kinds=["turn"]):
            print(f"  {turn.session} | {turn.speaker}: {turn.text}")


if __name__ == "__main__":
    main()
