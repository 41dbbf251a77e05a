"""Renaming: a person who had no name yet gets one in what was said, thought and summed up."""

import re
from typing import Any

from memkit.models import Memory
from memkit.text.terms.forms import is_same_name

SUBJECT_PLACE = r"(?:^|(?<=[.:;,]\s)|(?<=\n))"  # where what a thinker or reflection wrote names whom it is about


def renamed(memory: Memory, old: str, new: str) -> Memory:
    """A memory under a person's new name: its speaker, its head, what was written about them."""
    fields: dict[str, Any] = {}
    if memory.speaker is not None and is_same_name(memory.speaker, old):
        fields["speaker"] = new
    if memory.kind in ("thought", "summary", "portrait"):
        subject = re.compile(rf"{SUBJECT_PLACE}(?:the )?{re.escape(old)}(?!\w)", re.IGNORECASE)
        fields["text"] = subject.sub(lambda _: new, memory.text)
        fields["head"] = memory.head and subject.sub(lambda _: new, memory.head)
        fields["metadata"] = _with_voice(memory.metadata, old, new)
    return memory.model_copy(update=fields)


def _with_voice(metadata: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Metadata of a summary, whose figures of how people spoke go by their names."""
    voices = metadata.get("voices")
    if not isinstance(voices, dict) or old not in voices or new in voices:
        return metadata
    return {**metadata, "voices": {new if name == old else name: voice for name, voice in voices.items()}}
