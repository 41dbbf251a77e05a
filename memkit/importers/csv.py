"""CSV: a table with a head, one turn a row; commas, semicolons, tabs or bars between its cells."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import TextIO

from memkit.errors import InputError
from memkit.importers.files import packed_files, readable
from memkit.importers.records import Incoming, SkippedRecord, Source
from memkit.importers.rows import SPEAKER_NAMES, TEXT_NAMES, RowReader
from memkit.models import MAX_TEXT_CHARS

FORMAT_NAME = "csv"
FILE_PATTERN = re.compile(r"\.(csv|tsv)$")
DELIMITER_CHOICES = ",;\t|"
MAX_CELL_CHARS = 4 * MAX_TEXT_CHARS
MISSING_SENTENCE = "holds no .csv file."
RAGGED_REASON = "a row with more cells than the head"


def read(source: Source) -> Iterator[Incoming]:
    """Turns, row by row. Raises InputError for a table without a column for the text or for who said it."""
    reader = RowReader(source, FORMAT_NAME)
    csv.field_size_limit(MAX_CELL_CHARS)
    for name, open_file in packed_files(source.path, FILE_PATTERN, missing=MISSING_SENTENCE):
        with readable(name), io.TextIOWrapper(open_file(), encoding="utf-8-sig", newline="") as text:
            yield from _rows(reader, text, name)


def _rows(reader: RowReader, text: TextIO, name: str) -> Iterator[Incoming]:
    head = text.readline()
    delimiter = max(DELIMITER_CHOICES, key=head.count)
    rows = csv.DictReader(text, fieldnames=_columns(head, delimiter, name), delimiter=delimiter)
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            raise InputError(f"{name}, line {rows.line_num}: is no row of a table, or holds a cell too long.") from None
        if row is None:
            return
        if any(column is None for column in row):
            yield SkippedRecord(RAGGED_REASON)
        else:
            yield from reader.records({column: cell for column, cell in row.items() if cell is not None})


def _columns(head: str, delimiter: str, name: str) -> Sequence[str]:
    """Names of the columns as rows have them. Raises InputError where none is the text, or none says who spoke."""
    columns = [column.strip().casefold() for column in next(csv.reader([head], delimiter=delimiter), [])]
    for wanted, names in (("what was said", TEXT_NAMES), ("who said it", (*SPEAKER_NAMES, "role"))):
        if not set(names) & set(columns):
            raise InputError(f"{name}: no column tells {wanted}. Name one of its columns {', '.join(names)}.")
    return columns
