"""Items: JSON values by key, as frameworks' stores hold them, and the memories that they are stored as.

An item's memory has a kind of its own, an id made of the key, the value and how it is indexed in its metadata, and as
its text what is indexed of the value. A later value takes its place; none is ever merged, faded or thought about.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict

from memkit.errors import InputError, InvalidTextError
from memkit.models import MAX_TEXT_CHARS, FrozenModel, Memory

ITEM_PREFIX = "item:"  # begins the id of every item's memory, and of nothing else
MAX_VALUE_BYTES = 16_000_000  # of a value as JSON
MAX_INDEXED_PARTS = 64  # of one value, each with a vector of its own
WHOLE_VALUE = "$"  # the path of the value itself

Index = Sequence[str] | bool | None
LastPut = Mapping[str, datetime | None] | None  # when items were put last, by key, as they were read


class ItemFields(TypedDict):
    """An item that is put: what `MemoryBank.put` takes."""

    key: str
    value: Any
    index: NotRequired[Index]
    ttl: NotRequired[float | None]
    sources: NotRequired[Sequence[str]]


class Item(FrozenModel):
    """A value under a key. `value`: any JSON; it comes back as it was put, down to the order of its keys.

    `created_at`: when the key was put for the first time, `updated_at`: for the last. `expires_at`: from when on it
    counts as gone, None for never. `ttl`: minutes that it lives, from its last change or, by option, its last reading.
    `sources`: ids of the memories that it belongs to.
    """

    key: str
    value: Any
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    ttl: float | None = None
    sources: tuple[str, ...] = ()

    @classmethod
    def of(cls, memory: Memory) -> "Item":
        """The item that a memory holds."""
        return cls.model_construct(
            key=key_of(memory),
            value=memory.metadata["value"],
            created_at=memory.recorded_at,
            updated_at=memory.occurred_at,
            expires_at=memory.valid_until,
            ttl=memory.metadata.get("ttl"),
            sources=memory.sources,
        )


def item_id(key: str) -> str:
    """The id of an item's memory. Raises InputError for what is no key."""
    if not isinstance(key, str):
        raise InputError("item: a key is a string.")
    try:
        key.encode()
    except UnicodeEncodeError:
        raise InvalidTextError("item: the key holds a lone surrogate, which is no Unicode text.") from None
    return f"{ITEM_PREFIX}{key}"


def key_of(memory: Memory) -> str:
    """The key of an item's memory."""
    return memory.id.removeprefix(ITEM_PREFIX)


def item_memory(
    key: str, value: Any, *, at: datetime, index: Index = None, ttl: float | None = None, sources: Sequence[str] = ()
) -> Memory:
    """The memory of a value that is put at a moment. Raises InputError.

    `index`: False for no index, paths into the value ("title", "notes.text", "tags[*]") for a vector of each,
    None for all of it. `ttl`: minutes, more than 0.
    """
    id, how = item_id(key), _checked_index(index)
    metadata = {"value": _checked_value(value), **({} if how is None else {"index": how})}
    if ttl is not None:
        metadata["ttl"] = _checked_ttl(ttl)
    memory = Memory(
        id=id, kind="item", text="", occurred_at=at, recorded_at=at, author="user", metadata=metadata,
        sources=tuple(sources), valid_until=None if ttl is None else expiry(at, ttl),
    )  # fmt: skip
    return memory.model_copy(update={"text": "\n".join(indexed_parts(memory))[:MAX_TEXT_CHARS]})


def is_expired(memory: Memory, now: datetime) -> bool:
    """Whether an item's time is over."""
    return memory.kind == "item" and memory.valid_until is not None and memory.valid_until <= now


def expiry(at: datetime, ttl: float) -> datetime:
    """The moment at which an item ends that lives so many minutes from `at` on; at the latest at the end of time."""
    try:
        return at + timedelta(minutes=ttl)
    except OverflowError:
        return datetime.max.replace(tzinfo=at.tzinfo)


def indexed_parts(memory: Memory) -> list[str]:
    """Texts of an item's value that are indexed, each with a vector of its own."""
    how, value = memory.metadata.get("index"), memory.metadata["value"]
    if how is False:
        return []
    texts = [text for path in how or (WHOLE_VALUE,) for text in texts_at(value, path)]
    return [text.replace("\0", " ") for text in texts if text.strip()][:MAX_INDEXED_PARTS]


def texts_at(value: Any, path: str) -> list[str]:
    """Texts that lie at a path of a value, of what is no string its JSON; of nothing none.

    "$" is the value itself, "a.b" a field, "{a,b}" either, "*" any; "a[0]" and "a[*]" are members of a list.
    """
    if path == WHOLE_VALUE:
        return [_as_text(value)]
    places = [value]
    for step in _steps(path):
        places = [place for each in places for place in _stepped(each, step)]
    return [_as_text(place) for place in places if place is not None]


def _steps(path: str) -> Iterator[str]:
    """Fields and places of a path, in order."""
    for field in path.removeprefix(f"{WHOLE_VALUE}.").split("."):
        name, *places = field.split("[")
        if name:
            yield name
        yield from (f"[{place}" for place in places)


def _stepped(value: Any, step: str) -> list[Any]:
    if not step.startswith("["):
        return _fields(value, step) if isinstance(value, Mapping) else []
    place = step[1:].removesuffix("]")
    if not isinstance(value, list):
        return []
    if place == "*":
        return value
    return value[int(place) :][:1] if place.lstrip("-").isdecimal() and -len(value) <= int(place) < len(value) else []


def _fields(value: Mapping[str, Any], step: str) -> list[Any]:
    if step in value:
        return [value[step]]
    if step.startswith("{") and step.endswith("}"):
        return [value[name] for name in map(str.strip, step[1:-1].split(",")) if name in value]
    return list(value.values()) if step == "*" else []


def leaf_texts(value: Any) -> list[str]:
    """All texts and numbers of a value, in order, the names of its fields among them."""
    if isinstance(value, Mapping):
        return [text for name, member in value.items() for text in (name, *leaf_texts(member))]
    if isinstance(value, list):
        return [text for member in value for text in leaf_texts(member)]
    return [_as_text(value)]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _checked_value(value: Any) -> Any:
    """The value as it will be read back. Raises InputError where that is another one."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        raise InputError(
            "put: the value holds what is no JSON: use strings, finite numbers, booleans, None, lists and dicts, and "
            "no lone surrogates. Write dates as ISO strings and bytes as text."
        ) from None
    if size > MAX_VALUE_BYTES:
        raise InputError(f"put: the value takes {size} bytes as JSON, at most {MAX_VALUE_BYTES} are stored.")
    read = json.loads(text)
    if read != value:
        raise InputError("put: the value wouldn't come back the same: keys are strings, and sequences are lists.")
    return read


def _checked_index(index: Index) -> list[str] | bool | None:
    if index is None or index is True:
        return None
    if index is False:
        return False
    paths = [index] if isinstance(index, str) else list(index)
    if not paths or not all(isinstance(path, str) and path for path in paths):
        raise InputError('put: index is False, None, or paths into the value, for example ["title", "notes[*].text"].')
    return paths


def _checked_ttl(ttl: float) -> float:
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl < float("inf"):
        raise InputError("put: ttl is how many minutes the item lives, a number above 0.")
    return float(ttl)
