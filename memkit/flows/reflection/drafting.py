"""Drafts of summaries and portraits: sources are read, then lines are chosen from them or a model is asked."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from memkit.errors import ThinkerError
from memkit.flows.context import BankContext, zone_of
from memkit.flows.reflection.calendar import Calendar, DuePeriod
from memkit.flows.thinking import budget
from memkit.models import BankState, IndexRow, Kind, Memory, checked_text
from memkit.operations import Usage
from memkit.protocols import BankView, CountedReflector, Reflection, Reflector
from memkit.think.boundary import foreign_code
from memkit.think.mood import Voice, sum_voices, voices_by_speaker
from memkit.think.portrait import PortraitSubject, choose_thoughts, compose_portrait, manner_line, mood_line
from memkit.think.reflect import (
    QuotableMemory,
    choose_memories,
    compose_title,
    extract_statements,
    statement_count,
    summary_line,
)
from memkit.times import to_micros

log = logging.getLogger("memkit")

EXTRACTED_BY = "extractive"
MAX_WEEK_LINES = 7
MAX_MONTH_LINES = 9
MAX_PROMPT_CHARS = 12_000  # of a day in a model's prompt; of a longer day, the most telling turns
MAX_PEOPLE = 4  # in a portrait
MAX_THOUGHTS_EACH = 100  # of each person, out of which the portrait's are chosen
PORTRAIT_MONTHS = 12  # that a portrait looks back


class Draft(NamedTuple):
    """A summary or portrait to be stored, and the one that it replaces. `note`: why it is not the model's."""

    old: Memory | None
    memory: Memory
    note: str | None = None


class SummaryMaterial(NamedTuple):
    """Material of a summary: memories that it may quote, by seq, and lines for a model's prompt."""

    quotable: Mapping[int, Memory]
    prompt_lines: Sequence[str]
    metadata: Mapping[str, Any]


