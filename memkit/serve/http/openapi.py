"""The OpenAPI document: what the routes say, with the form of problems.

`python -m memkit.serve.http.openapi` writes it, for whoever generates a client.
"""

import json
import sys
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from memkit.serve.http.forms.answers import Problem

API_TITLE, API_VERSION = "memkit", "1"
SCHEMA_REFERENCE = "#/components/schemas/{model}"
API_DESCRIPTION = "Long-term memory for agents: the verbs of a bank and of a store, as the library has them."


def describe(app: FastAPI) -> None:
    """Make an application give this document as its own."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    described = get_openapi(title=API_TITLE, version=API_VERSION, description=API_DESCRIPTION, routes=app.routes)
    problem = Problem.model_json_schema(ref_template=SCHEMA_REFERENCE)
    described["components"]["schemas"].update(problem.pop("$defs", {}), Problem=problem)
    return described


def document() -> dict[str, Any]:
    """The document of this version, which no store changes."""
    from memkit.serve.http.app import application

    return application().openapi()


def main() -> None:
    """Write the document to standard output, the same for the same routes."""
    sys.stdout.write(json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
