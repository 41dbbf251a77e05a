"""memkit in the OpenAI Agents SDK: a session that is there after a restart, and memory beyond it.

    from memkit_adapters.openai_agents import MemkitSession

    session = MemkitSession(store.bank("acme", "ana"), "chat 7")
    await Runner.run(agent, "No nuts for me.", session=session, run_config=session.run_config())

The session gives items back as they came. What people and the agent said in them is observed beside them, so that
other sessions of the same bank can recall it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

import memkit
from memkit.errors import InputError, MemkitError
from memkit.models import Memory
from memkit_adapters.sparing import log, spared

try:
    from agents import RunConfig, RunContextWrapper, TResponseInputItem
    from agents.memory import SessionSettings
    from agents.run_config import CallModelData, ModelInputData
except ModuleNotFoundError as error:
    raise ImportError(
        "memkit_adapters.openai_agents needs OpenAI Agents: pip install 'memkit-agents[openai-agents]'"
    ) from error

BankOf = Callable[[Any], memkit.Bank]
T = TypeVar("T")
SESSION_FIELD = "openai_agents_session"  # of an item's value: whose it is
SAYING_ROLES = ("user", "assistant")
KEY_PREFIX = "openai_agents:"  # of an item; the id of its turn follows
PAGE_ITEMS = 1_000  # that are read at once


class _KeyedItem(NamedTuple):
    """An item with the id that its turn has, and its key: what is stored again is then no double."""

    key: str
    item: TResponseInputItem


class MemkitSession:
    """A session of the Agents SDK in a bank: its items exactly as given, what they say observed beside them.

    `bank`: one bank, or a function from the run's context (None where there is none) to the bank of whoever is there.
    `speaker`: the person's name. `k` and `max_tokens` bound what `recall_into` shows the model. An item names the turn
    that was observed for it as its source: `pop_item`, `clear_session` and `bank.erase` remove both for good.

    Where the bank can't be read or written, the run goes on: what couldn't be stored is kept by this object, and is
    stored with the next items. Raises InputError for items that are no JSON, MemkitError where nothing can be removed.
    """

    def __init__(
        self, bank: memkit.Bank | BankOf, session_id: str, *, speaker: str = "user", k: int = 10,
        max_tokens: int = 1000, session_settings: SessionSettings | None = None,
    ) -> None:  # fmt: skip
        self.session_id, self.session_settings = session_id, session_settings
        self._bank_of: BankOf = bank if callable(bank) else lambda context: bank
        self._speaker, self._k, self._max_tokens = speaker, k, max_tokens
        self._unsaved: list[_KeyedItem] = []
        self._recalled = ("", "")  # the last question, and the block for it
        self._lock = Lock()

    def run_config(self, **options: Any) -> RunConfig:
        """A run's configuration whose model calls are shown what was recalled; `options`: further ones of RunConfig."""
        return RunConfig(call_model_input_filter=self.recall_into, **options)

    # the session

    async def get_items(
        self, limit: int | None = None, *, wrapper: RunContextWrapper[Any] | None = None
    ) -> list[TResponseInputItem]:
        """The newest items, oldest first; all of them where neither `limit` nor the session's settings say how many."""
        if limit is None and self.session_settings is not None:
            limit = self.session_settings.limit
        return await self._beside(self._read, self._bank(wrapper), limit)

    async def add_items(
        self, items: list[TResponseInputItem], *, wrapper: RunContextWrapper[Any] | None = None
    ) -> None:
        """Store items as the newest, and observe what they say. Raises InputError for what is no JSON."""
        await self._beside(self._add, self._bank(wrapper), list(items))

    async def pop_item(self, *, wrapper: RunContextWrapper[Any] | None = None) -> TResponseInputItem | None:
        """Remove the newest item, with the turn that was observed for it, and give it back; None where none is left."""
        return await self._beside(self._pop, self._bank(wrapper))

    async def clear_session(self, *, wrapper: RunContextWrapper[Any] | None = None) -> None:
        """Remove all items, with what was observed for them."""
        await self._beside(self._clear, self._bank(wrapper))

    def _bank(self, wrapper: RunContextWrapper[Any] | None) -> memkit.Bank:
        return self._bank_of(None if wrapper is None else wrapper.context)

    async def _beside(self, action: Callable[..., T], *arguments: Any) -> T:
        """Run an action beside the event loop, whole even where it is cancelled, and one at a time."""

        def run() -> T:
            with self._lock:
                return action(*arguments)

        return await asyncio.to_thread(run)

    def _read(self, bank: memkit.Bank, limit: int | None) -> list[TResponseInputItem]:
        stored: list[Memory] = []
        with spared("reading the session"):
            stored = self._stored(bank, limit)
        unsaved = [each.item for each in self._unsaved]
        items = [*(memory.metadata["value"]["item"] for memory in stored), *unsaved]
        return items if limit is None else items[-limit:] if limit > 0 else []

    def _stored(self, bank: memkit.Bank, limit: int | None) -> list[Memory]:
        """Memories of the newest items, oldest first."""
        memories: list[Memory] = []
        after, where = None, {f"value.{SESSION_FIELD}": self.session_id}
        while limit is None or len(memories) < limit:
            size = PAGE_ITEMS if limit is None else min(PAGE_ITEMS, limit - len(memories))
            page = bank.list(kinds=["item"], where=where, after=after, limit=size, order="-recorded_at")
            memories += page
            after = page.next
            if after is None:
                break
        return memories[::-1]

    def _add(self, bank: memkit.Bank, items: list[TResponseInputItem]) -> None:
        due = [*self._unsaved, *(_KeyedItem(uuid4().hex, item) for item in items)]
        try:
            self._store(bank, due)
            self._unsaved = []
        except InputError:
            raise
        except MemkitError as error:
            self._unsaved = due
            log.warning("memkit: storing the session failed%s, it is kept for later: %s", _named(items), error)

    def _store(self, bank: memkit.Bank, due: Sequence[_KeyedItem]) -> None:
        observed = self._observe(bank, [each for each in due if _is_said(each.item)])
        bank.put_many(
            {
                "key": f"{KEY_PREFIX}{key}",
                "value": {SESSION_FIELD: self.session_id, "item": item},
                "index": False,
                "sources": [key] if key in observed else [],
            }
            for key, item in due
        )

    def _observe(self, bank: memkit.Bank, said: Sequence[_KeyedItem]) -> set[str]:
        """Observe what items say, each as a turn with its key as the id; gives the ids of those that are stored."""
        if not said:
            return set()
        with spared("observe", _ids([each.item for each in said])):
            receipt = bank.observe([{**self._as_turn(item), "id": key} for key, item in said])
            return {outcome.id for outcome in receipt.outcomes if outcome.id and outcome.action != "rejected"}
        return set()

    def _as_turn(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """An item as `bank.observe` takes it."""
        speaker = self._speaker if item["role"] == "user" else item["role"]
        return {"role": item["role"], "speaker": speaker, "content": item["content"], "session": self.session_id}

    def _pop(self, bank: memkit.Bank) -> TResponseInputItem | None:
        if self._unsaved:
            return self._unsaved.pop().item
        newest = self._stored(bank, 1)
        self._remove(bank, newest)
        return newest[0].metadata["value"]["item"] if newest else None

    def _clear(self, bank: memkit.Bank) -> None:
        self._unsaved = []
        self._remove(bank, self._stored(bank, None))

    def _remove(self, bank: memkit.Bank, memories: Sequence[Memory]) -> None:
        turns = [id for memory in memories for id in memory.sources]
        if turns:
            bank.erase(ids=turns)
        if memories:
            bank.put_many([], delete=[memkit.Item.of(memory).key for memory in memories])

    # recall

    async def recall_into(self, data: CallModelData[Any]) -> ModelInputData:
        """A model call's input, with what was recalled for the person's last words after its instructions.

        It is `RunConfig.call_model_input_filter`: the model is shown it, nobody stores it. What the input holds is left
        out. The calls of one run, between which tools answer, are shown the same.
        """
        given = data.model_data
        block = ""
        with spared("recall"):
            block = await self._block(self._bank_of(data.context), [item for item in given.input if _is_said(item)])
        if not block:
            return given
        return replace(given, instructions="\n\n".join(filter(None, (given.instructions, block))))

    async def _block(self, bank: memkit.Bank, items: Sequence[TResponseInputItem]) -> str:
        said = bank.read([self._as_turn(item) for item in items])
        question = next((turn.text for turn in reversed(said) if turn.role == "user"), "")
        is_asked_now = bool(said) and said[-1].role == "user"
        if not is_asked_now and question == self._recalled[0]:
            return self._recalled[1]
        return await self._recall(bank, question, said)

    async def _recall(self, bank: memkit.Bank, question: str, said: Sequence[memkit.Turn]) -> str:
        if not question.strip():
            return ""
        hits = await bank.aio.recall(question, k=self._k, without=said)
        block = await asyncio.to_thread(hits.prompt, max_tokens=self._max_tokens)
        self._recalled = (question, block)
        return block


def _is_said(item: Any) -> bool:
    """Whether an item is what a person or the agent said."""
    return isinstance(item, Mapping) and item.get("role") in SAYING_ROLES and bool(item.get("content"))


def _ids(items: Sequence[Any]) -> list[str]:
    """Ids of items, of those that have one."""
    return [str(item["id"]) for item in items if isinstance(item, Mapping) and item.get("id")]


def _named(items: Sequence[Any]) -> str:
    ids = _ids(items)
    return f" (items {', '.join(ids)})" if ids else ""
