"""Questions about the metadata fields of documents, as Haystack's stores answer them."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any

from haystack import Document

Filters = dict[str, Any]
TYPE_NAMES: tuple[tuple[type, str], ...] = ((bool, "boolean"), (int, "int"), (float, "float"))
OTHER_TYPE_NAME = "keyword"


class MetadataFields:
    """Answers of a store, from what its `filter_documents` gives. A field may be named "meta.x" or "x"."""

    def filter_documents(self, filters: Filters | None = None) -> list[Document]:
        """Documents that match."""
        raise NotImplementedError

    def get_metadata_fields_info(self) -> dict[str, dict[str, str]]:
        """Type of each field: boolean, int, float, or keyword; of a field with several that of the last document."""
        named = (pair for document in self.filter_documents() for pair in document.meta.items())
        return {name: {"type": _type_name(value)} for name, value in named if value is not None}

    def get_metadata_field_min_max(self, metadata_field: str) -> dict[str, Any]:
        """Least and greatest value of a field, under "min" and "max"; None where there are none that compare."""
        values = [
            each for each in _values(self.filter_documents(), metadata_field) if isinstance(each, int | float | str)
        ]
        if len({isinstance(each, str) for each in values}) != 1:
            return {"min": None, "max": None}
        return {"min": min(values), "max": max(values)}

    def get_metadata_field_unique_values(
        self, metadata_field: str, search_term: str | None = None, from_: int = 0, size: int = 10,
        filters: Filters | None = None,
    ) -> tuple[list[Any], int]:  # fmt: skip
        """A page of a field's different values, in order, and how many there are; `search_term`: a part of each."""
        values = _distinct(_values(self.filter_documents(filters), metadata_field))
        fitting = [each for each in values if (search_term or "").lower() in str(each).lower()]
        return fitting[from_ : from_ + size], len(fitting)

    def count_unique_metadata_by_filter(self, filters: Filters, metadata_fields: list[str]) -> dict[str, int]:
        """Number of different values of each field among the documents that match."""
        documents = self.filter_documents(filters)
        return {_bare(field): len(_distinct(_values(documents, field))) for field in metadata_fields}

    async def get_metadata_fields_info_async(self) -> dict[str, dict[str, str]]:
        """Type of each field."""
        return await asyncio.to_thread(self.get_metadata_fields_info)

    async def get_metadata_field_min_max_async(self, metadata_field: str) -> dict[str, Any]:
        """Least and greatest value of a field."""
        return await asyncio.to_thread(self.get_metadata_field_min_max, metadata_field)

    async def get_metadata_field_unique_values_async(
        self, metadata_field: str, search_term: str | None = None, from_: int = 0, size: int = 10,
        filters: Filters | None = None,
    ) -> tuple[list[Any], int]:  # fmt: skip
        """A page of a field's different values, and how many there are."""
        options = (metadata_field, search_term, from_, size, filters)
        return await asyncio.to_thread(self.get_metadata_field_unique_values, *options)

    async def count_unique_metadata_by_filter_async(
        self, filters: Filters, metadata_fields: list[str]
    ) -> dict[str, int]:
        """Number of different values of each field."""
        return await asyncio.to_thread(self.count_unique_metadata_by_filter, filters, metadata_fields)


def _bare(field: str) -> str:
    return field.removeprefix("meta.")


def _values(documents: Sequence[Document], field: str) -> list[Any]:
    values = (document.meta.get(_bare(field)) for document in documents)
    return [value for value in values if value is not None]


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Different values, in order of their text; 1, 1.0, "1" and True are four."""
    by_json = {(type(value).__name__, json.dumps(value, sort_keys=True)): value for value in values}
    return [by_json[key] for key in sorted(by_json, key=lambda key: (str(by_json[key]), key[0]))]


def _type_name(value: Any) -> str:
    return next((name for kind, name in TYPE_NAMES if isinstance(value, kind)), OTHER_TYPE_NAME)
