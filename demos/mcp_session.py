"""A memory over the Model Context Protocol, without an agent: the calls that one would make, by the official client.

What it is: two clients, one after the other, each with a server of its own on one file. The first is told things and
thinks; the second recalls, corrects, and erases in two steps.
How to run: python demos/mcp_session.py, or with --db FILE, and --encoder minilm for search by meaning
What you will see: each tool's name, what it was given, and what a model would read.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters

SAID = [
    {"speaker": "Ana", "role": "user", "text": "I moved to Lisbon in May. I can't eat nuts."},
    {"speaker": "Ana", "role": "user", "text": "My sister Rita visits on Thursday. Always answer in Spanish."},
]


def connect(db: str, encoder: str) -> Client:
    """A client with a server of its own, as a configuration's command starts it."""
    options = ["mcp", "--db", db, "--bank", "ana", "--encoder", encoder]
    return Client(StdioServerParameters(command=sys.executable, args=["-m", "memkit", *options]))


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool, and show what a model would read."""
    result = await client.call_tool(tool, arguments)
    print(f"\n> {tool} {arguments or ''}")
    for part in result.content:
        print(getattr(part, "text", ""))
    return result.structured_content or {}


async def main(db: str, encoder: str) -> None:
    """The two sessions."""
    async with connect(db, encoder) as client:
        await call(client, "remember", turns=SAID)
        await call(client, "remember", facts=["Ana's project builds with Bazel 7."])
        await call(client, "think")
    async with connect(db, encoder) as client:
        await call(client, "portrait")
        recalled = await call(client, "recall", query="What does the project build with?")
        built = next(memory["id"] for memory in recalled["memories"] if "Bazel" in memory["text"])
        await call(client, "correct", id=built, text="Ana's project builds with Buck 2.")
        await call(client, "history", id=built)
        plan = await call(client, "plan_erase", about="Rita visits on Thursday")
        await call(client, "erase", plan_id=plan["plan_id"], requested_by="Ana")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--db", help="default: a file that goes with the demo")
    parser.add_argument("--encoder", default="hashing")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(given.db or str(Path(folder) / "memory.db"), given.encoder))
