"""Input of observe, as turns: Turns, pairs, role/content dicts, LangChain messages.

The one reader of messages, also for the adapters: who spoke, when and in which session, tool calls, ids. What a
message's content says is read in `message_content`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from memkit.errors import InvalidTurnError, MemkitError
from memkit.items import ITEM_PREFIX
from memkit.models import RejectedTurn, Role, Turn
from memkit.observe.message_content import described, read_content
from memkit.text.parts import without_reasoning

ROLE_NAMES: dict[str, Role] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
SPEAKER_KEYS, TEXT_KEYS = ("name", "speaker"), ("content", "text")
SAYING_KEYS = ("refusal", "audio")  # in which some models answer, beside an empty content
BESIDE_KEYS = ("tool_calls", "invalid_tool_calls", "tool_call_id", "function_call", "status", "annotations")
CONTENT_KEYS = (*TEXT_KEYS, *SAYING_KEYS, *BESIDE_KEYS)
TURN_KEYS = frozenset({"role", "at", "id", "session", "metadata", "reply_to", *SPEAKER_KEYS, *CONTENT_KEYS})
DEFAULT_STATUS = "success"  # of a tool's message
RESPONSE_KEYS = ("model_name", "model", "finish_reason", "stop_reason")
TURN_FORMS = "a Turn, a (speaker, text) pair, a role/content dict or a LangChain message"
MAX_METADATA_BYTES = 100_000  # as JSON
Speakers = Mapping[str, str]


def as_turns(items: Iterable[Any] | Any, *, speakers: Speakers | None = None) -> list[Turn | RejectedTurn]:
    """Each item as a turn, in order; what can't be read as one is given back with its error.

    A single Turn, dict, message or (speaker, text) tuple counts as a list of one. `speakers` names who
    speaks in a role where the item itself gives no name, for example {"user": "ana"}; without it, the role
    is the name. Raises InvalidTurnError where `items` is nothing that holds turns.
    """
    names: Speakers = {_role(role): name for role, name in (speakers or {}).items()}
    return [_turn_or_error(item, names) for item in _listed(items)]


def as_turn(item: Any, *, speakers: Speakers | None = None) -> Turn:
    """One item as a turn; of an assistant's, what it said after its reasoning. Raises InputError."""
    turn = _as_given(item, speakers or {})
    if turn.id is not None and turn.id.startswith(ITEM_PREFIX):
        raise InvalidTurnError(f"observe: ids that begin with {ITEM_PREFIX!r} are those of items. Give another one.")
    said = without_reasoning(turn.text) if turn.role == "assistant" else turn.text
    return turn if said == turn.text else replace(turn, text=said)


def _as_given(item: Any, names: Speakers) -> Turn:
    if isinstance(item, Turn):
        checked_metadata(item.metadata)
        return item
    if isinstance(item, tuple | list) and len(item) == 2:
        return _from_pair(*item)
    if isinstance(item, Mapping):
        return _from_dict(item, names)
    if _is_message(item):
        return _from_message(item, names)
    raise InvalidTurnError(f"observe: a {type(item).__name__} is no turn. Give {TURN_FORMS}.")


def _listed(items: Any) -> Iterable[Any]:
    if isinstance(items, Turn | Mapping) or _is_message(items) or _is_pair(items):
        return [items]
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise InvalidTurnError(f"observe: takes a list of turns, each {TURN_FORMS}, not a {type(items).__name__}.")
    return items


def _turn_or_error(item: Any, speakers: Speakers) -> Turn | RejectedTurn:
    try:
        return as_turn(item, speakers=speakers)
    except MemkitError as error:
        return RejectedTurn(error)


def _is_pair(items: Any) -> bool:
    return isinstance(items, tuple) and len(items) == 2 and all(isinstance(part, str) for part in items)


def _is_message(item: Any) -> bool:
    """Duck typing: langchain need not be there for its messages to be known."""
    return not isinstance(item, type) and isinstance(getattr(item, "type", None), str) and hasattr(item, "content")


def _from_pair(speaker: Any, text: Any) -> Turn:
    """A pair's speaker may be a role's name: then it is that role, too."""
    role = ROLE_NAMES.get(speaker.casefold()) if isinstance(speaker, str) else None
    return Turn(text, speaker, role=role)


