"""Watching: health, metrics, spans and the log tell how it goes, and nothing of what anybody said or asked."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError
from memkit.serve.http.app import create_app
from memkit.serve.http.around.request_log import JsonLines, TextLines, log
from memkit.serve.http.serve_settings import AppSettings

SECRET_WORDS = ("Lisbon", "live", "acme", "ana", "canary-key", "canary-id", "canary-agent", "10.1.2.3")
TURNS = {"turns": [{"text": "I moved to Lisbon.", "speaker": "ana", "id": "canary-id"}]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[memkit.MemoryStore]:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as opened:
        yield opened


@pytest.fixture(scope="module")
def exported_spans() -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(exported_spans: InMemorySpanExporter) -> InMemorySpanExporter:
    exported_spans.clear()
    return exported_spans


def asking(store: memkit.MemoryStore, secret: str | None = None, settings: AppSettings | None = None) -> Any:
    headers = {"User-Agent": "canary-agent"} | ({} if secret is None else {"Authorization": f"Bearer {secret}"})
    transport = httpx.ASGITransport(create_app(store, settings), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)


async def talk(http: httpx.AsyncClient) -> list[int]:
    """Requests that hold all of the secret words; their statuses."""
    query = {"bank": "acme/ana"}
    headers = {"Idempotency-Key": "canary-key"}
    answers = [
        await http.post("/v1/bank/observe", params=query, json=TURNS, headers=headers),
        await http.post("/v1/bank/recall", params=query, json={"query": "Where does she live?", "min_score": 0}),
        await http.get("/v1/bank/get", params={**query, "id": "canary-id"}),
        await http.post("/v1/bank/observe", params=query, json={"turns": [{"text": 3, "Lisbon": "ana"}]}),
        await http.get("/acme/ana/canary-id"),
        await http.post("/v1/bank/pin", params=query, json={"id": "canary-id-2"}),
    ]
    return [answer.status_code for answer in answers]


STATUSES = [200, 200, 200, 422, 404, 404]


async def test_health_needs_no_token_and_metrics_one_that_gives_admin_everywhere(store: memkit.MemoryStore) -> None:
    secrets = {
        rights: store.access.create("watcher", under=[under], rights=rights).secret
        for rights, under in [(("admin",), ()), (("read", "write"), ()), (("read", "admin"), ("acme",))]
    }
    async with asking(store) as http:
        assert [(await http.get(path)).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 401]
    statuses = []
    for secret in secrets.values():
        async with asking(store, secret) as http:
            statuses.append((await http.get("/metrics")).status_code)
    assert statuses == [200, 403, 403]


async def test_a_store_that_does_not_answer_is_not_ready(store: memkit.MemoryStore) -> None:
    async with asking(store) as http:
        store.close()
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:memkit:ClosedError")
        assert (await http.get("/healthz")).status_code == 200


async def test_metrics_count_requests_by_verb_and_status_and_what_waits(store: memkit.MemoryStore) -> None:
    async with asking(store) as http:
        assert await talk(http) == STATUSES
        text = (await http.get("/metrics")).text
    values = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}
    assert values['memkit_requests_total{status="200",verb="observe"}'] == 1
    assert values['memkit_requests_total{status="422",verb="observe"}'] == 1
    assert values['memkit_requests_total{status="404",verb="none"}'] == 1
    assert values['memkit_request_seconds_count{verb="recall"}'] == 1
    assert values["memkit_requests_in_progress"] == 1  # this one
    assert values['memkit_waiting{queue="exchanges"}'] == 1
    assert not [word for word in SECRET_WORDS if word in text]


async def test_a_request_has_an_id_of_its_own_or_the_one_that_it_came_with(store: memkit.MemoryStore) -> None:
    async with asking(store) as http:
        own = (await http.get("/healthz")).headers["x-request-id"]
        assert len(own) == 32
        given = await http.get("/healthz", headers={"X-Request-ID": "order-17.a_b"})
        assert given.headers["x-request-id"] == "order-17.a_b"
        for broken in ("a b", "a\tb", "x" * 65, "é".encode().decode("latin-1"), ""):
            answer = await http.get("/healthz", headers={"X-Request-ID": broken.encode("latin-1")})
            assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize("lines", [JsonLines(), TextLines()], ids=["json", "text"])
async def test_the_log_tells_how_requests_went_and_nothing_of_what_was_said(
    store: memkit.MemoryStore, caplog: pytest.LogCaptureFixture, lines: logging.Formatter
) -> None:
    caplog.set_level(logging.INFO)
    token = store.access.create("canary-agent")
    async with asking(store, token.secret) as http:
        assert await talk(http) == STATUSES
    records = [record for record in caplog.records if record.name == log.name]
    assert len(records) == len(STATUSES)
    written = "\n".join(lines.format(record) for record in caplog.records if record.name != "httpx")
    assert not [word for word in (*SECRET_WORDS, token.secret) if word in written]
    if isinstance(lines, JsonLines):
        first = json.loads(lines.format(records[0]))
        assert {name: first[name] for name in ("method", "verb", "status", "token", "level")} == {
            "method": "POST", "verb": "observe", "status": 200, "token": token.token.id, "level": "INFO"
        }  # fmt: skip
    else:
        assert "method=POST verb=observe status=200" in lines.format(records[0])


@pytest.mark.parametrize("lines", [JsonLines(), TextLines()], ids=["json", "text"])
def test_an_error_is_logged_by_its_class_and_places_without_its_words(lines: logging.Formatter) -> None:
    try:
        raise InputError("I moved to Lisbon.")  # noqa: TRY301
    except InputError as error:
        details = (InputError, error, error.__traceback__)
        record = logging.LogRecord("uvicorn.error", logging.ERROR, __file__, 1, "broke", None, details)
    written = lines.format(record)
    assert "Lisbon" not in written
    assert "InputError" in written
    assert Path(__file__).name in written


async def test_a_fault_is_a_problem_without_its_words_and_is_logged_by_its_place(
    store: memkit.MemoryStore, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(store)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("I moved to Lisbon.")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        answer = await http.get("/broken", headers={"X-Request-ID": "r1"})
    assert (answer.status_code, answer.json()["status"], answer.headers["x-request-id"]) == (500, 500, "r1")
    [span] = spans.get_finished_spans()
    assert not span.status.is_ok
    [record] = [record for record in caplog.records if record.name == log.name]
    assert (record.levelname, JsonLines().format(record).count("broken")) == ("WARNING", 1)
    assert not [text for text in (answer.text, span.to_json(), JsonLines().format(record)) if "Lisbon" in text]


async def test_spans_tell_verb_status_change_and_counts_and_nothing_of_what_was_said(
    store: memkit.MemoryStore, spans: InMemorySpanExporter
) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with asking(store) as http:
        http.headers["traceparent"] = parent
        assert await talk(http) == STATUSES
    finished = spans.get_finished_spans()
    assert [span.name for span in finished] == ["observe", "recall", "get", "observe", "none", "pin"]
    assert dict(finished[0].attributes or {}) == {
        "http.response.status_code": 200, "memkit.verb": "observe", "memkit.change": 1, "memkit.outcomes.added": 1
    }  # fmt: skip
    assert (finished[1].attributes or {})["memkit.results"] == 1
    assert {format(span.context.trace_id, "032x") for span in finished if span.context} == {parent.split("-")[1]}
    written = "".join(span.to_json() for span in finished)
    assert not [word for word in SECRET_WORDS if f'{word}"' in written or f" {word}" in written]
    assert not [event for span in finished for event in span.events]


async def test_spans_and_log_tell_nothing_of_what_the_page_showed(
    store: memkit.MemoryStore, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store.bank("acme", "ana").observe([memkit.Turn("I moved to Lisbon.", "ana", id="canary-id")])
    async with asking(store, settings=AppSettings(page=True)) as http:
        answers = [await http.get("/page/"), await http.get("/page/ask", params={"bank": "acme/ana", "query": "live"})]
    assert answers[0].status_code == 200
    records = [record for record in caplog.records if record.name == log.name]
    assert len(records) == 2
    written = "".join(span.to_json() for span in spans.get_finished_spans())
    written += "".join(JsonLines().format(record) for record in records)
    assert len(spans.get_finished_spans()) == 2
    assert not [word for word in SECRET_WORDS if f'{word}"' in written or f" {word}" in written]


async def test_pages_elsewhere_are_answered_only_where_they_were_allowed(store: memkit.MemoryStore) -> None:
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    async with asking(store) as http:
        assert (await http.options("/v1/bank/recall", headers=preflight)).status_code in (403, 405)
    async with asking(store, settings=AppSettings(allow_origins=("https://app.example",))) as http:
        answer = await http.options("/v1/bank/recall", headers=preflight)
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        refused = await http.options("/v1/bank/recall", headers={**preflight, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers
        answer = await http.get("/v1/bank/zone?bank=acme/ana", headers={"Origin": "https://app.example"})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://app.example")
