"""JSON lines: the format for anybody's own data.

Conversation, one turn per line: {"speaker": "Ana", "text": "...", "at": "2025-03-04T09:30:00+00:00",
"id": "t1", "session": "s1"}; also role/content. Questions, one per line: {"id": "q1", "question": "...",
"evidence": ["t1"], "category": "...", "paraphrases": ["..."]}; without evidence (or with the category
"unknown") nothing in the conversation answers it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from memkit.errors import InputError, MemkitError
from memkit.evaluation.formats.conversation import Conversation, Question
from memkit.models import Turn
from memkit.observe.intake import as_turn

UNKNOWN_CATEGORY = "unknown"
DEFAULT_START = datetime(2000, 1, 1, tzinfo=UTC)  # for turns without a time
TURN_PAUSE = timedelta(seconds=30)


def lines(path: Path) -> Iterator[tuple[int, Any]]:
    """The values of a JSONL file with the numbers of their lines. Raises InputError."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, json.loads(line)
    except json.JSONDecodeError:
        example = '{"speaker": "Ana", "text": "Hello"}'
        raise InputError(
            f"{path.name}, line {number}: is no JSON. Write one turn per line, for example {example}."
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: is no UTF-8 text.") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}).") from None


def read_turns(path: Path) -> tuple[Turn, ...]:
    """The turns of a conversation, each with a time, an id and a session. Raises InputError."""
    turns = tuple(_turn(item, f"{path.name}, line {number}", count) for count, (number, item) in enumerate(lines(path)))
    if not turns:
        raise InputError(f"{path.name}: holds no turns.")
    return turns


def read_jsonl(path: Path, questions: Path | None = None) -> Conversation:
    """A conversation and its questions. Raises InputError."""
    turns = read_turns(path)
    asked, unknown = read_questions(questions or questions_file(path), {str(turn.id) for turn in turns})
    return Conversation(path.stem, turns, asked, unknown=unknown)


def questions_file(path: Path) -> Path:
    """The file in which the questions to a conversation are expected."""
    return path.with_name(path.name.replace("conversation", "questions"))


def _turn(item: Any, where: str, count: int) -> Turn:
    try:
        turn = as_turn(item)
    except MemkitError as error:
        raise InputError(f"{where}: {error}") from None
    at = DEFAULT_START + count * TURN_PAUSE if turn.at is None else turn.at
    return replace(turn, at=at, id=turn.id or f"line-{count + 1}", session=turn.session or "conversation")


def read_questions(path: Path, ids: set[str]) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    """The questions with evidence, and the texts of those without. Raises InputError."""
    questions = [_question(item, f"{path.name}, line {number}", ids) for number, item in lines(path)]
    unknown = (text for q in questions if not q.evidence for text in (q.text, *q.wordings))
    return tuple(q for q in questions if q.evidence), tuple(unknown)


def _question(item: Any, where: str, ids: set[str]) -> Question:
    if not isinstance(item, Mapping) or not isinstance(item.get("question"), str):
        raise InputError(f'{where}: a question needs at least {{"question": "...", "evidence": ["id of a turn"]}}.')
    evidence = frozenset(map(str, item.get("evidence") or []))
    strange = sorted(evidence - ids)
    if strange:
        raise InputError(f"{where}: no turn of the conversation has the id {strange[0]!r}.")
    category = str(item.get("category") or "all")
    answered_by = evidence if category != UNKNOWN_CATEGORY else frozenset()
    return Question(
        str(item.get("id") or where),
        item["question"],
        answered_by,
        category,
        wordings=tuple(map(str, item.get("paraphrases") or [])),
    )
