"""The OpenAPI document: whole, valid, and what the routes are."""

import re
from typing import Any

import pytest

from memkit.serve.http.openapi import document, operations

RIGHTS_BY_OPERATION = {
    "read": "zone get list history portrait mood beliefs standing upcoming requests window session get_item recall "
    "explain plan_erase repeated store_banks store_receipts store_recall",
    "write": "observe observe_stream think reflect insert merge supersede correct pin forget restore undo "
    "rename_speaker change_zone decay put_many delete_item refresh_item session_extend "
    "session_catch_up reinforce store_import_from",
    "erase": "erase erase_all prune session_pop session_clear store_erase_all",
    "admin": "store_maintain store_audit store_doctor store_stats store_flush store_purge store_repeat_erasures "
    "store_export store_load",
}
READING = {
    "zone", "get", "list", "history", "portrait", "mood", "beliefs", "standing", "upcoming", "requests", "window",
    "session", "get_item", "store_banks", "store_receipts", "store_stats", "store_export",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return document()


def test_each_operation_of_the_contract_is_there_with_its_right(whole: dict[str, Any]) -> None:
    rights = {operation["operationId"]: operation["x-right"] for operation in operations(whole)}
    assert rights == {name: right for right, names in RIGHTS_BY_OPERATION.items() for name in names.split()}


def test_reading_is_done_by_get_and_all_else_by_post(whole: dict[str, Any]) -> None:
    methods = {operation["operationId"]: set(item) for item in whole["paths"].values() for operation in item.values()}
    assert {name for name, each in methods.items() if each == {"get"}} == READING
    assert all(each == {"post"} for name, each in methods.items() if name not in READING)


def test_the_document_is_valid_openapi_3_1(whole: dict[str, Any]) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    assert whole["openapi"].startswith("3.1.")
    validator.validate(whole)


def test_each_operation_says_in_a_sentence_what_it_does(whole: dict[str, Any]) -> None:
    assert all(re.fullmatch(r"[A-Z].+[.]", operation["summary"]) for operation in operations(whole))


def test_each_operation_documents_its_problems(whole: dict[str, Any]) -> None:
    for operation in operations(whole):
        problems = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert {"401", "403", "422", "429", "500", "503"} <= problems.keys()
        assert all(list(answer["content"]) == ["application/problem+json"] for answer in problems.values())


def test_each_operation_but_streams_describes_its_answer(whole: dict[str, Any]) -> None:
    for operation in operations(whole):
        [content] = operation["responses"]["200"]["content"].values()
        assert content["schema"], operation["operationId"]


def test_every_bank_is_named_by_the_same_parameter(whole: dict[str, Any]) -> None:
    for path, item in whole["paths"].items():
        for operation in item.values():
            names = {parameter["name"] for parameter in operation.get("parameters", [])}
            assert ("bank" in names) == (path.startswith("/v1/bank/") or path == "/v1/store/import_from")


def test_no_operation_is_named_by_its_path_alone(whole: dict[str, Any]) -> None:
    assert not any("{" in path for path in whole["paths"])
