"""memkit as LangGraph's long-term store: what InMemoryStore does, and it is there after a restart.

    from memkit_adapters.langgraph import MemkitStore

    graph = builder.compile(store=MemkitStore(memkit.open("memory.db"), index={"fields": ["text"]}))

A namespace is a bank of its name, and an item is a value in it; what people said in the same bank lies beside it.
"""

import asyncio
import heapq
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import ge, gt, le, lt
from typing import Any, Self

import numpy as np
from langchain_core.embeddings import Embeddings

import memkit
from memkit.banks import Store
from memkit.errors import EncoderError, InputError
from memkit.models import Memory

try:
    from langgraph.store.base import (
        BaseStore,
        GetOp,
        IndexConfig,
        Item,
        ListNamespacesOp,
        MatchCondition,
        Op,
        PutOp,
        Result,
        SearchItem,
        SearchOp,
        TTLConfig,
        ensure_embeddings,
        validate_op_namespace,
    )
except ModuleNotFoundError as error:
    raise ImportError("memkit_adapters.langgraph needs LangGraph: pip install 'memkit-agents[langgraph]'") from error

Namespace = tuple[str, ...]
MAX_COMPARED_ITEMS = 10_000  # of a namespace, that a search ranks
PAGE_ITEMS = 1_000  # that are read at once
SWEEP_BUDGET_S = 60.0
SWEEP_MINUTES = 5.0
MIN_NORM = 1e-9  # of a vector that is no zero
COMPARISON_FUNCTIONS: dict[str, Callable[[Any, Any], bool]] = {"$gt": gt, "$gte": ge, "$lt": lt, "$lte": le}