@dataclass
class Drafter:
    """Writes the drafts of one reflection; `reflector` is None where no model is asked.

    `postponed`: how many were left to a later one, as the day's budget was spent. `unencoded`: how many have no vector
    yet.
    """

    ctx: BankContext
    state: BankState
    reflector: Reflector | None
    postponed: int = 0
    unencoded: int = 0

    def summary(self, due: DuePeriod, calendar: Calendar) -> Draft | None:
        """The summary of a period; None where somebody else wrote the one that stands, or it has to wait."""
        with self.ctx.storage.view(self.state.number) as view:
            old = _memory_at(view, due.old)
            if (old is not None and old.author != "thinker") or self._must_wait():
                return None
            parts = view.memories(sorted(due.parts))
            material = self._day(parts, calendar) if due.level == "day" else self._longer(view, parts)
            vectors = view.vectors(_seqs_of_vectors(view, material.quotable))
        sources = list(parts.values())
        most = {"week": MAX_WEEK_LINES, "month": MAX_MONTH_LINES}.get(due.level, statement_count(len(parts)))
        quotable = [QuotableMemory(m, v) for m, v in zip(material.quotable.values(), vectors, strict=True)]
        chosen = choose_memories(quotable, most)
        text = "\n".join(self._line(memory, dated=due.level != "day") for memory in chosen)
        text, by, note = self._written(Reflection(due.level, due.period, material.prompt_lines), text)
        metadata = {
            "level": due.level,
            "period": due.period,
            "zone": self.state.zone,
            "by": by,
            "title": compose_title(chosen),
            **material.metadata,
        }
        if due.level == "day":
            metadata["lines"] = [sources.index(memory) for memory in chosen]
        memory = self._derived("summary", text, sources, head=due.period, metadata=metadata)
        return Draft(old, memory, note)

    def _line(self, memory: Memory, *, dated: bool) -> str:
        day = memory.occurred_at.astimezone(zone_of(self.state)).date()
        return f"{day} {summary_line(memory)}" if dated else summary_line(memory)

    def _day(self, parts: Mapping[int, Memory], calendar: Calendar) -> SummaryMaterial:
        turns = {seq: m for seq, m in parts.items() if m.kind == "turn"}
        metadata = {"voices": voices_by_speaker(turns.values()), "episodes": _episodes(turns, calendar)}
        prompt_lines = [
            f"{m.occurred_at.astimezone(zone_of(self.state)):%H:%M} {m.speaker}: {m.text}" for m in _most_telling(turns)
        ]
        return SummaryMaterial(parts, prompt_lines, metadata)

    def _longer(self, view: BankView, parts: Mapping[int, Memory]) -> SummaryMaterial:
        days = sorted(parts.values(), key=lambda day: day.occurred_at)
        quoted = view.memories(sorted(seq for day in days for seq in _quoted(view, day)))
        prompt_lines = [f"{day.metadata.get('period')}: {day.text}" for day in days]
        voices = sum_voices(pair for day in days for pair in voices_of(day).items())
        return SummaryMaterial(quoted, prompt_lines, {"voices": voices})

    def _written(self, task: Reflection, extracted: str) -> tuple[str, str, str | None]:
        """The text, who wrote it, and why it isn't the model's where one was asked in vain."""
        if self.reflector is None:
            return extracted, EXTRACTED_BY, None
        usage = Usage()
        try:
            return self._asked(self.reflector, task, usage), self.reflector.name, None
        except ThinkerError as error:
            log.warning("memkit: a %s is extracted instead of written: %s", task.level, error)
            return extracted, EXTRACTED_BY, f"extracted: {error.raised} from the model"
        finally:
            budget.spend(self.ctx, self.state, usage)

    def _asked(self, reflector: Reflector, task: Reflection, usage: Usage) -> str:
        """A reflector's text. Raises ThinkerError, whatever its code raises."""
        with foreign_code("the reflector"):
            text = reflector.write(task, usage) if isinstance(reflector, CountedReflector) else reflector.reflect(task)
            return checked_text(text, where="reflector")

    def _must_wait(self) -> bool:
        """Whether a model would be asked that today may not be asked any more."""
        must = isinstance(self.reflector, CountedReflector) and budget.is_spent(self.ctx, self.state)
        self.postponed += must
        return must

    def portrait(self, calendar: Calendar) -> Draft | None:
        """The portrait; None where it rests on what it would rest on now, is somebody else's, or has to wait."""
        with self.ctx.storage.view(self.state.number) as view:
            parts = view.memories(
                sorted({*self._thoughts(view, calendar), *(row.seq for row in calendar.widest(PORTRAIT_MONTHS))})
            )
            if calendar.portrait is not None and set(calendar.portrait.sources) == set(parts):
                return None
            old = _memory_at(view, None if calendar.portrait is None else calendar.portrait.seq)
        people = _people(parts.values())
        text = compose_portrait(people)
        if not text or (old is not None and old.author != "thinker") or self._must_wait():
            return None
        text, by, note = self._written(Reflection("portrait", "", _portrait_lines(parts.values(), people)), text)
        return Draft(old, self._derived("portrait", text, list(parts.values()), "portrait", {"by": by}), note)

    def _thoughts(self, view: BankView, calendar: Calendar) -> list[int]:
        """Seqs of the thoughts that the portrait tells of each of the people of whom most is known."""
        now, importance = to_micros(self.ctx.now()), attrgetter("pinned", "strength", "occurred_at", "length")
        groups: dict[int | None, list[IndexRow]] = defaultdict(list)
        for row in calendar.thoughts:
            if row.valid_until is None or row.valid_until > now:
                groups[row.speaker].append(row)
        chosen = sorted(groups.values(), key=len, reverse=True)[:MAX_PEOPLE]
        ranked = [
            [row.seq for row in sorted(group, key=importance, reverse=True)[:MAX_THOUGHTS_EACH]] for group in chosen
        ]
        thoughts_by_seq = view.memories(sorted(seq for seqs in ranked for seq in seqs))
        telling_ids = {
            m.id
            for seqs in ranked
            for m in choose_thoughts([thoughts_by_seq[seq] for seq in seqs if seq in thoughts_by_seq])
        }
        return [seq for seq, memory in thoughts_by_seq.items() if memory.id in telling_ids]

    def _derived(
        self, kind: Kind, text: str, sources: Sequence[Memory], head: str, metadata: Mapping[str, Any]
    ) -> Memory:
        now = self.ctx.now()
        return Memory(
            id=self.ctx.services.new_id(now),
            kind=kind,
            text=text,
            occurred_at=max(source.occurred_at for source in sources),
            recorded_at=now,
            sources=tuple(source.id for source in sources),
            author="thinker",
            head=head,
            metadata=dict(metadata),
        )


