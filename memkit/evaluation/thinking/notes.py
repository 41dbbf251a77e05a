"""Thoughts beside the notes that people took of the same conversations (LoCoMo's observations)."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from memkit.evaluation.formats.conversation import Conversation, turn_time
from memkit.evaluation.formats.locomo import evidence_ids
from memkit.evaluation.recall.baselines import Bm25
from memkit.models import Memory, Turn
from memkit.protocols import Task, Thinker
from memkit.text.terms.tokens import words

SENTENCE_PATTERN = re.compile(r"[^.!?\n]+[.!?]*")


class NoteCoverage(NamedTuple):
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

    @cached_property
    def turns(self) -> frozenset[str]:
        return self.evidence.union(*self.notes)


def notes_of(sample: Mapping[str, Any], conversation: Conversation) -> ConversationNotes:
    """The notes of one of LoCoMo's samples."""
    sessions = (sample.get("observation") or {}).values()
    notes = [note for session in sessions for by_speaker in session.values() for note in by_speaker]
    evidence = frozenset(id for question in conversation.questions for id in question.evidence)
    return ConversationNotes(conversation, tuple(frozenset(evidence_ids([str(note[1])])) for note in notes), evidence)


def thought_turns(conversation: Conversation, thinker: Thinker) -> list[str]:
    """For each thought that a thinker forms, by sessions, the turn that it rests on."""
    source_turns: list[str] = []
    thoughts: list[Memory] = []
    sessions: dict[str, list[Memory]] = defaultdict(list)
    for turn in conversation.turns:
        sessions[str(turn.session)].append(_memory(turn))
    for memories in sessions.values():
        for proposal in thinker.think(Task(memories, thoughts, "UTC", conversation.end)):
            source_turns += proposal.source_ids[:1]
            thought = Memory(
                id=f"thought-{len(thoughts)}",
                kind="thought",
                text=proposal.text,
                speaker=proposal.speaker,
                head=proposal.head,
                relation=proposal.relation,
                tail=proposal.tail,
                occurred_at=memories[-1].occurred_at,
                recorded_at=memories[-1].occurred_at,
            )
            thoughts.append(thought)
    return source_turns


def _memory(turn: Turn) -> Memory:
    return Memory(
        id=str(turn.id),
        kind="turn",
        text=turn.text,
        speaker=turn.speaker,
        role=turn.role,
        occurred_at=turn_time(turn),
        recorded_at=turn_time(turn),
    )


def salient_turns(conversation: Conversation, counts: Mapping[str, int]) -> list[str]:
    """The turns of the sentences that tell most by BM25, as many in each session as `counts` says.

    A sentence's weight is that of its own words as a query to itself, among the conversation's sentences.
    """
    rows = [(str(t.session), str(t.id), s) for t in conversation.turns for s in SENTENCE_PATTERN.findall(t.text)]
    documents = [[word.term for word in words(text)] for _, _, text in rows]
    index = Bm25(documents)
    weights = [float(index.scores(dict.fromkeys(d), len(rows))[n]) for n, d in enumerate(documents)]
    ranked = sorted(range(len(rows)), key=lambda n: -weights[n])
    best = (n for session, count in counts.items() for n in [n for n in ranked if rows[n][0] == session][:count])
    return [rows[n][1] for n in best]


def note_coverage(turns: Sequence[str], notes: ConversationNotes) -> NoteCoverage:
    """Coverage of the notes by thoughts that rest on these turns."""
    on_noted, reached = sum(turn in notes.turns for turn in turns), sum(bool(n & set(turns)) for n in notes.notes)
    return NoteCoverage(len(turns), on_noted, len(notes.notes), reached)


def compare_with_bm25(every: Iterable[ConversationNotes], thinker: Thinker) -> dict[str, NoteCoverage]:
    """Thoughts, and as many sentences chosen by BM25, beside the notes of all conversations."""
    totals = {"thoughts": np.zeros(4, int), "BM25 sentences": np.zeros(4, int)}
    for notes in every:
        turns = thought_turns(notes.conversation, thinker)
        sessions = {str(turn.id): str(turn.session) for turn in notes.conversation.turns}
        salient = salient_turns(notes.conversation, Counter(sessions[turn] for turn in turns))
        for name, chosen in zip(totals, (turns, salient), strict=True):
            totals[name] += np.array(note_coverage(chosen, notes))
    return {name: NoteCoverage(*map(int, counts)) for name, counts in totals.items()}
