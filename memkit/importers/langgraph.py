"""LangGraph's stores: items with namespace, key and value, as JSON lines, one JSON array, or its SQLite store.

A namespace is a bank of its name, as it is for `memkit_adapters.langgraph.MemkitStore`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from memkit.importers.files import is_database, json_lines, packed_files
from memkit.importers.records import (
    TIME_REASON,
    UNKNOWN_REASON,
    ImportedItem,
    Incoming,
    SkippedRecord,
    Source,
    SourceRecord,
)

FILE_PATTERN = re.compile(r"\.(jsonl|ndjson|json)$")
EXAMPLE_LINE = '{"namespace": ["ana", "memories"], "key": "m1", "value": {"text": "Likes tea."}}'
NAMESPACE_REASON = "without a namespace"
MISSING_SENTENCE = "holds no .jsonl file. Write one item per line: json.dumps(item.dict())."


def read(source: Source) -> Iterator[Incoming]:
    """Items. Raises InputError."""
    if is_database(source.path):
        for row in source.read_table(source.path, "store"):
            yield _item({**row, "namespace": row.get("prefix"), "value": _value(row.get("value"))})
        return
    for name, open_file in packed_files(source.path, FILE_PATTERN, missing=MISSING_SENTENCE):
        for row in json_lines(open_file, name, EXAMPLE_LINE):
            yield _item(row) if isinstance(row, dict) else SkippedRecord(UNKNOWN_REASON)


def _value(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _item(row: Mapping[str, Any]) -> Incoming:
    namespace, key, ttl = row.get("namespace"), row.get("key"), row.get("ttl_minutes")
    parts = namespace.split(".") if isinstance(namespace, str) else namespace
    if not isinstance(parts, list) or not parts or not all(isinstance(part, str) and part for part in parts):
        return SkippedRecord(NAMESPACE_REASON)
    if not isinstance(key, str) or row.get("value") is None:
        return SkippedRecord(UNKNOWN_REASON)
    if ttl is not None and not (isinstance(ttl, int | float) and ttl > 0):
        return SkippedRecord(TIME_REASON)
    return SourceRecord(ImportedItem(key, row["value"], ttl), tuple(parts))
