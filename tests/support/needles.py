"""Byte strings that no file may hold once memories are erased."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from memkit.forget.erasure_plan import windows
from memkit.models import Memory

STRIDE_BYTES = 8

Holds = Callable[[bytes], bool]


def needles(memories: Iterable[Memory], retained: Holds | None = None, *, stride: int = STRIDE_BYTES) -> list[bytes]:
    """Byte strings that no file may hold once these memories are erased, sorted.

    For each string of their content, in UTF-8, UTF-16 (both byte orders) and JSON's escapes: the whole,
    and its 16-byte windows at every `stride` bytes, so that any fragment of 15 + `stride` bytes is found.
    Left out is what `retained` says that the file rightly holds elsewhere, and wholes under 8 bytes,
    which occur by chance. Names of speakers and things are no content: other memories share them.
    """
    found: set[bytes] = set()
    for text in _contents(memories):
        for form in forms(text):
            found.update(windows(form, stride))
    return sorted(needle for needle in found if retained is None or not retained(needle))


def held_by(memories: Iterable[Memory]) -> Holds:
    """Whether remaining memories hold a byte string in any form; keeps a copy of their strings in RAM."""
    kept = list(memories)
    names = (name for m in kept for name in (m.speaker, m.head, m.relation) if name)
    held = b"\0\0\0\0".join(form for text in (*_contents(kept), *names) for form in forms(text))
    return lambda needle: needle in held


def _contents(memories: Iterable[Memory]) -> Iterator[str]:
    for memory in memories:
        yield memory.text
        yield from memory.key_phrases
        yield memory.tail or ""
        yield from leaves_of(memory.metadata)


def leaves_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from leaves_of(value.values())
    elif isinstance(value, Iterable):
        for part in value:
            yield from leaves_of(part)


def forms(text: str) -> list[bytes]:
    """The ways in which a text may lie in a file, without repeats."""
    escaped = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    utf8 = [form.encode() for form in (text, *escaped)]
    return list(dict.fromkeys([*utf8, text.encode("utf-16-le"), text.encode("utf-16-be")]))
