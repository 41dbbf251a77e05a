"""Conversation files, whatever their format: LoCoMo, RealMem, or one turn per line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memkit.errors import InputError
from memkit.evaluation.cases import Conversation
from memkit.evaluation.jsonl import read_jsonl
from memkit.evaluation.locomo import is_locomo, locomo_conversations
from memkit.evaluation.realmem import is_realmem, realmem_conversation

FORMATS = "a LoCoMo or RealMem file, or JSON lines with one turn each"


def read_document(path: Path) -> Any | None:
    """The file as one JSON document; None where it is none, so may be JSON lines. Raises InputError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        return None
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: is no UTF-8 text. Give {FORMATS}.") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}).") from None


def format_of(document: Any) -> str:
    """The format of a document: locomo, realmem or jsonl."""
    if is_locomo(document):
        return "locomo"
    return "realmem" if is_realmem(document) else "jsonl"


def read_conversations(path: Path, questions: Path | None = None) -> tuple[str, list[Conversation]]:
    """The format of a file, and its conversations with their questions.

    `questions` is for JSON lines alone: by default, the file beside it with "conversation" in its name
    replaced by "questions". Raises InputError.
    """
    document = read_document(path)
    kind = format_of(document)
    if kind == "locomo":
        return kind, locomo_conversations(document, path.name)
    if kind == "realmem":
        return kind, [realmem_conversation(document, path.stem, path.name)]
    return kind, [read_jsonl(path, questions)]


def every_turn(conversations: list[Conversation]) -> Iterator[str]:
    """The texts of all turns."""
    return (turn.text for conversation in conversations for turn in conversation.turns)
