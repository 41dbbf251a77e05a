"""Requests to forget: heard while thinking, kept open in the bank, given out with the erasure that each proposes.

Nothing is erased here. What is closed (thoughts go out of recall, with their history) can be brought back.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial

from memkit.flows.context import BankContext, by_id
from memkit.forget.erasure_plan import plan
from memkit.forget.requests import ForgetRequest
from memkit.models import IndexEntry, IndexRow, Memory
from memkit.operations import Forget, Insert, Merge, Step, Supersede, targets
from memkit.protocols import BankView
from memkit.text.forgetting.requests import AskedTopic, asked_topics, corrected_topics
from memkit.text.terms.forms import is_same_name
from memkit.text.terms.tokens import asks
from memkit.think.requests import ASKED_REASON, people_named, reached_sentences, reaches_thought, telling_numbers
from memkit.think.revise import is_person
from memkit.times import to_micros

CORRECTED_REASON = "corrected"
RECORD_RELATION = "asks to forget"
RECORD_KEY, RECORD_VALUE = "request", "forget"  # in a record's metadata, by which it is found
NAMED_FIELD = "thoughts"  # ids of the thoughts that were closed, in a record's metadata
READ_BATCH = 1000  # memories that are read at once
MAX_ABOUT = 400  # thoughts about one person, the newest


@dataclass(frozen=True)
class HeardRequest:
    """A turn that asks to have something forgotten, and the thoughts of the bank that it reaches.

    reason: why they are closed; a correction, which asks for no erasure, closes what nothing took the place of
    """

    turn: Memory
    topics: Sequence[AskedTopic]
    before: str | None = None  # id of the speaker's turn just before
    thoughts: frozenset[str] = frozenset()
    reason: str = ASKED_REASON

    def reaches(self, thought: Memory) -> bool:
        """Whether a thought that was formed before the request is to be closed."""
        if self.turn.id in thought.sources or thought.occurred_at > self.turn.occurred_at or self.turn.speaker is None:
            return False
        return self.before in thought.sources or any(
            reaches_thought(topic, self.turn.speaker, thought) for topic in self.topics
        )

    def closing(self, id: str) -> Forget:
        """The step that takes a thought out of recall."""
        asked_in = self.turn.id if self.reason == ASKED_REASON else None
        return Forget(id, self.reason, author="thinker", asked_in=asked_in)


# while thinking


def may_be_heard(turns: Sequence[Memory]) -> bool:
    """Whether people ask in any of these turns to have something forgotten, or correct it."""
    said = [turn.text for turn in turns if is_person(turn) and turn.speaker]
    return any(asked_topics(text) or corrected_topics(text) for text in said)


def hear(view: BankView, turns: Sequence[Memory]) -> list[HeardRequest]:
    """Requests that people make in turns; read before the transaction that closes what they reach."""
    people = [turn for turn in turns if is_person(turn) and turn.speaker]
    asking = [HeardRequest(turn, topics) for turn in people if (topics := asked_topics(turn.text))]
    correcting = [
        HeardRequest(turn, topics, reason=CORRECTED_REASON)
        for turn in people
        if (topics := corrected_topics(turn.text))
    ]
    return [_with_reached(view, heard) for heard in (*asking, *correcting)]


def _with_reached(view: BankView, heard: HeardRequest) -> HeardRequest:
    rows = _SpeakerRows(view, heard.turn)
    before = rows.turn_before() if any(topic.scope == "last" for topic in heard.topics) else None
    heard = replace(heard, before=before)
    thoughts = frozenset(m.id for m in rows.thoughts() if m.state == "active" and heard.reaches(m))
    return replace(heard, thoughts=thoughts)


def request_steps(
    view: BankView,
    heard: Sequence[HeardRequest],
    operations: Sequence[Step],
    turns: Sequence[Memory],
    new_id: Callable[[], str],
) -> Iterator[Step]:
    """Steps that close what requests reach, and keep each request open, those that a model noticed, too."""
    written = [o.memory for o in operations if isinstance(o, Insert | Supersede | Merge) and o.memory.state == "active"]
    taken = {id for operation in operations for id in targets(operation)}
    closings = [o for o in operations if isinstance(o, Forget) and o.asked_in is not None]
    for request in heard:
        for id in _closed(view, request, written, taken):
            closing = request.closing(id)
            taken.add(id)
            closings.append(closing)
            yield closing
    asking = {request.turn.id for request in heard if request.reason == ASKED_REASON}
    for turn in turns:
        closed = [closing.id for closing in closings if closing.asked_in == turn.id]
        if closed or turn.id in asking:
            yield Insert(_record(turn, closed, new_id()), IndexEntry(text_key=0, wanted=False))


def _closed(view: BankView, request: HeardRequest, written: Sequence[Memory], taken: Set[str]) -> list[str]:
    """Ids of the thoughts that a request reaches, stored or about to be, and that nothing else changes."""
    stored = view.memories(sorted(view.locate(list(request.thoughts)).values())).values()
    reached = [m for m in stored if m.state == "active"] + [m for m in written if request.reaches(m)]
    return [m.id for m in reached if m.id not in taken]


def _record(turn: Memory, closed: Sequence[str], id: str) -> Memory:
    """The record that keeps a request open: in history alone, and resting on its turn, so that it goes with it."""
    return Memory(
        id=id,
        kind="thought",
        text=f"{turn.speaker} asks to have something forgotten.",
        occurred_at=turn.occurred_at,
        recorded_at=turn.recorded_at,
        speaker=turn.speaker,
        sources=(turn.id,),
        author="thinker",
        state="forgotten",
        relation=RECORD_RELATION,
        metadata={RECORD_KEY: RECORD_VALUE, NAMED_FIELD: list(closed)},
    )


# afterwards


def open_requests(ctx: BankContext, turns: Iterable[str] | None = None) -> tuple[ForgetRequest, ...]:
    """Requests that were neither carried out nor declined, with plans as the bank is now; `turns`: of these alone.

    One that reaches nothing but itself is none.
    """
    state = ctx.state()
    if state is None:
        return ()
    wanted = None if turns is None else set(turns)
    with ctx.storage.view(state.number) as view:
        records = view.memories(view.matching({RECORD_KEY: RECORD_VALUE})).values()
        own = (record for record in records if record.relation == RECORD_RELATION and record.sources)
        requests = (_request(ctx, view, record) for record in own if wanted is None or record.sources[0] in wanted)
        return tuple(request for request in requests if request is not None)


def _request(ctx: BankContext, view: BankView, record: Memory) -> ForgetRequest | None:
    turn = next(iter(view.memories(list(view.locate(record.sources[:1]).values())).values()), None)
    if turn is None or turn.speaker is None:
        return None
    closed = tuple(view.locate(record.metadata.get(NAMED_FIELD, [])))
    reached = dict.fromkeys([*closed, *_reached(view, turn, closed)])
    if not reached:
        return None
    chosen = dict.fromkeys([*reached, turn.id, record.id])
    proposal = plan(list(chosen), view).reading(partial(by_id, ctx))
    return ForgetRequest(
        id=record.id, turn=turn.id, speaker=turn.speaker, at=turn.occurred_at, closed=closed, plan=proposal
    )


def _reached(view: BankView, turn: Memory, closed: Sequence[str]) -> Iterator[str]:
    """Ids of what a request reaches: thoughts, the turns that they rest on, and what tells of it."""
    rows, topics = _SpeakerRows(view, turn), asked_topics(turn.text)
    before = rows.turn_before() if any(topic.scope == "last" for topic in topics) else None
    heard = HeardRequest(turn, topics, before, frozenset(closed))
    thoughts = [m for m in rows.thoughts() if m.id in heard.thoughts or heard.reaches(m)]
    sources = _turns_saying(view, [*(id for m in thoughts for id in m.sources), *([before] if before else [])])
    yield from (m.id for m in thoughts)
    yield from sources
    yield from _telling(rows.turns(), topics, thoughts)


def _turns_saying(view: BankView, ids: Iterable[str]) -> list[str]:
    """Ids of turns, with those of every turn that says the same."""
    turns = view.memories(sorted(view.locate(list(ids)).values()))
    firsts = list(view.locate([m.echo_of for m in turns.values() if m.echo_of is not None]).values())
    every = view.memories(sorted({*turns, *firsts, *view.echoes([*turns, *firsts])}))
    return [m.id for m in every.values() if m.kind == "turn"]


def _telling(turns: Sequence[Memory], topics: Sequence[AskedTopic], thoughts: Sequence[Memory]) -> Iterator[str]:
    """Ids of turns that tell of the topics, by words or by a number told with them, or that answer such a question."""
    if any(topic.scope == "everything" for topic in topics):
        yield from (turn.id for turn in turns)
        return
    numbers = {number for thought in thoughts for number in telling_numbers(thought.text)}
    topics = [*topics, *(named for topic in topics for named in people_named(topic, thoughts))]
    is_asked = False
    for turn in turns:
        own = is_person(turn)
        sentences = [sentence for topic in topics for sentence in reached_sentences(topic, turn.text, own=own)]
        numbers.update(number for sentence in sentences for number in telling_numbers(sentence))
        if sentences or (own and is_asked):
            yield turn.id
        is_asked = bool(sentences) and not own and asks(turn.text)
    yield from (turn.id for turn in turns if numbers and not numbers.isdisjoint(telling_numbers(turn.text)))


class _SpeakerRows:
    """Rows of whoever asks, up to then: what they said and were answered, and thoughts of it or about them."""

    def __init__(self, view: BankView, turn: Memory) -> None:
        self._view, self._turn, until = view, turn, to_micros(turn.occurred_at)
        self._own = {key for name, key in view.speakers().items() if is_same_name(name, turn.speaker)}
        self._rows = [row for row in view.rows() if row.occurred_at <= until]

    def thoughts(self) -> list[Memory]:
        """Thoughts in any state, without records of requests."""
        own = [row.seq for row in self._rows if row.kind == "thought" and row.speaker in self._own]
        about = self._view.about(self._turn.speaker or "", ("thought",), MAX_ABOUT)
        memories = {m.id: m for m in [*self._memories(own), *about]}
        return [m for m in memories.values() if m.relation != RECORD_RELATION]

    def turns(self) -> list[Memory]:
        """Turns of the speaker, and an assistant's answers to them, without the one that asks."""
        turns = self._memories([row.seq for row in self._spoken()])
        return [turn for turn in turns if turn.id != self._turn.id]

    def turn_before(self) -> str | None:
        """The id of the speaker's last turn before, in the same session."""
        [own_seq] = self._view.locate([self._turn.id]).values()
        session = self._view.sessions_of([own_seq])
        rows = (row for row in self._rows if row.speaker in self._own and row.seq < own_seq and row.kind == "turn")
        last = [row.seq for row in rows if row.session in session][-1:]
        return next((memory.id for memory in self._memories(last)), None)

    def _spoken(self) -> list[IndexRow]:
        """Rows of the speaker's turns, and of assistants' that speak to them: after them, or before anybody else.

        Who speaks last before an assistant's session that nobody else speaks in is whom it speaks to.
        """
        rows = [row for row in self._rows if row.kind == "turn" and row.role in (None, "user", "assistant")]
        people = [row for row in rows if row.role != "assistant"]
        person = {row.session: row.speaker for row in reversed(people)}  # session -> who speaks first, then last, in it
        spoken, last = list[IndexRow](), None
        for row in rows:
            if row.role != "assistant":
                person[row.session] = last = row.speaker
            if person.get(row.session, last) in self._own:
                spoken.append(row)
        return spoken

    def _memories(self, seqs: Sequence[int]) -> list[Memory]:
        parts = (seqs[start : start + READ_BATCH] for start in range(0, len(seqs), READ_BATCH))
        return [memory for part in parts for memory in self._view.memories(part).values()]
