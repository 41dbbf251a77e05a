"""A document store whose documents are a bank's items, and its retriever by meaning."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.utils.filters import document_matches_filter

import memkit
from memkit.errors import ConflictError
from memkit_adapters.haystack.banks import StoredBank, closed, opened, saved, warmed
from memkit_adapters.haystack.fields import Filters, MetadataFields

KEY_PREFIX = "haystack:"  # begins the key of a document's item
VALUE_FIELD = "haystack"  # of the item's value; holds the document
ONLY_DOCUMENTS = {f"value.{VALUE_FIELD}": {"$exists": True}}
MAX_COMPARED_DOCUMENTS = 10_000  # that a search with filters ranks
PAGE_DOCUMENTS = 1_000  # that are read at once


class MemkitDocumentStore(MetadataFields):
    """Haystack's DocumentStore in a bank: documents come back as they were written, and are found by meaning.

    `index`: paths into a document ("content", "meta.title") that its retriever looks at, a vector for each. A write is
    all or nothing; without a policy an id that is there already is an error. Raises MemkitError.
    """

    def __init__(self, bank: memkit.Bank | StoredBank, index: Sequence[str] = ("content",)) -> None:
        self.bank, self.index = bank, list(index)
        self._lock = Lock()

    def to_dict(self) -> dict[str, Any]:
        """The bank's file and name, and the index. Raises InputError for a bank that is open."""
        return default_to_dict(self, bank=saved(self.bank).to_dict(), index=self.index)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "MemkitDocumentStore":
        """A store of a saved pipeline."""
        return default_from_dict(cls, data)

    def warm_up(self) -> None:
        """Load ahead what the first question needs."""
        warmed(self.bank)

    def close(self) -> None:
        """Close the file of a `StoredBank`; an open bank's store is its owner's."""
        closed(self.bank)

    # reading

    def count_documents(self) -> int:
        """Number of documents."""
        return sum(1 for _ in self._documents())

    def filter_documents(self, filters: Filters | None = None) -> list[Document]:
        """Documents that match, in the order in which they were first written. Raises FilterError."""
        return [each for each in self._documents() if not filters or document_matches_filter(filters, each)]

    def count_documents_by_filter(self, filters: Filters) -> int:
        """Number of documents that match. Raises FilterError."""
        return len(self.filter_documents(filters))

    def search(self, query: str, k: int, filters: Filters | None = None) -> list[Document]:
        """The k documents whose index is nearest to a text, with the cosine as their score. Raises FilterError."""
        hits = opened(self.bank).recall(
            query, k=MAX_COMPARED_DOCUMENTS if filters else k, kinds=["item"], by="cosine", where=ONLY_DOCUMENTS
        )
        documents = (replace(_document(hit.memory), score=hit.score) for hit in hits)
        return [each for each in documents if not filters or document_matches_filter(filters, each)][:k]

    def _documents(self) -> Iterator[Document]:
        bank, after = opened(self.bank), None
        while True:
            page = bank.list(kinds=["item"], where=ONLY_DOCUMENTS, after=after, limit=PAGE_DOCUMENTS)
            yield from map(_document, page)
            after = page.next
            if after is None:
                return

    # writing

    def write_documents(self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE) -> int:
        """Number of documents written, all in one transaction. Raises DuplicateDocumentError, and ValueError."""
        if not isinstance(documents, list) or not all(isinstance(each, Document) for each in documents):
            raise ValueError("write_documents: give a list of Haystack's Documents.")
        if policy == DuplicatePolicy.OVERWRITE:
            self._put({each.id: each for each in documents})
            return len(documents)
        while True:
            chosen = self._absent(documents, policy)
            with suppress(ConflictError):  # another writer came first with one of them
                self._put(chosen, expected=dict.fromkeys(map(_key, chosen)))
                return len(chosen)

    def _put(self, documents: dict[str, Document], **options: Any) -> None:
        opened(self.bank).put_many([self._fields(each) for each in documents.values()], **options)

    def _absent(self, documents: Sequence[Document], policy: DuplicatePolicy) -> dict[str, Document]:
        """Documents that aren't there yet, by id."""
        bank, chosen = opened(self.bank), dict[str, Document]()
        for each in documents:
            if each.id not in chosen and bank.get_item(_key(each.id)) is None:
                chosen[each.id] = each
            elif policy != DuplicatePolicy.SKIP:
                raise DuplicateDocumentError(f"write_documents: there is a document with the id {each.id!r} already.")
        return chosen

    def _fields(self, document: Document) -> Any:
        value = {VALUE_FIELD: document.to_dict(flatten=False)}
        return {
            "key": _key(document.id),
            "value": value,
            "index": [f"{VALUE_FIELD}.{path}" for path in self.index],
        }

    def delete_documents(self, document_ids: list[str]) -> None:
        """Remove documents for good; ids that aren't there are passed over."""
        opened(self.bank).put_many([], delete=[_key(each) for each in document_ids])

    def delete_all_documents(self) -> None:
        """Remove all documents for good; what else the bank holds stays."""
        self.delete_documents([each.id for each in self._documents()])

    def delete_by_filter(self, filters: Filters) -> int:
        """Number of documents that matched, and are gone for good. Raises FilterError."""
        with self._lock:
            chosen = self.filter_documents(filters)
            self.delete_documents([each.id for each in chosen])
        return len(chosen)

    def update_by_filter(self, filters: Filters, meta: dict[str, Any]) -> int:
        """Number of documents that matched, and have these metadata now beside their others. Raises FilterError."""
        with self._lock:
            chosen = [replace(each, meta={**each.meta, **meta}) for each in self.filter_documents(filters)]
            self._put({each.id: each for each in chosen})
        return len(chosen)

    # the same, awaited; the event loop is never blocked

    async def count_documents_async(self) -> int:
        """Number of documents."""
        return await asyncio.to_thread(self.count_documents)

    async def filter_documents_async(self, filters: Filters | None = None) -> list[Document]:
        """Documents that match."""
        return await asyncio.to_thread(self.filter_documents, filters)

    async def count_documents_by_filter_async(self, filters: Filters) -> int:
        """Number of documents that match."""
        return await asyncio.to_thread(self.count_documents_by_filter, filters)

    async def write_documents_async(
        self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """Number of documents written."""
        return await asyncio.to_thread(self.write_documents, documents, policy)

    async def delete_documents_async(self, document_ids: list[str]) -> None:
        """Remove documents for good."""
        await asyncio.to_thread(self.delete_documents, document_ids)

    async def delete_all_documents_async(self) -> None:
        """Remove all documents for good."""
        await asyncio.to_thread(self.delete_all_documents)

    async def delete_by_filter_async(self, filters: Filters) -> int:
        """Number of documents that matched, and are gone for good."""
        return await asyncio.to_thread(self.delete_by_filter, filters)

    async def update_by_filter_async(self, filters: Filters, meta: dict[str, Any]) -> int:
        """Number of documents that matched, and have these metadata now."""
        return await asyncio.to_thread(self.update_by_filter, filters, meta)


def _key(id: str) -> str:
    return f"{KEY_PREFIX}{id}"


def _document(memory: memkit.Memory) -> Document:
    return Document.from_dict(memkit.Item.of(memory).value[VALUE_FIELD])


@component
class MemkitDocumentRetriever:
    """Finds a store's documents by meaning, with memkit's own encoder: no embedder stands before it."""

    def __init__(self, document_store: MemkitDocumentStore, filters: Filters | None = None, top_k: int = 10) -> None:
        self.document_store, self.filters, self.top_k = document_store, filters, top_k

    def to_dict(self) -> dict[str, Any]:
        """The store and the options. Raises InputError for a bank that is open."""
        return default_to_dict(
            self, document_store=self.document_store.to_dict(), filters=self.filters, top_k=self.top_k
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "MemkitDocumentRetriever":
        """A component of a saved pipeline."""
        return default_from_dict(cls, data)

    def warm_up(self) -> None:
        """Load ahead what the first question needs."""
        self.document_store.warm_up()

    def close(self) -> None:
        """Close the file of a `StoredBank`."""
        self.document_store.close()

    @component.output_types(documents=list[Document])
    def run(self, query: str, filters: Filters | None = None, top_k: int | None = None) -> dict[str, list[Document]]:
        """Documents, best first; what is given here stands in the place of the component's own options."""
        return {"documents": self.document_store.search(query, top_k or self.top_k, filters or self.filters)}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, filters: Filters | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """The same, awaited."""
        return await asyncio.to_thread(self.run, query, filters, top_k)
