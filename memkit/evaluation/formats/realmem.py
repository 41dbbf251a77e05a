"""RealMem's format (AvatarMemory/RealMemBench, arXiv 2601.06966): one person's sessions with an assistant.

Scored by session and causally: a query is asked before the session that it stands in is heard, so that only
earlier sessions can be found. Its gold stands on the assistant's turn after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, TypeGuard

from memkit.errors import InputError
from memkit.evaluation.formats.conversation import Conversation, Question
from memkit.models import Role, Turn

SPEAKER_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
TURN_PAUSE = timedelta(seconds=20)
DAY_START = timedelta(hours=8)
SESSION_PAUSE = timedelta(minutes=30)  # between sessions of one day, of which the files give only the day


def is_realmem(document: object) -> TypeGuard[dict[str, Any]]:
    """A person's dialogues, each a session."""
    return isinstance(document, dict) and isinstance(document.get("dialogues"), list)


def realmem_conversation(document: Mapping[str, Any], name: str, where: str) -> Conversation:
    """All sessions of one person. Raises InputError; the message names place and field."""
    try:
        sessions = document["dialogues"]
        begins = _session_starts(sessions)
        turns = [turn for s, begin in zip(sessions, begins, strict=True) for turn in _turns(s, begin)]
        return Conversation(name, tuple(turns), tuple(_questions(sessions, begins)), unit="session")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        field = error.args[0] if isinstance(error, KeyError) else type(error).__name__
        raise InputError(f"{where}: is not in RealMem's form ({field}).") from None


def _session_starts(sessions: Sequence[Mapping[str, Any]]) -> list[datetime]:
    """Start of each session: its day, and a time that keeps the day's sessions in order."""
    days = [datetime.strptime(s["current_time"][:10], "%Y-%m-%d").replace(tzinfo=UTC) for s in sessions]
    return [day + DAY_START + days[:number].count(day) * SESSION_PAUSE for number, day in enumerate(days)]


def _turns(session: Mapping[str, Any], begin: datetime) -> Iterator[Turn]:
    for step, turn in enumerate(session["dialogue_turns"]):
        yield Turn(
            turn["content"],
            turn["speaker"],
            role=SPEAKER_ROLES.get(turn["speaker"].casefold()),
            at=begin + step * TURN_PAUSE,
            id=f"{session['session_uuid']}:{step}",
            session=session["session_uuid"],
        )


def _questions(sessions: Sequence[Mapping[str, Any]], begins: Sequence[datetime]) -> Iterator[Question]:
    past_sessions: set[str] = set()
    turn_count = 0
    for session, begin in zip(sessions, begins, strict=True):
        turns = session["dialogue_turns"]
        for query, answer in pairwise(turns):
            gold = past_sessions & set(answer.get("memory_session_uuids") or []) if query.get("is_query") else set()
            if gold:
                yield Question(
                    f"{session['session_uuid']}/{query.get('query_id')}",
                    query["content"],
                    frozenset(gold),
                    query.get("category_name") or "all",
                    turn_count,
                    begin,
                )
        past_sessions.add(session["session_uuid"])
        turn_count += len(turns)
