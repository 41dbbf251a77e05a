"""Thoughts beside the notes that people took of the same conversations (LoCoMo's observations)."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memkit.evaluation.formats.conversation import Conversation, turn_time
from memkit.evaluation.formats.locomo import evidence_ids
from memkit.evaluation.recall.baselines import Bm25
from memkit.models import Memory, Turn
from memkit.protocols import Task, Thinker
from memkit.text.terms.tokens import words

SENTENCE_PATTERN = re.compile(r"[^.!?\n]+[.!?]*")


@dataclass(frozen=True)
class NoteCoverage:
    """Numbers of thoughts (or sentences), of those on noted turns or on evidence, of notes, of notes reached."""

    formed: int
    on_noted: int
    notes: int
    reached: int

    def dump(self) -> dict[str, float]:
        shares = {"share": self.on_noted / max(self.formed, 1), "covered": self.reached / max(self.notes, 1)}
        return {"formed": self.formed, "notes": self.notes, **{name: round(v, 4) for name, v in shares.items()}}


@dataclass(frozen=True)
class ConversationNotes:
    """A conversation, the turns that its notes name, each note by itself, and the turns that questions rest on."""

    conversation: Conversation
    notes: tuple[frozenset[str], ...]
    evidence: frozenset[str]

    @property
    def turns(self) -> frozenset[str]:
        return self.evidence.union(*self.notes)


def notes_of(sample: Mapping[str, Any], conversation: Conversation) -> ConversationNotes:
    """The notes of one of LoCoMo's samples."""
    lists = [note for session in (sample.get("observation") or {}).values() for note in _session_notes(session)]
    evidence = frozenset(id for question in conversation.questions for id in question.evidence)
    return ConversationNotes(conversation, tuple(frozenset(evidence_ids([str(note[1])])) for note in lists), evidence)


def _session_notes(session: Mapping[str, Any]) -> list[Any]:
    return [note for notes in session.values() for note in notes]


def thought_turns(conversation: Conversation, thinker: Thinker) -> list[str]:
    """For each thought that a thinker forms, by sessions, the turn that it rests on."""
    source_turns: list[str] = []
    thoughts: list[Memory] = []
    for turns in _sessions(conversation).values():
        memories = [_memory(turn) for turn in turns]
        for proposal in thinker.think(Task(memories, thoughts, "UTC", conversation.end)):
            source_turns += proposal.source_ids[:1]
            thoughts.append(_thought(proposal, len(thoughts), memories[-1]))
    return source_turns


def _thought(proposal: Any, number: int, last: Memory) -> Memory:
    facts = {name: getattr(proposal, name) for name in ("head", "relation", "tail", "speaker", "text")}
    moments = {"occurred_at": last.occurred_at, "recorded_at": last.occurred_at}
    return Memory(id=f"thought-{number}", kind="thought", **facts, **moments)


def _memory(turn: Turn) -> Memory:
    at = turn_time(turn)
    return Memory(
        id=str(turn.id),
        kind="turn",
        text=turn.text,
        speaker=turn.speaker,
        role=turn.role,
        occurred_at=at,
        recorded_at=at,
    )


def _sessions(conversation: Conversation) -> dict[str, list[Turn]]:
    sessions: dict[str, list[Turn]] = defaultdict(list)
    for turn in conversation.turns:
        sessions[str(turn.session)].append(turn)
    return sessions


def salient_turns(conversation: Conversation, counts: Mapping[str, int]) -> list[str]:
    """The turns of the sentences that tell most by BM25, as many in each session as `counts` says.

    A sentence's weight is that of its own words as a query to itself, among the conversation's sentences.
    """
    rows = [(str(t.session), str(t.id), s) for t in conversation.turns for s in SENTENCE_PATTERN.findall(t.text)]
    documents = [[word.term for word in words(text)] for _, _, text in rows]
    index = Bm25(documents)
    weights = [float(index.scores(dict.fromkeys(d), len(rows))[n]) for n, d in enumerate(documents)]
    chosen: list[str] = []
    for session, count in counts.items():
        own = [n for n, row in enumerate(rows) if row[0] == session]
        best = sorted(own, key=lambda n: -weights[n])[:count]
        chosen += [rows[n][1] for n in best]
    return chosen


def note_coverage(turns: Sequence[str], notes: ConversationNotes) -> NoteCoverage:
    """Coverage of the notes by thoughts that rest on these turns."""
    marked = notes.turns
    reached = sum(bool(note & set(turns)) for note in notes.notes)
    return NoteCoverage(len(turns), sum(turn in marked for turn in turns), len(notes.notes), reached)


def compare_with_bm25(every: Iterable[ConversationNotes], thinker: Thinker) -> dict[str, NoteCoverage]:
    """Thoughts, and as many sentences chosen by BM25, beside the notes of all conversations."""
    totals = {"thoughts": np.zeros(4, int), "BM25 sentences": np.zeros(4, int)}
    for notes in every:
        turns = thought_turns(notes.conversation, thinker)
        sessions = {str(turn.id): str(turn.session) for turn in notes.conversation.turns}
        salient = salient_turns(notes.conversation, Counter(sessions[turn] for turn in turns))
        for name, chosen in zip(totals, (turns, salient), strict=True):
            coverage = note_coverage(chosen, notes)
            totals[name] += np.array([coverage.formed, coverage.on_noted, coverage.notes, coverage.reached])
    return {name: NoteCoverage(*map(int, counts)) for name, counts in totals.items()}
