"""Hermes Agent that remembers from one chat to the next.

What it is: Hermes' own agent with memkit as its memory provider, found in a folder of plugins as Hermes finds it. The
model is a little server that answers with what it was shown, so that the demo runs anywhere; no other tool is on. For
your own, put the file that the demo writes into ~/.hermes/plugins/memkit/ and set memory.provider to memkit.
How to run: python demos/with_hermes_agent.py
What you will see: two chats, and what the model was shown beyond the words of the second.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PLUGIN_TEXT = """
from memkit_adapters.hermes_agent import MemkitProvider  # a MemoryProvider

from memkit.encoders.hashing import HashingEncoder


def register(ctx):
    ctx.register_memory_provider(MemkitProvider(encoder=HashingEncoder()))
"""


class RepeatingModel(BaseHTTPRequestHandler):
    """A model behind HTTP that answers with what Hermes put after the question."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known = str(body.get("messages", [{"content": ""}])[-1]["content"]).partition("<memory>")[2]
        answer = f"I was shown:{known.partition('</memory>')[0]}" if known else "Noted."
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for delta in ({"role": "assistant", "content": answer}, {}):
            choice = {"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "demo", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


def chat(port: int, name: str, text: str) -> None:
    """One chat of one person."""
    from run_agent import AIAgent

    agent = AIAgent(
        base_url=f"http://127.0.0.1:{port}/v1", api_key="none", provider="custom", model="demo", session_id=name,
        enabled_toolsets=["memory"], quiet_mode=True, skip_context_files=True, user_id="ana", user_name="Ana",
        platform="telegram",
    )  # fmt: skip
    print(f"{name}\nAna       {text}\nagent     {agent.run_conversation(text)['final_response']}\n")
    agent.shutdown_memory_provider()


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["HERMES_HOME"] = home  # before Hermes is imported
        plugin = Path(home, "plugins", "memkit", "__init__.py")
        plugin.parent.mkdir(parents=True)
        plugin.write_text(PLUGIN_TEXT)
        Path(home, "config.yaml").write_text("memory: {provider: memkit, memory_enabled: false}\n")
        server = ThreadingHTTPServer(("127.0.0.1", 0), RepeatingModel)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chat(server.server_port, "monday", "I can't eat nuts.")
        chat(server.server_port, "friday", "Which cake with nuts can I eat?")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
