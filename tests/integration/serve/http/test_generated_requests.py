"""Requests generated from the OpenAPI document: no answer is a server's fault, and each is documented."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi
from schemathesis.specs.openapi import checks

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.http.app import create_app
from memkit.serve.http.openapi import document
from tests.support.served_life import LIVED_TURNS, ServedLife
from tests.support.serving import FromHere

FEW_EXAMPLES, MANY_EXAMPLES = 8, 1000  # requests to an operation
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
TURN_LINES = st.lists(
    st.one_of(st.sampled_from(LIVED_TURNS).map(json.dumps), st.text(max_size=20), JSON_VALUES.map(json.dumps)),
    max_size=5,
).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))


@schemathesis.serializer("application/x-ndjson")
def as_bytes(context: Any, value: Any) -> Any:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


schemathesis.openapi.media_type("application/x-ndjson", TURN_LINES)
PHASES = (Phase.explicit, Phase.generate)  # what fails needs no shrinking: the answer says what it is
MODES = {"fitting": GenerationMode.POSITIVE, "broken": GenerationMode.NEGATIVE}


@pytest.fixture(scope="module")
def life(store: memkit.MemoryStore) -> ServedLife:
    return ServedLife(store)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[memkit.MemoryStore]:
    path: Path = tmp_path_factory.mktemp("served") / "memory.db"
    with memkit.open(path, encoder=HashingEncoder()) as opened:
        yield opened


@pytest.fixture(scope="module")
def schema(store: memkit.MemoryStore) -> Any:
    return schemathesis.openapi.from_asgi("/v1/openapi.json", FromHere(create_app(store)))


def operations() -> list[tuple[str, str]]:
    """Operations by label, with the ways in which requests to them can be."""
    by_label = {
        f"{method.upper()} {path}": each for path, item in document()["paths"].items() for method, each in item.items()
    }
    return [
        (label, mode) for label, each in by_label.items() for mode in MODES if mode == "fitting" or _is_formed(each)
    ]


def _is_formed(operation: dict[str, Any]) -> bool:
    """Whether there is anything in its requests that can break a rule."""
    return "parameters" in operation or "application/json" in operation.get("requestBody", {}).get("content", {})


def check_operation(label: str, mode: str, schema: Any, life: ServedLife, examples: int) -> None:
    """Send generated requests, many of which name what is there, and check each answer."""
    operation = schema.find_operation_by_label(label)

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), deadline=None, phases=PHASES)
    @given(case=operation.as_strategy(generation_mode=MODES[mode]))
    def check(case: Any) -> None:
        life.put_into(case)
        case.call_and_validate(checks=CHECKS, session=client)

    with asgi.get_client(operation.app) as client:
        check()


@pytest.mark.parametrize(("label", "mode"), operations())
def test_an_operation_answers_any_request_as_it_is_documented(
    label: str, mode: str, schema: Any, life: ServedLife
) -> None:
    check_operation(label, mode, schema, life, FEW_EXAMPLES)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("label", "mode"), operations())
def test_an_operation_answers_a_thousand_requests_as_it_is_documented(
    label: str, mode: str, schema: Any, life: ServedLife
) -> None:
    check_operation(label, mode, schema, life, MANY_EXAMPLES // (1 + ((label, "broken") in operations())))
