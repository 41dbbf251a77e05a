"""memkit in Microsoft's Agent Framework: a context provider that recalls and observes, and a history that stays.

    from memkit_adapters.agent_framework import MemkitContextProvider, MemkitHistoryProvider

    ana = store.bank("acme", "ana")
    agent = Agent(client, context_providers=[MemkitHistoryProvider(ana), MemkitContextProvider(ana)])

Each goes without the other; together in one bank they remember each message once.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

import memkit
from memkit.errors import ConflictError
from memkit_adapters.sparing import spared

try:
    from agent_framework import Content, ContextProvider, HistoryProvider, Message, SessionContext
except ModuleNotFoundError as error:
    raise ImportError(
        "memkit_adapters.agent_framework needs Agent Framework: pip install 'memkit-agents[agent-framework]'"
    ) from error

Context = Mapping[str, Any]
BankOf = Callable[[Context], memkit.Bank]
SAID_ROLES = frozenset({"user", "assistant", "tool"})
TURN_ID_KEY = "memkit_turn_id"  # of a message's additional properties: the id of its turn
KEY_PREFIX = "agent_framework:"  # of a history's items: a message by its number, and how many there are
UNNAMED_AGENT = "UnnamedAgent"  # the author that the framework gives to an agent without a name


class MemkitContextProvider(ContextProvider):
    """Recalls for the person's words before a run, and observes them and the answer.

    `bank`: one bank, or a function from the call (`session_id`, `state`, `session`, `agent`, `context`) to the bank of
    whoever is talking. `speaker`: the person's name, where messages have no author. `k`: results; `max_tokens`: of the
    block, which stands among the instructions of this run alone. Where the memory fails, the run goes on without it.
    """

    def __init__(
        self, bank: memkit.Bank | BankOf, *, source_id: str = "memkit", speaker: str = "user", k: int = 10,
        max_tokens: int = 1000,
    ) -> None:  # fmt: skip
        super().__init__(source_id)
        self._bank_of, self._speaker, self._k, self._max_tokens = _function(bank), speaker, k, max_tokens

    async def before_run(self, *, agent: Any, session: Any, context: SessionContext, state: dict[str, Any]) -> None:
        """Recall into the instructions, then observe what the person says: a model that fails doesn't lose it."""
        call = _call(context.session_id, state, agent=agent, session=session, context=context)
        block = await asyncio.to_thread(self._begin, context, call)
        if block:
            context.extend_instructions(self.source_id, block)

    async def after_run(self, *, agent: Any, session: Any, context: SessionContext, state: dict[str, Any]) -> None:
        """Observe the answer, with what tools said on the way to it."""
        call = _call(context.session_id, state, agent=agent, session=session, context=context)
        answer = context.response.messages if context.response else []
        await asyncio.to_thread(self._end, context.input_messages, answer, call)

    def _begin(self, context: SessionContext, call: Context) -> str:
        block, asked = "", context.input_messages
        with spared("recall"):
            bank = self._bank_of(call)
            question = next((each.text for each in reversed(asked) if each.role == "user"), "")
            if question.strip():
                before = turns_of([*context.get_messages(), *asked], call, self._speaker)
                block = bank.recall(question, k=self._k, without=before).prompt(self._max_tokens)
            adopt_question(bank, asked, call)
        self._observe(asked, call)
        return block

    def _end(self, asked: Sequence[Message], answer: Sequence[Message], call: Context) -> None:
        with spared("looking at the session"):
            adopt_answer(self._bank_of(call), asked, answer, call)
        self._observe([*asked, *answer], call)

    def _observe(self, messages: Sequence[Message], call: Context) -> None:
        with spared("observe", message_ids(messages)):
            observe(self._bank_of(call), messages, call, self._speaker)


