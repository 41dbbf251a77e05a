"""Conversation files, whatever their format: LoCoMo, RealMem, or one turn per line."""

import json
from pathlib import Path
from typing import Any

from memkit.errors import InputError
from memkit.evaluation.formats.conversation import Conversation
from memkit.evaluation.formats.jsonl import read_jsonl
from memkit.evaluation.formats.locomo import is_locomo, locomo_conversations
from memkit.evaluation.formats.realmem import is_realmem, realmem_conversation

FORMAT_NAMES = "a LoCoMo or RealMem file, or JSON lines with one turn each"


def read_document(path: Path) -> Any | None:
    """The file as one JSON document; None where it is none, so may be JSON lines. Raises InputError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        return None
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: is no UTF-8 text. Give {FORMAT_NAMES}.") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}).") from None


def published_format(path: Path, document: Any) -> tuple[str, list[Conversation]] | None:
    """The name of a published format and the conversations in it; None where it is none. Raises InputError."""
    if is_locomo(document):
        return "locomo", locomo_conversations(document, path.name)
    if is_realmem(document):
        return "realmem", [realmem_conversation(document, path.stem, path.name)]
    return None


def read_conversations(path: Path, questions: Path | None = None) -> tuple[str, list[Conversation]]:
    """The format of a file, and its conversations with their questions.

    `questions` is for JSON lines alone: by default, the file beside it with "conversation" in its name
    replaced by "questions". Raises InputError.
    """
    return published_format(path, read_document(path)) or ("jsonl", [read_jsonl(path, questions)])
