"""What people hand in, as turns: Turns, pairs, role/content dicts, LangChain messages."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from memkit.errors import InvalidTurnError, MemkitError
from memkit.models import ROLES, RejectedTurn, Role, Turn

ROLE_NAMES: dict[str, Role] = {
    **{role: cast("Role", role) for role in ROLES},
    "human": "user",
    "ai": "assistant",
    "function": "tool",
    "developer": "system",
}
FIELDS = frozenset({"role", "content", "name", "speaker", "at", "id", "session", "metadata", "tool_calls", "text"})
FORMS = "a Turn, a (speaker, text) pair, a role/content dict or a LangChain message"


def as_turns(items: Iterable[Any]) -> list[Turn | RejectedTurn]:
    """Each item as a turn, in order; what can't be read as one is given back with its error.

    Raises InvalidTurnError where `items` is no sequence of turns at all.
    """
    if isinstance(items, Turn) or hasattr(items, "content"):
        items = [items]
    if isinstance(items, str | bytes | Mapping):
        raise InvalidTurnError(f"observe: takes a list of turns, each {FORMS}.")
    return [_taken(item) for item in items]


def _taken(item: Any) -> Turn | RejectedTurn:
    try:
        return as_turn(item)
    except MemkitError as error:
        return RejectedTurn(error)


def as_turn(item: Any) -> Turn:
    """One item as a turn. Raises InputError."""
    if isinstance(item, Turn):
        return item
    if isinstance(item, tuple | list) and len(item) == 2:
        return Turn(item[1], item[0])
    if isinstance(item, Mapping):
        return _from_dict(item)
    if hasattr(item, "content") and hasattr(item, "type"):
        return _from_message(item)
    raise InvalidTurnError(f"observe: a {type(item).__name__} is no turn. Give {FORMS}.")


def _from_dict(item: Mapping[str, Any]) -> Turn:
    unknown = sorted(str(key) for key in set(item) - FIELDS)
    if unknown:
        raise InvalidTurnError(f"observe: unknown key {unknown[0]!r} in a turn; known are {', '.join(sorted(FIELDS))}.")
    if "role" not in item and "speaker" not in item:
        raise InvalidTurnError("observe: a turn as a dict needs role or speaker, and content or text.")
    role = _role(item["role"]) if item.get("role") is not None else None
    text, extra = _content(item.get("content", item.get("text")))
    if item.get("tool_calls"):
        extra["tool_calls"] = item["tool_calls"]
    return Turn(
        text,
        item.get("name") or item.get("speaker") or role or "user",
        role=role,
        at=item.get("at"),
        id=item.get("id"),
        session=item.get("session"),
        metadata={**(item.get("metadata") or {}), **extra} or None,
    )


def _role(value: object) -> Role:
    if not isinstance(value, str) or value not in ROLE_NAMES:
        raise InvalidTurnError(f"observe: unknown role; known are {', '.join(sorted(ROLE_NAMES))}.")
    return ROLE_NAMES[value]


def _from_message(message: Any) -> Turn:
    role = _role(getattr(message, "role", None) if message.type == "chat" else message.type)
    text, extra = _content(message.content)
    for name in ("tool_calls", "tool_call_id"):
        if getattr(message, name, None):
            extra[name] = getattr(message, name)
    given = message.additional_kwargs.get("memkit", {})
    return Turn(
        text,
        message.name or role,
        role=role,
        at=given.get("at"),
        id=message.id,
        session=given.get("session"),
        metadata={**given.get("metadata", {}), **extra} or None,
    )


def _content(content: Any) -> tuple[str, dict[str, Any]]:
    """The words of a content, and what else it holds: blocks of images, files, tool calls."""
    if content is None:
        return "", {}
    if not isinstance(content, list | tuple):
        return content, {}
    texts = [text for block in content if (text := _text_of(block)) is not None]
    others = [_described(block) for block in content if _text_of(block) is None]
    return "\n".join(texts), {"blocks": others} if others else {}


def _text_of(block: Any) -> str | None:
    if isinstance(block, str):
        return block
    if isinstance(block, Mapping) and block.get("type", "text") == "text" and isinstance(block.get("text"), str):
        return str(block["text"])
    return None


def _described(block: Any) -> Any:
    """A block without its bulk: data of images and files stay out of the memory."""
    if not isinstance(block, Mapping):
        return type(block).__name__
    return {key: value for key, value in block.items() if _is_small(value)}


def _is_small(value: Any, limit: int = 2000) -> bool:
    checks: dict[type, Callable[[Any], bool]] = {str: lambda v: len(v) <= limit, bytes: lambda v: False}
    return next((check(value) for kind, check in checks.items() if isinstance(value, kind)), len(repr(value)) <= limit)
