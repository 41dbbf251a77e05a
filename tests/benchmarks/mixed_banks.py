"""Mixed banks: two conversations in one bank, session by session, and how well recall still finds what each tells.

A bank that holds two kinds of conversation is no bank of tasks, though its sessions differ from each other; short
sessions lie in it between long ones. Prints the fraction of the evidence @5 and @10, and that of both baselines.

    python tests/benchmarks/mixed_banks.py
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import memkit.evaluation
from memkit.encoders.sentence_transformer import SentenceTransformerEncoder
from memkit.evaluation.formats.conversation import Conversation, Question, turn_time
from memkit.evaluation.formats.files import read_conversations
from memkit.evaluation.metrics import Ranks, fraction, mean
from memkit.evaluation.recall.run import RunOptions, run
from memkit.models import Turn

OWN_FOLDER = Path(__file__).parents[1] / "data" / "conversations"
DEMO_FOLDER = Path(memkit.evaluation.__path__[0]) / "conversations"
FILES = {
    "preferences": OWN_FOLDER / "preferences-conversation.jsonl",
    "remarks": OWN_FOLDER / "remarks-conversation.jsonl",
    "notes": OWN_FOLDER / "notes-conversation.jsonl",
    "friends": DEMO_FOLDER / "conversation.jsonl",
    "assistant": DEMO_FOLDER / "assistant-conversation.jsonl",
}
PAIRS = [(own, demo) for demo in ("assistant", "friends") for own in ("preferences", "remarks", "notes")]
SESSION_GAP = timedelta(hours=20)
CUTOFFS = (5, 10)


def mixed(asked: Conversation, other: Conversation) -> Conversation:
    """The sessions of both in turn, each conversation's in order, with the questions to one."""
    sessions = [
        (place / len(own), number, session)
        for number, own in enumerate((_sessions(asked, "asked"), _sessions(other, "other")))
        for place, session in enumerate(own)
    ]
    ordered = [session for _, _, session in sorted(sessions, key=lambda entry: entry[:2])]
    turns = tuple(_dated(ordered, turn_time(asked.turns[0])))
    return Conversation(asked.name, turns, tuple(_question(question) for question in asked.questions))


def _sessions(conversation: Conversation, name: str) -> list[list[Turn]]:
    named = [replace(t, id=f"{name}-{t.id}", session=f"{name}-{t.session}") for t in conversation.turns]
    return [list(turns) for _, turns in groupby(named, key=lambda turn: turn.session)]


def _dated(sessions: list[list[Turn]], now: datetime) -> Iterator[Turn]:
    for session in sessions:
        moved = [replace(turn, at=now + (turn_time(turn) - turn_time(session[0]))) for turn in session]
        yield from moved
        now = turn_time(moved[-1]) + SESSION_GAP


def _question(question: Question) -> Question:
    evidence = frozenset(f"asked-{name}" for name in question.evidence)
    return replace(question, evidence=evidence, asked_after=None, asked_at=None)


def _fractions(ranks: list[Ranks]) -> str:
    return " / ".join(f"{mean(fraction(each, k) for each in ranks):.3f}".lstrip("0") for k in CUTOFFS)


def main() -> None:
    """Print a row of the table for each pair and direction."""
    encoder = SentenceTransformerEncoder()
    conversations = {name: read_conversations(path)[1][0] for name, path in FILES.items()}
    print("| asked | beside | memkit @5 / @10 | dense | BM25 |\n|---|---|---|---|---|")
    for asked, other in [pair for own, demo in PAIRS for pair in ((own, demo), (demo, own))]:
        outcome = run([mixed(conversations[asked], conversations[other])], encoder, RunOptions())
        cells = [_fractions([q.ranks[name] for q in outcome.asked]) for name in ("memkit", "dense", "bm25")]
        print("| " + " | ".join([asked, other, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
