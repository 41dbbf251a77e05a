"""The OpenAPI document: what the routes say, with the form of problems, and examples that a server answered.

`python -m memkit.serve.http.openapi` writes it, for whoever generates a client.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from memkit.serve.http.forms.answers import Problem

API_TITLE, API_VERSION = "memkit", "1"
API_DESCRIPTION = "Long-term memory for agents: the verbs of a bank and of a store, as the library has them."
SCHEMA_REFERENCE = "#/components/schemas/{model}"
KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A key of the caller's own: what comes again under it within 24 hours is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
EXAMPLES_FILE = Path(__file__).with_name("examples.json")  # by operation: what was asked and answered


def describe(app: FastAPI) -> None:
    """Make an application give this document as its own."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    whole = get_openapi(title=API_TITLE, version=API_VERSION, description=API_DESCRIPTION, routes=app.routes)
    problem = Problem.model_json_schema(ref_template=SCHEMA_REFERENCE)
    whole["components"]["schemas"].update(problem.pop("$defs", {}), Problem=problem)
    whole["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    whole["security"] = [{"token": []}, {}]  # none is needed where the database never had one
    examples = json.loads(EXAMPLES_FILE.read_text("utf-8"))
    for operation in operations(whole):
        if _takes_key(operation):
            operation.setdefault("parameters", []).append(KEY_PARAMETER)
        if operation["operationId"] in examples:
            _show(operation, examples[operation["operationId"]])
    return whole


def _takes_key(operation: dict[str, Any]) -> bool:
    """Whether it is carried out once under an Idempotency-Key: writes but streams."""
    body = operation.get("requestBody", {}).get("content", {"application/json": {}})
    return operation["x-right"] != "read" and "400" in operation["responses"] and "application/json" in body


def operations(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Operations of a document."""
    return (operation for item in whole["paths"].values() for operation in item.values())


def _show(operation: dict[str, Any], example: dict[str, Any]) -> None:
    """Put an example into an operation: what it was asked, and what it answered."""
    for parameter in operation.get("parameters", []):
        if parameter["name"] in example["query"]:
            parameter["example"] = example["query"][parameter["name"]]
    parts = [operation.get("requestBody", {}), operation["responses"]["200"]]
    for part, value in zip(parts, (example["body"], example["answer"]), strict=True):
        for content in part.get("content", {}).values():
            content["example"] = value


def document() -> dict[str, Any]:
    """The document of this version, which no store changes."""
    from memkit.serve.http.app import application

    return application().openapi()


def main() -> None:
    """Write the document to standard output, the same for the same routes."""
    sys.stdout.write(json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
