"""A line to a server that goes through the TypeScript client: each call is one of its generated functions."""

import json
import subprocess
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

from doors import function_name

from memkit.serve.client.answers import error_of
from memkit.serve.client.calls import Call
from memkit.serve.client.wire import as_query
from memkit.serve.http.openapi import document


class NodeLine:
    """Sends calls as a line of JSON each to a Node process, which answers with a line each."""

    is_closed = False

    def __init__(self, node: str, folder: Path, url: str) -> None:
        self._process = subprocess.Popen(
            [node, "dist/test/driver.js"], cwd=folder, text=True, env={"MEMKIT_URL": url},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._names = {
            path: function_name(operation["operationId"])
            for path, item in document()["paths"].items()
            for operation in item.values()
        }

    def send(self, call: Call[Any]) -> bytes:
        """The body of a call's response, as `ServerLine.send` gives it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        query: dict[str, list[str]] = defaultdict(list)
        for name, value in as_query(call.query):
            query[name].append(value)
        single = {name: values if name in ("kinds", "states") else values[0] for name, values in query.items()}
        request = {"operation": self._names[f"/v1/{call.path}"], "query": single, "body": call.body}
        with self._lock:  # what strengthens memories comes from a thread beside
            self._process.stdin.write(json.dumps(request, default=_plain) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        content = json.dumps(answer["content"]).encode()
        if answer["status"] >= 400:
            raise error_of(answer["status"], content)
        return content

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)


def _plain(value: Any) -> Any:
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value)
