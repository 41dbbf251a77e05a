"""Conversations of Pydantic AI in a bank: records and messages as items, saved by comparing and swapping revisions."""

import asyncio
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai import ModelMessagesTypeAdapter
from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationEntry,
    ConversationRecord,
    ConversationStore,
)

import memkit
from memkit.errors import ConflictError

KEY_PREFIX = "pydantic_ai/"  # of all items
PAGE_ITEMS = 1_000  # that are read at once
RECORD_ADAPTER: TypeAdapter[ConversationRecord] = TypeAdapter(ConversationRecord)


class MemkitConversationStore(ConversationStore):
    """Pydantic AI's ConversationStore on a bank: conversations that are there after a restart, shared by processes.

    A save is one transaction, and of two that began alike the second is a ConversationConflict. Deleting a
    conversation deletes its messages, but for those that forks of it reach. What fails here raises: a conversation
    that couldn't be stored is not passed over.
    """

    def __init__(self, bank: memkit.Bank) -> None:
        self._bank = bank

    async def read_record(self, conversation_id: str) -> ConversationRecord | None:
        """The record of a conversation."""
        item = await self._bank.aio.get_item(record_key(conversation_id))
        return None if item is None else record_of(item)

    async def read_records(self, *, scope: str | None = None, limit: int | None = None) -> Sequence[ConversationRecord]:
        """All records, or those of a scope, the last saved first."""
        wanted = {"kind": "record"} if scope is None else {"kind": "record", "scope": scope}
        records = [record_of(item) for item in await asyncio.to_thread(self._items, wanted)]
        return sorted(records, key=lambda record: record.updated_at, reverse=True)[:limit]

    async def write_record(
        self,
        record: ConversationRecord,
        *,
        new_entries: Sequence[ConversationEntry] = (),
        expected_revision: str | None,
    ) -> None:
        """Store a record and its new entries, all or none. Raises ConversationConflict."""
        await asyncio.to_thread(self._write, record, new_entries, expected_revision)

    async def delete_record(self, conversation_id: str, *, expected_revision: str) -> None:
        """Delete a record, and the entries that no fork reaches. Raises ConversationConflict."""
        while not await asyncio.to_thread(self._delete, conversation_id, expected_revision):
            pass

    async def read_entry(self, entry_id: str) -> ConversationEntry:
        """The entry with this id. Raises KeyError."""
        return await asyncio.to_thread(self._entry, entry_id)

    async def read_history(self, head_id: str | None, *, limit: int | None = None) -> list[ConversationEntry]:
        """The entries from the first one up to `head_id`, in order, or the last `limit` of them. Raises KeyError."""
        return await asyncio.to_thread(self._history, head_id, limit)

    def _entry(self, id: str) -> ConversationEntry:
        item = self._bank.get_item(entry_key(id))
        if item is None:
            raise KeyError(id)
        return entry_of(id, item)

    def _history(self, head_id: str | None, limit: int | None) -> list[ConversationEntry]:
        entries: list[ConversationEntry] = []
        items = {} if head_id is None or limit is not None else self._family_of(head_id)
        while head_id is not None and (limit is None or len(entries) < limit):
            item = items.get(entry_key(head_id))
            entries.append(self._entry(head_id) if item is None else entry_of(head_id, item))
            head_id = entries[-1].parent_id
        return entries[::-1]

    def _family_of(self, id: str) -> dict[str, memkit.Item]:
        """Items of an entry's family by their keys, read in pages: a whole history is there at once."""
        item = self._bank.get_item(entry_key(id))
        return {} if item is None else {each.key: each for each in self._items({"family": item.value["family"]})}

    def _write(
        self, record: ConversationRecord, entries: Sequence[ConversationEntry], expected_revision: str | None
    ) -> None:
        stored = self._current(record.conversation_id, expected_revision)
        is_new_head = record.head_id is None or record.head_id in {entry.id for entry in entries}
        head = None if is_new_head else self._bank.get_item(entry_key(str(record.head_id)))
        if not is_new_head and head is None:
            raise ConversationConflict(record.conversation_id)
        origin = stored or head
        family = record.conversation_id if origin is None else origin.value["family"]
        puts = [record_item(record, family), *(entry_item(entry, family) for entry in entries)]
        expected = {record_key(record.conversation_id): None if stored is None else stored.updated_at}
        if head is not None:
            expected[head.key] = head.updated_at
        if stored is None:
            puts.append(family_item(family))
        self._put(record.conversation_id, puts, [], expected)

    def _delete(self, conversation_id: str, expected_revision: str) -> bool:
        """Whether it is done; not where a fork was made meanwhile."""
        stored = self._current(conversation_id, expected_revision)
        if stored is None:
            raise ConversationConflict(conversation_id)
        family = stored.value["family"]
        mark = self._bank.get_item(family_key(family))
        items = {item.key: item for item in self._items({"family": family})}
        rest = [record_of(item) for key, item in items.items() if is_record(item) and key != stored.key]
        reachable = entry_keys(rest, items)
        gone = [key for key, item in items.items() if not is_record(item) and key not in reachable]
        empty = [] if rest else [family_key(family)]
        expected = {stored.key: stored.updated_at, family_key(family): None if mark is None else mark.updated_at}
        try:
            self._bank.put_many([family_item(family)], delete=[stored.key, *gone, *empty], expected=expected)
        except ConflictError:
            return False
        return True

    def _current(self, conversation_id: str, expected_revision: str | None) -> memkit.Item | None:
        """The stored record's item. Raises ConversationConflict where its revision is another one."""
        item = self._bank.get_item(record_key(conversation_id))
        if (None if item is None else record_of(item).revision) != expected_revision:
            raise ConversationConflict(conversation_id)
        return item

    def _put(self, conversation_id: str, puts: Sequence[Any], delete: Sequence[str], expected: dict[str, Any]) -> None:
        try:
            self._bank.put_many(puts, delete=delete, expected=expected)
        except ConflictError:
            raise ConversationConflict(conversation_id) from None

    def _items(self, wanted: dict[str, str]) -> list[memkit.Item]:
        where, items, after = {f"value.{name}": value for name, value in wanted.items()}, list[memkit.Item](), None
        while True:
            page = self._bank.list(kinds=["item"], where=where, after=after, limit=PAGE_ITEMS)
            items += map(memkit.Item.of, page)
            after = page.next
            if after is None:
                return [item for item in items if item.key.startswith(KEY_PREFIX)]


