"""LoCoMo's format (Maharana et al. 2024, arXiv 2402.17753): several conversations, evidence by turn."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from memkit.errors import InputError
from memkit.evaluation.formats.conversation import Conversation, Question
from memkit.models import Turn
from memkit.observe.message_content import read_content

CATEGORY_NAMES = {1: "multi-hop", 2: "temporal", 3: "commonsense", 4: "single-hop", 5: "adversarial"}
EVIDENCE_PATTERN = re.compile(r"D:?(\d+):(\d+)")  # also inside "D8:6; D9:17", "D:11:26" and "D30:05"
SESSION_PATTERN = re.compile(r"session_(\d+)")
TURN_PAUSE = timedelta(seconds=30)  # between the turns of a session: the files give only its beginning


def is_locomo(document: Any) -> bool:
    """A sample, or a list of samples, each with a conversation of numbered sessions."""
    samples = samples_of(document)
    return bool(samples) and all(isinstance(s, dict) and isinstance(s.get("conversation"), dict) for s in samples)


def samples_of(document: Any) -> list[Any]:
    """The samples of a document."""
    return document if isinstance(document, list) else [document]


def locomo_conversations(document: Any, where: str) -> list[Conversation]:
    """The samples of a document that was read. Raises InputError; the message names place and field."""
    return [_conversation(sample, number, where) for number, sample in enumerate(samples_of(document), start=1)]


def _conversation(sample: Mapping[str, Any], number: int, where: str) -> Conversation:
    name = str(sample.get("sample_id") or f"sample-{number}")
    try:
        turns = tuple(_turns(sample["conversation"]))
        ids = {turn.id for turn in turns}
        questions = (_question(qa, index, ids) for index, qa in enumerate(sample.get("qa") or []))
        return Conversation(name, turns, tuple(q for q in questions if q.evidence))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        field = error.args[0] if isinstance(error, KeyError) else type(error).__name__
        raise InputError(f"{where}, sample {number}: is not in LoCoMo's form ({field}).") from None


def _turns(conversation: Mapping[str, Any]) -> Iterator[Turn]:
    sessions = [key for key in conversation if SESSION_PATTERN.fullmatch(key) and conversation[key]]
    for key in sorted(sessions, key=lambda key: int(key.split("_")[1])):
        begin = session_time(conversation[f"{key}_date_time"])
        for step, turn in enumerate(conversation[key]):
            text, metadata = _content(turn)
            yield Turn(
                text,
                turn["speaker"],
                at=begin + step * TURN_PAUSE,
                id=turn["dia_id"],
                session=key,
                metadata=metadata or None,
            )


def _content(turn: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A turn's words and photos, in a chat's form; LoCoMo's authors search the captions, too."""
    caption = turn.get("blip_caption")
    return read_content([turn["text"], *([{"type": "image", "caption": caption}] if caption else [])])


def session_time(text: str) -> datetime:
    """A session's beginning, "1:56 pm on 8 May, 2023", taken as UTC."""
    return datetime.strptime(text.strip(), "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


def _question(qa: Mapping[str, Any], index: int, ids: set[str | None]) -> Question:
    named = evidence_ids(qa.get("evidence") or [])
    return Question(
        f"q{index}", qa["question"], frozenset(named & ids), CATEGORY_NAMES.get(qa["category"], str(qa["category"]))
    )


def evidence_ids(strings: list[str]) -> set[str]:
    """Ids of turns named in evidence strings, malformed ones included."""
    return {f"D{int(s)}:{int(t)}" for text in strings for s, t in EVIDENCE_PATTERN.findall(text)}
