"""Anthropic's memory tool over a memkit bank: a model that keeps files, and finds what the bank knows beside them.

What it is: two conversations of a model with the memory tool, driven by the SDK's own runner. The server is scripted,
so that the demo runs anywhere; take `http_client=` away, and set ANTHROPIC_API_KEY, for a real one.
How to run: python demos/with_anthropic.py
What you will see: each command of the model, and the answer that it gets from the bank.
"""

import argparse
import json
from typing import Any

import httpx2
from anthropic import Anthropic
from memkit_adapters.anthropic import MemkitMemoryTool

import memkit
from memkit.encoders.hashing import HashingEncoder

FIRST: list[dict[str, Any]] = [
    {"command": "view", "path": "/memories"},
    {"command": "create", "path": "/memories/ana.md", "file_text": "Ana can eat nuts.\n"},
    {"command": "str_replace", "path": "/memories/ana.md", "old_str": "can eat", "new_str": "can't eat"},
]
SECOND: list[dict[str, Any]] = [
    {"command": "view", "path": "/memories"},
    {"command": "view", "path": "/memories/ana.md"},
    {"command": "view", "path": "/memories/memkit/portrait.md"},
]


def server(commands: list[dict[str, Any]]) -> httpx2.MockTransport:
    """A server whose model gives these commands, one after the other, and then ends."""
    steps = iter(commands)

    def respond(request: httpx2.Request) -> httpx2.Response:
        last = json.loads(request.content)["messages"][-1]["content"]
        for block in last if isinstance(last, list) else ():
            print(block["content"], end="\n\n")
        step = next(steps, None)
        if step is not None:
            print(f"> {' '.join(f'{name}={value!r}' for name, value in step.items())}")
        use = {"type": "tool_use", "id": f"use{id(step)}", "name": "memory", "input": step}
        body = {
            "id": "1", "type": "message", "role": "assistant", "model": "scripted", "stop_sequence": None,
            "content": [use if step else {"type": "text", "text": "Done."}],
            "stop_reason": "tool_use" if step else "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1},
        }  # fmt: skip
        return httpx2.Response(200, json=body)

    return httpx2.MockTransport(respond)


def converse(bank: memkit.MemoryBank, commands: list[dict[str, Any]], text: str) -> None:
    """One conversation of the model."""
    client = Anthropic(api_key="none", http_client=httpx2.Client(transport=server(commands)))
    client.beta.messages.tool_runner(
        model="scripted", max_tokens=1000, messages=[{"role": "user", "content": text}], tools=[MemkitMemoryTool(bank)]
    ).until_done()


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("kitchen", "ana")
        print("first conversation\n")
        converse(bank, FIRST, "I can't eat nuts.")
        bank.observe([("Ana", "I moved to Lisbon in May."), ("assistant", "How nice.")])  # what else the bank is told
        bank.think()
        bank.reflect()
        print("second conversation\n")
        converse(bank, SECOND, "What can I eat?")


if __name__ == "__main__":
    main()
