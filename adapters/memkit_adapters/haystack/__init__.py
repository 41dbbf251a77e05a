"""memkit in Haystack: a document store with its retriever, and a memory of conversations for pipelines.

    from memkit_adapters.haystack import MemkitDocumentStore, MemkitDocumentRetriever

    documents = MemkitDocumentStore(store.bank("acme", "handbook"))
    pipeline.add_component("retriever", MemkitDocumentRetriever(documents))      # by meaning; no embedder is needed

What people say is observed by `MemkitMemoryWriter` and recalled by `MemkitMemoryRetriever`.
"""

try:
    import haystack  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError("memkit_adapters.haystack needs Haystack: pip install 'memkit-agents[haystack]'") from error

from memkit_adapters.haystack.banks import StoredBank
from memkit_adapters.haystack.conversations import MemkitMemoryRetriever, MemkitMemoryWriter
from memkit_adapters.haystack.documents import MemkitDocumentRetriever, MemkitDocumentStore

__all__ = [
    "MemkitDocumentRetriever",
    "MemkitDocumentStore",
    "MemkitMemoryRetriever",
    "MemkitMemoryWriter",
    "StoredBank",
]