def _seqs_of_vectors(view: BankView, memories: Mapping[int, Memory]) -> list[int]:
    """Seqs of memories, each with a vector; a text that was said again has that of the first time."""
    firsts = view.locate([m.echo_of for m in memories.values() if m.echo_of is not None])
    return [firsts.get(memory.echo_of or "", seq) for seq, memory in memories.items()]


def _memory_at(view: BankView, seq: int | None) -> Memory | None:
    return None if seq is None else view.memories([seq]).get(seq)


def _episodes(turns: Mapping[int, Memory], calendar: Calendar) -> list[dict[str, str]]:
    """Each episode's title and its most telling statement, in order."""
    groups: dict[tuple[int | None, int | None], list[Memory]] = defaultdict(list)
    for seq, turn in turns.items():
        if extract_statements(turn.text):
            groups[calendar.places[seq]].append(turn)
    best = [(group, max(group, key=lambda m: m.salience or 0.0)) for group in groups.values()]
    return [{"title": compose_title(group), "summary": summary_line(best_turn)} for group, best_turn in best]


def _most_telling(turns: Mapping[int, Memory]) -> list[Memory]:
    """The most telling turns, as many as fit into a model's prompt, in order."""
    chosen_seqs: set[int] = set()
    chars_left = MAX_PROMPT_CHARS
    for seq, turn in sorted(turns.items(), key=lambda item: -(item[1].salience or 0.0)):
        chars_left -= len(turn.text)
        if chars_left < 0 and chosen_seqs:
            break
        chosen_seqs.add(seq)
    return [turn for seq, turn in turns.items() if seq in chosen_seqs]


def _quoted(view: BankView, day: Memory) -> list[int]:
    """Seqs of what a day's summary quotes: `lines` number its sources."""
    seqs = sorted(view.locate(day.sources).values())
    return [seqs[at] for at in day.metadata.get("lines", ()) if 0 <= at < len(seqs)]


def voices_of(summary: Memory) -> dict[str, Voice]:
    """The voices that a summary keeps as figures."""
    return {speaker: Voice(*figures) for speaker, figures in summary.metadata.get("voices", {}).items()}


def _people(parts: Any) -> list[PortraitSubject]:
    """Everybody of whom there is anything, whoever speaks most first."""
    thoughts: dict[str, list[Memory]] = defaultdict(list)
    speaker_voices: dict[str, list[tuple[str, Voice]]] = defaultdict(list)
    for memory in sorted(parts, key=lambda m: (m.occurred_at, m.text)):
        if memory.kind == "thought":
            thoughts[memory.speaker or memory.head or "Also"].append(memory)
        for speaker, voice in voices_of(memory).items() if memory.kind == "summary" else ():
            speaker_voices[speaker].append((str(memory.metadata["period"]), voice))
    names = dict.fromkeys([*speaker_voices, *thoughts])
    people = [PortraitSubject(name, thoughts[name], speaker_voices[name]) for name in names]
    return sorted(people, key=lambda person: (-person.voice.turns, person.name))[:MAX_PEOPLE]


def _portrait_lines(parts: Any, people: Sequence[PortraitSubject]) -> list[str]:
    """Lines for a model's prompt of a portrait."""
    texts = [f"{m.metadata.get('period')}: {m.text}" if m.kind == "summary" else f"held true: {m.text}" for m in parts]
    figures = [
        f"{person.name}, {name}: {text}"
        for person in people
        for name, text in (("mood", mood_line(person)), ("manner", manner_line(person)))
        if text
    ]
    return [*texts, *figures]