class MemkitHistoryProvider(HistoryProvider):
    """Keeps the messages of sessions as they came; what they say is observed beside them.

    `bank`: one bank, or a function from the call (`session_id`, `state`) to a bank. `last`: how many messages are
    loaded before a run, all of them by default. `options`: of HistoryProvider. A message names its turn as its source:
    erasing the turn erases the message. Where the memory fails, the run goes on without its history.
    """

    def __init__(
        self, bank: memkit.Bank | BankOf, *, source_id: str = "memkit_history", speaker: str = "user",
        last: int | None = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(source_id, **options)
        self._bank_of, self._speaker, self._last = _function(bank), speaker, last

    async def get_messages(
        self, session_id: str | None, *, state: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[Message]:
        """The session's messages, oldest first; none for a session without an id."""
        return await asyncio.to_thread(self._read, _call(session_id, state))

    async def save_messages(
        self, session_id: str | None, messages: Sequence[Message], *, state: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Store messages as the session's newest; those that are stored already stay as they are."""
        await asyncio.to_thread(self._write, list(messages), _call(session_id, state))

    def _read(self, call: Context) -> list[Message]:
        with spared("reading the history"):
            bank = self._bank_of(call)
            count = _count(bank.get_item(_key(call)))
            first = 0 if self._last is None else max(count - self._last, 0)
            items = [bank.get_item(_key(call, number)) for number in range(first, count)]
            return [Message.from_dict(item.value["message"]) for item in items if item is not None]
        return []

    def _write(self, messages: Sequence[Message], call: Context) -> None:
        with spared("storing the history", message_ids(messages)):
            is_due = bool(call["session_id"] and messages)
            while is_due:
                with suppress(ConflictError):  # another writer of the session came first: behind it
                    self._store(self._bank_of(call), messages, call)
                    is_due = False

    def _store(self, bank: memkit.Bank, messages: Sequence[Message], call: Context) -> None:
        head, turns = bank.get_item(_key(call)), set[str]()
        count = _count(head)
        newest = [bank.get_item(_key(call, number)) for number in range(max(count - len(messages), 0), count)]
        ids = [None if item is None else item.value["turn"] for item in newest]
        fresh = messages[overlap(ids, [turn_id(message) for message in messages]) :]
        with spared("observe", message_ids(fresh)):
            turns = observe(bank, fresh, call, self._speaker)
        items = [_item(_key(call, count + i), message, turns) for i, message in enumerate(fresh)]
        counted: Any = {"key": _key(call), "value": count + len(items), "index": False}
        bank.put_many([*items, counted], expected={_key(call): None if head is None else head.updated_at})


def observe(bank: memkit.Bank, messages: Sequence[Message], call: Context, speaker: str) -> set[str]:
    """Ids of the messages' turns that are stored now. Raises MemkitError where none of them could be."""
    turns = turns_of(messages, call, speaker)
    outcomes = bank.observe(turns).outcomes if turns else ()
    return {outcome.id for outcome in outcomes if outcome.id is not None and outcome.action != "rejected"}


def turns_of(messages: Iterable[Message], call: Context, speaker: str) -> list[dict[str, Any]]:
    """Messages as turns of the call's session, in the form that a bank reads."""
    return [
        {**_as_dict(message), "id": turn_id(message), "session": call["session_id"], "speaker": _name(message, speaker)}
        for message in said_of(messages)
    ]


def turn_id(message: Message) -> str:
    """Id of a message's turn, made where the message is met first, and kept with it: services repeat their ids."""
    return str(message.additional_properties.setdefault(TURN_ID_KEY, uuid4().hex))


def adopt_question(bank: memkit.Bank, asked: Sequence[Message], call: Context) -> None:
    """Take over the ids of turns that are asked again: they are the last of their session, and nobody answered."""
    said = said_of(asked)
    stored = newest_turns(bank, call, len(said))
    if len(stored) == len(said) and all(map(is_said_by, stored, said)):
        adopt(said, stored)


def adopt_answer(bank: memkit.Bank, asked: Sequence[Message], answer: Sequence[Message], call: Context) -> None:
    """Take over the ids of turns that a history observed for this run: they came after what was asked.

    Of a stream the framework gives a history that stores at each call of the service other objects than here.
    """
    question, said = [turn_id(message) for message in said_of(asked)], said_of(answer)
    stored = newest_turns(bank, call, len(question) + len(said))
    place = max((i for i, memory in enumerate(stored) if memory.id in question), default=len(stored))
    came_after = stored[place + 1 :]
    if len(came_after) == len(said) and all(map(is_said_by, came_after, said)):
        adopt(said, came_after)


def newest_turns(bank: memkit.Bank, call: Context, count: int) -> list[memkit.Memory]:
    """The last turns of the call's session, in order."""
    return bank.session(call["session_id"]).last(count) if count and call["session_id"] else []


def is_said_by(memory: memkit.Memory, message: Message) -> bool:
    """Whether a turn holds what a message says."""
    words = " ".join(str(part.get("text", "")) for part in _as_dict(message)["content"])
    return memory.role == message.role and memory.text.split() == words.split()


def adopt(messages: Sequence[Message], memories: Sequence[memkit.Memory]) -> None:
    """Give messages the ids of turns."""
    for message, memory in zip(messages, memories, strict=True):
        message.additional_properties[TURN_ID_KEY] = memory.id


def said_of(messages: Iterable[Message]) -> list[Message]:
    """Messages that are turns: the system's words are none."""
    return [message for message in messages if message.role in SAID_ROLES]


def overlap(stored: Sequence[Any], given: Sequence[Any]) -> int:
    """Number of the first given that are the end of what is stored, as where they are handed in again."""
    lengths = range(min(len(stored), len(given)), 0, -1)
    return next((length for length in lengths if stored[-length:] == given[:length]), 0)


def message_ids(messages: Sequence[Message]) -> list[str]:
    """Ids of messages, of those that have one."""
    return [message.message_id for message in messages if message.message_id]


def _key(call: Context, number: int | None = None) -> str:
    """Key of a session's message, or of how many it has."""
    return f"{KEY_PREFIX}{'count' if number is None else number}:{call['session_id']}"


def _count(head: memkit.Item | None) -> int:
    return 0 if head is None else int(head.value)


def _item(key: str, message: Message, turns: set[str]) -> Any:
    id = turn_id(message)
    value = {"turn": id, "message": _as_json(message)}
    return {"key": key, "value": value, "index": False, "sources": [id] if id in turns else []}


def _name(message: Message, speaker: str) -> str:
    if message.role == "user":
        return message.author_name or speaker
    return message.role if message.author_name in (None, UNNAMED_AGENT) else str(message.author_name)


def _as_json(message: Message) -> Any:
    given = message.to_dict()
    properties = {key: value for key, value in message.additional_properties.items() if key != TURN_ID_KEY}
    return json.loads(json.dumps({**given, "additional_properties": properties}, default=str))


def _as_dict(message: Message) -> dict[str, Any]:
    """A message as a bank reads it; a model's reasoning is left out."""
    contents = message.contents
    calls = [each for each in contents if each.type == "function_call"]
    results = [each for each in contents if each.type == "function_result"]
    said: dict[str, Any] = {"role": message.role, "content": [part for each in contents for part in _parts(each)]}
    if calls:
        said["tool_calls"] = [{"id": each.call_id, "name": each.name, "args": each.arguments} for each in calls]
    if results:
        said["tool_call_id"] = results[0].call_id
    return said


def _parts(content: Content) -> list[dict[str, Any]]:
    if content.type == "text":
        return [{"type": "text", "text": content.text or ""}]
    if content.type == "function_result":
        return [{"type": "text", "text": str(content.result or "")}]
    if content.type in ("data", "uri"):
        medium = "image" if str(content.media_type).startswith("image") else "file"
        return [{"type": medium, "url": content.uri, "media_type": content.media_type}]
    return []


def _function(bank: memkit.Bank | BankOf) -> BankOf:
    return bank if callable(bank) else lambda call: bank


def _call(session_id: str | None, state: dict[str, Any] | None, **others: Any) -> Context:
    return {"session_id": session_id, "state": state, **others}
