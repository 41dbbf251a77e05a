"""Everything in the packages is used: by the packages themselves, by a framework, or by those who import them."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIN_CONFIDENCE = 60  # percent; below it are guesses
USED_ELSEWHERE = {
    "by people's own code": "CausalLMSurprisal generate message_tokens reflected ServerSurprisal",
    "by LangGraph": "MemkitStore abatch from_conn_string start_ttl_sweeper stop_ttl_sweeper supports_ttl sweep_ttl",
    "by LangChain's agents": "aafter_agent abefore_agent awrap_model_call after_agent wrap_model_call",
    "by Pydantic AI": "delete_record for_run get_serialization_name get_toolset prepare_model_request read_entry "
    "read_history read_record write_record",
    "by Anthropic's SDK": "AsyncMemkitMemoryTool",
    "by OpenAI Agents": "MemkitSession add_items clear_session get_items pop_item run_config",
    "by Google ADK": "MemkitMemoryService add_events_to_memory add_memory add_session_to_memory delete_memory",
    "by LiveKit": "MemkitAgent on_enter",
    "by Pipecat": "MemkitProcessor",
    "by Hermes Agent": "MemkitProvider get_tool_schemas handle_tool_call on_session_switch prefetch sync_turn",
    "by LlamaIndex": "MemkitMemoryBlock _aget _aput aput atruncate priority",
    "by Strands": "MemkitMemoryStore initialize",
    "by Agent Framework": "MemkitContextProvider MemkitHistoryProvider after_run before_run save_messages",
    "by Agno": "MemkitLearning aget_tools aprocess arecall attach build_context was_updated",
    "by Haystack": "count_documents_async count_documents_by_filter_async count_unique_metadata_by_filter_async "
    "delete_all_documents_async delete_by_filter_async delete_documents_async filter_documents_async "
    "get_metadata_field_min_max_async get_metadata_field_unique_values_async "
    "get_metadata_fields_info_async run_async update_by_filter_async write_documents_async",
    "by CrewAI": "MemkitStorage adelete asave asearch get_record get_scope_info list_categories list_records reset",
    "by AutoGen": "update_context",
    "by Prometheus": "collect",
    "by uvicorn": "handle_exit join_all worker_app",
    "by FastAPI, which calls the page's views": "ask_for_token carry_out lead_to_page log_in log_out show_bank "
    "show_beliefs show_care show_changes show_days show_graph show_memory show_plan show_retention unpin",
    "by the page's templates": "band_names",
    "by FastAPI, which calls operations": "healthz readyz list_memories observe_stream refresh_item session_catch_up "
    "session_clear session_extend session_pop",
    "by the command line, which finds a command by its file": "demo footprint import_ list_ mcp",
    "by mypy": "are_alike",
    "by pytest": "pytest_collection_modifyitems pytest_runtest_logreport",
    "by Python": "__call__ __dir__ __getattr__ showwarning",
    "by pydantic": "_in_one_form _known_kinds _one_rule_each became cannot ceased ceased_any model_config",
    "by LangChain's retrievers": "_aget_relevant_documents _get_relevant_documents run_manager",
    "by LangChain's histories": "aadd_messages add_messages aget_messages",
    "by ONNX Runtime and by sqlite-utils": "intra_op_num_threads log_severity_level migrations_table",
    "in quoted types alone": "AwaitableBank AwaitableSession BankSession BaseChatModel",
    "by tests and benchmarks": "attend",
    "in what is written as JSON": "next_cursor other_interval written_at",
}
NAMES_USED_ELSEWHERE = {name for names in USED_ELSEWHERE.values() for name in names.split()}


@pytest.fixture(scope="module")
def unused() -> set[str]:
    vulture = pytest.importorskip("vulture")
    search = vulture.Vulture()
    search.scavenge([str(ROOT / "memkit"), str(ROOT / "adapters")])
    return {str(item.name) for item in search.get_unused_code(min_confidence=MIN_CONFIDENCE)}


def test_nothing_in_the_packages_is_unused(unused: set[str]) -> None:
    assert unused - NAMES_USED_ELSEWHERE == set()


def test_no_exception_outlives_its_reason(unused: set[str]) -> None:
    assert NAMES_USED_ELSEWHERE - unused == set()
