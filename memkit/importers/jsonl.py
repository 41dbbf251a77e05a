"""JSON lines: one turn a line, with role and content or speaker and text; or one conversation a line, with messages."""

import re
from collections.abc import Iterator

from memkit.importers.files import json_lines, packed_files
from memkit.importers.records import UNKNOWN_REASON, Incoming, SkippedRecord, Source
from memkit.importers.rows import RowReader

FORMAT_NAME = "jsonl"
FILE_PATTERN = re.compile(r"\.(jsonl|ndjson|json)$")
EXAMPLE_LINE = '{"speaker": "Ana", "text": "Hello", "at": "2025-03-04T09:30:00+00:00"}'
MISSING_SENTENCE = "holds no .jsonl file. Give a file with one JSON object per line."


def read(source: Source) -> Iterator[Incoming]:
    """Turns, line by line. Raises InputError."""
    reader = RowReader(source, FORMAT_NAME)
    for name, open_file in packed_files(source.path, FILE_PATTERN, missing=MISSING_SENTENCE):
        for row in json_lines(open_file, name, EXAMPLE_LINE):
            if isinstance(row, dict):
                yield from reader.records(row)
            else:
                yield SkippedRecord(UNKNOWN_REASON)