def _from_dict(item: Mapping[Any, Any], speakers: Speakers) -> Turn:
    _refuse_unknown(item)
    role = None if item.get("role") is None else _role(item["role"])
    speaker = _first(item, SPEAKER_KEYS) or speakers.get(role or "", role)
    if speaker is None or not any(key in item for key in CONTENT_KEYS):
        raise InvalidTurnError("observe: a turn as a dict needs role or speaker, and content.")
    text, extra = read_content(_first(item, TEXT_KEYS))
    return Turn(
        text or _said_elsewhere(item),
        speaker,
        role=role,
        at=item.get("at"),
        id=item.get("id"),
        session=item.get("session"),
        metadata=_united(item.get("metadata"), extra | _beside(item)),
        reply_to=item.get("reply_to"),
    )


def _refuse_unknown(item: Mapping[Any, Any]) -> None:
    unknown = [key for key in item if key not in TURN_KEYS]
    if unknown:
        named = isinstance(unknown[0], str) and unknown[0].isidentifier() and len(unknown[0]) <= 40
        raise InvalidTurnError(
            f"observe: unknown key {repr(unknown[0]) if named else '(not shown)'} in a turn; "
            f"known are {', '.join(sorted(TURN_KEYS))}. Put your own values under metadata."
        )


def _first(item: Mapping[Any, Any], keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if item.get(key) is not None), None)


def _role(value: object) -> Role:
    if not isinstance(value, str) or value not in ROLE_NAMES:
        raise InvalidTurnError(f"observe: unknown role; known are {', '.join(sorted(ROLE_NAMES))}.")
    return ROLE_NAMES[value]


def _from_message(message: Any, speakers: Speakers) -> Turn:
    """A LangChain message. Its `additional_kwargs["memkit"]` may hold at, session, id, reply_to and metadata."""
    role, others = _message_role(message), _mapping(getattr(message, "additional_kwargs", None))
    text, extra = read_content(message.content)
    given = _mapping(others.get("memkit"))
    return Turn(
        text or _said_elsewhere(others),
        getattr(message, "name", None) or speakers.get(role, role),
        role=role,
        at=given.get("at"),
        id=given.get("id") or getattr(message, "id", None),
        session=given.get("session"),
        metadata=_united(given.get("metadata"), extra | _beside_words(message, others)),
        reply_to=given.get("reply_to"),
    )


def _said_elsewhere(values: Mapping[str, Any]) -> str:
    """Words that some models give beside an empty content: a refusal, or what a recording says."""
    text, _ = read_content([{"type": key, key: values.get(key)} for key in SAYING_KEYS])
    return text


def _beside(values: Mapping[str, Any]) -> dict[str, Any]:
    """Tool calls and their outcome, among values by name."""
    there = {key: values[key] for key in BESIDE_KEYS if values.get(key)}
    return {key: described(value) for key, value in there.items() if (key, value) != ("status", DEFAULT_STATUS)}


def _beside_words(message: Any, others: Mapping[str, Any]) -> dict[str, Any]:
    """Tool calls and their outcome, and what a response says of itself."""
    response = _mapping(getattr(message, "response_metadata", None))
    of_message = {key: getattr(message, key, None) for key in BESIDE_KEYS}
    about = {key: described(response[key]) for key in RESPONSE_KEYS if response.get(key)}
    return _beside({**others, **{key: value for key, value in of_message.items() if value}}) | about


def _message_role(message: Any) -> Role:
    """`type` is the role's name, or for chat messages "chat", or for parts of a stream the class's name."""
    if message.type.startswith("Chat") or message.type == "chat":
        return _role(getattr(message, "role", None))
    return _role(message.type.removesuffix("MessageChunk").lower())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _united(metadata: Any, extra: dict[str, Any]) -> Mapping[str, Any] | None:
    """The caller's own values, checked, beside what memkit found; the caller's win."""
    return {**extra, **(checked_metadata(metadata) or {})} or None


def checked_metadata(metadata: Any) -> Mapping[str, Any] | None:
    """Metadata that can be stored: a mapping with string keys and JSON values. Raises InvalidTurnError."""
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping) or not all(isinstance(key, str) for key in metadata):
        raise InvalidTurnError("Turn.metadata: must be a mapping whose keys are strings.")
    try:
        size = len(json.dumps(dict(metadata), allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError):
        raise InvalidTurnError(
            "Turn.metadata: holds a value that is no JSON (strings, numbers, booleans, None, lists, dicts). "
            "Write dates as ISO strings and bytes as text."
        ) from None
    if size > MAX_METADATA_BYTES:
        raise InvalidTurnError(f"Turn.metadata: {size} bytes as JSON, at most {MAX_METADATA_BYTES} are stored.")
    return metadata