class MemkitStore(BaseStore):
    """LangGraph's BaseStore on a memkit store.

    `index`: `fields` are the paths of values that `search(query=...)` looks at, by default the whole value; without
    it there is no search by meaning. Texts are encoded by memkit's encoder: to give `embed`, open the store with
    `from_conn_string`. `ttl`: as LangGraph documents it; what has expired is gone at once.

    A batch's reads see what was there before its writes; the writes of one namespace are one transaction.
    """

    supports_ttl = True

    def __init__(
        self, store: Store, *, index: IndexConfig | Mapping[str, Any] | None = None,
        ttl: TTLConfig | None = None,
    ) -> None:  # fmt: skip
        if index and "embed" in index:
            raise InputError(
                "MemkitStore: texts are encoded by the memkit store's own encoder. Give it there, "
                "memkit.open(path, encoder=embeddings), or use MemkitStore.from_conn_string(path, index=...)."
            )
        self._store, self.ttl_config = store, ttl
        self._fields = None if index is None else list(index.get("fields") or ["$"])
        self._encoder: EmbedEncoder | None = None
        self._sweeper: Any = None

    @classmethod
    @contextmanager
    def from_conn_string(
        cls, path: str, *, index: IndexConfig | None = None, ttl: TTLConfig | None = None, **options: Any
    ) -> Iterator[Self]:
        """A store in a file of memkit's own, whose encoder is the index's `embed`; `options`: of `memkit.open`."""
        if index is None:
            with memkit.open(path, **options) as store:
                yield cls(store, ttl=ttl)
            return
        encoder = EmbedEncoder(ensure_embeddings(index["embed"]), index["dims"])
        plain = {name: value for name, value in index.items() if name != "embed"}
        with memkit.open(path, encoder=encoder, **options) as store:
            opened = cls(store, index=plain, ttl=ttl)
            opened._encoder = encoder
            yield opened

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Results in the order of the operations. Raises InvalidNamespaceError, and InputError for what is no JSON."""
        every = list(ops)
        for op in every:
            validate_op_namespace(op)
        results = [self._read(op) for op in every]
        self._write([_as_json(op) for op in every if isinstance(op, PutOp)])
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """The same, beside the event loop."""
        return await asyncio.to_thread(self.batch, list(ops))

    def sweep_ttl(self) -> int:
        """Remove what has expired; gives back how many items that were."""
        return self._store.maintain(SWEEP_BUDGET_S).swept

    def start_ttl_sweeper(self, sweep_interval_minutes: float | None = None) -> None:
        """Sweep now and then in a thread, until `stop_ttl_sweeper`."""
        minutes = sweep_interval_minutes or (self.ttl_config or {}).get("sweep_interval_minutes") or SWEEP_MINUTES
        if self._sweeper is None:
            self._sweeper = self._store.background(every_s=60 * minutes)
            self._sweeper.__enter__()

    def stop_ttl_sweeper(self, timeout: float | None = None) -> bool:
        """End the thread; True where there is none any more."""
        sweeper, self._sweeper = self._sweeper, None
        if sweeper is not None:
            sweeper.__exit__(None, None, None)
        return True

    # reading

    def _read(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            return self._get(op)
        if isinstance(op, SearchOp):
            return self._search(op)
        if isinstance(op, ListNamespacesOp):
            return self._namespaces(op)
        if isinstance(op, PutOp):
            return None
        raise ValueError(f"Unknown operation type: {type(op).__name__}")

    def _get(self, op: GetOp) -> Item | None:
        if not op.namespace:
            return None
        item = self._store.bank(*op.namespace).get_item(op.key, refresh=op.refresh_ttl)
        if item is None:
            return None
        return Item(
            value=item.value, key=op.key, namespace=op.namespace,
            created_at=item.created_at, updated_at=item.updated_at,
        )  # fmt: skip

    def _search(self, op: SearchOp) -> list[SearchItem]:
        names = self._store.banks(op.namespace_prefix, with_items=True)
        is_ranked = bool(op.query) and self._fields is not None
        every = self._ranked(names, op.query or "") if is_ranked else self._newest(names)
        chosen = (item for item in every if op.filter is None or matches(item.value, op.filter))
        results = list(islice(chosen, op.offset, op.offset + op.limit))
        for item in results if op.refresh_ttl else ():
            self._store.bank(*item.namespace).get_item(item.key, refresh=True)
        return results

    def _ranked(self, names: Sequence[Namespace], query: str) -> Iterator[SearchItem]:
        """Items with a vector, the nearest first."""
        if not names:
            return
        hits = self._store.recall(
            query, banks=names, k=MAX_COMPARED_ITEMS, kinds=["item"], by="cosine", reinforce=False
        )
        for hit in hits:
            yield _search_item(hit.bank, hit.memory, hit.score)

    def _newest(self, names: Sequence[Namespace]) -> Iterator[SearchItem]:
        """All items, the last changed first."""
        streams = [self._items(name) for name in names]
        yield from heapq.merge(*streams, key=lambda item: item.updated_at, reverse=True)

    def _items(self, name: Namespace) -> Iterator[SearchItem]:
        bank, after = self._store.bank(*name), None
        while True:
            page = bank.list(kinds=["item"], after=after, limit=PAGE_ITEMS, order="-occurred_at")
            yield from (_search_item(name, memory, None) for memory in page)
            after = page.next
            if after is None:
                return

    def _namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        names = self._store.banks(with_items=True)
        fitting = [name for name in names if all(_fits(name, each) for each in op.match_conditions or ())]
        cut = sorted({name[: op.max_depth] for name in fitting})
        return cut[op.offset : op.offset + op.limit]

    # writing

    def _write(self, puts: Sequence[PutOp]) -> None:
        last = {(put.namespace, put.key): put for put in puts}
        by_namespace: dict[Namespace, list[PutOp]] = defaultdict(list)
        for put in last.values():
            by_namespace[put.namespace].append(put)
        for namespace, own in by_namespace.items():
            new = [self._fields_of(put) for put in own if put.value is not None]
            deleted = [put.key for put in own if put.value is None]
            try:
                self._store.bank(*namespace).put_many(new, delete=deleted, encoded=True)
            except EncoderError as error:
                raise (self._encoder and self._encoder.failure) or error from None

    def _fields_of(self, put: PutOp) -> Any:
        index = False if self._fields is None or put.index is False else put.index or self._fields
        return {"key": put.key, "value": put.value, "index": index, "ttl": put.ttl}


class EmbedEncoder:
    """An index's `embed` as memkit's encoder; rows have unit norm."""

    def __init__(self, embeddings: Embeddings, dimension: int) -> None:
        self.dimension, self.name = dimension, f"{type(embeddings).__name__}-{dimension}"
        self._embeddings = embeddings
        self.failure: Exception | None = None  # of its last call that failed

    def encode(self, texts: list[str]) -> Any:
        """Rows, float32, shape (len(texts), dimension). Raises what the `embed` raises, and keeps it."""
        try:
            rows = np.array(self._embeddings.embed_documents(texts), dtype=np.float32)
        except Exception as error:
            self.failure = error
            raise
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), MIN_NORM)


def _as_json(put: PutOp) -> PutOp:
    """The same with the value as JSON has it: lists for tuples. Raises TypeError for what is none."""
    return put if put.value is None else put._replace(value=json.loads(json.dumps(dict(put.value))))


def _search_item(namespace: Namespace, memory: Memory, score: float | None) -> SearchItem:
    item = memkit.Item.of(memory)
    return SearchItem(namespace, item.key, item.value, item.created_at, item.updated_at, score)


def _fits(name: Namespace, condition: MatchCondition) -> bool:
    """Whether a namespace begins, or ends, with a path; "*" is any one label."""
    path = condition.path
    part = name[: len(path)] if condition.match_type == "prefix" else name[len(name) - len(path) :]
    return len(name) >= len(path) and all(wanted in ("*", label) for wanted, label in zip(path, part, strict=True))


def matches(value: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a value has what a filter asks for, all of it. Raises ValueError for an unknown operator.

    A name with dots is the field of that name, or else the path. What a field doesn't hold equals None, differs from
    everything else and is neither greater nor less.
    """
    return all(_holds(_at(value, name), condition) for name, condition in wanted.items())


def _at(value: Mapping[str, Any], name: str) -> Any:
    if name in value:
        return value[name]
    head, _, rest = name.partition(".")
    below = value.get(head)
    return _at(below, rest) if rest and isinstance(below, Mapping) else None


def _holds(held: Any, condition: Any) -> bool:
    if not isinstance(condition, Mapping):
        return bool(held == condition)
    if condition and all(str(name).startswith("$") for name in condition):
        return all(_compared(held, operator, bound) for operator, bound in condition.items())
    return isinstance(held, Mapping) and matches(held, condition)


def _compared(held: Any, operator: str, bound: Any) -> bool:
    if operator in ("$eq", "$ne"):
        return bool((held == bound) == (operator == "$eq"))
    if operator not in COMPARISON_FUNCTIONS:
        raise ValueError(f"Unsupported operator: {operator}")
    if isinstance(held, str) and isinstance(bound, str):
        return COMPARISON_FUNCTIONS[operator](held, bound)
    left, right = _as_number(held), _as_number(bound)
    return left is not None and right is not None and COMPARISON_FUNCTIONS[operator](left, right)


def _as_number(value: Any) -> int | float | None:
    if isinstance(value, int | float):
        return value
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None