def record_key(conversation_id: str) -> str:
    """The key of a conversation's record."""
    return f"{KEY_PREFIX}record/{conversation_id}"


def entry_key(id: str) -> str:
    """The key of an entry."""
    return f"{KEY_PREFIX}entry/{id}"


def family_key(family: str) -> str:
    """The key of a family's mark; a conversation, its forks and theirs are one, and share entries."""
    return f"{KEY_PREFIX}family/{family}"


def item_fields(key: str, value: Any) -> Any:
    """An item that is put without an index."""
    return {"key": key, "value": value, "index": False}


def family_item(family: str) -> Any:
    """The mark of a family, put anew: it tells a deletion that a fork was made, or another one deleted, meanwhile."""
    return item_fields(family_key(family), {"kind": "family"})


def record_item(record: ConversationRecord, family: str) -> Any:
    """The item of a record."""
    text = RECORD_ADAPTER.dump_json(record).decode()
    value = {"kind": "record", "family": family, "scope": record.scope, "record": text}
    return item_fields(record_key(record.conversation_id), value)


def entry_item(entry: ConversationEntry, family: str) -> Any:
    """The item of an entry, its message as the JSON text that Pydantic AI writes."""
    text = ModelMessagesTypeAdapter.dump_json([entry.message]).decode()
    value = {"kind": "entry", "family": family, "parent": entry.parent_id, "message": text}
    return item_fields(entry_key(entry.id), value)


def record_of(item: memkit.Item) -> ConversationRecord:
    """The record that an item holds."""
    return RECORD_ADAPTER.validate_json(item.value["record"])


def entry_of(id: str, item: memkit.Item) -> ConversationEntry:
    """The entry that an item holds."""
    [message] = ModelMessagesTypeAdapter.validate_json(item.value["message"])
    return ConversationEntry(id=id, parent_id=item.value["parent"], message=message)


def is_record(item: memkit.Item) -> bool:
    """Whether an item is a record, and no entry."""
    return bool(item.value["kind"] == "record")


def entry_keys(records: Sequence[ConversationRecord], items: dict[str, memkit.Item]) -> set[str]:
    """Keys of the entries that histories and branches of records reach."""
    keys: set[str] = set()
    for end in [id for record in records for id in (record.head_id, *record.branches)]:
        id = end
        while id is not None and entry_key(id) not in keys:
            keys.add(entry_key(id))
            id = items[entry_key(id)].value["parent"]
    return keys
