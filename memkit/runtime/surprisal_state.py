"""One bank's surprisal model and threshold of small talk, as far as the bank's stored turns were learnt."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from memkit.models import CountedSegment, Memory
from memkit.observe.small_talk import SmallTalk
from memkit.operations import Learn
from memkit.protocols import SurprisalModel
from memkit.surprisal.ngram import NgramSurprisal, ReadAhead
from memkit.surprisal.segments import Segment, pack, unpack


@dataclass
class PendingTurns:
    """What turns on their way in are judged by. It reads on from what the bank learnt, which learns what is stored.

    `change`: the bank's, as far as it was learnt. `judged`: the salience of each turn, in order.
    """

    model: SurprisalModel
    small_talk: SmallTalk
    change: int
    judged: list[float | None] = field(default_factory=list)

    @property
    def heard_all(self) -> bool:
        """Whether the built-in model read every turn that was judged; another model learns by itself."""
        return not isinstance(self.model, ReadAhead) or len(self.model.heard) == len(self.judged)

    def is_small_talk(self, salience: float | None, text: str) -> bool:
        """Judge a turn by its salience (nats; one whose isn't known is none)."""
        self.judged.append(salience)
        return salience is not None and self.small_talk.hears(salience, text)


@dataclass
class SurprisalState:
    """What was learnt of a bank's turns up to the seq `through`, as the bank was at `change` and `epoch`.

    `spans`: the seqs of the first and the last turn in each segment of the model. `kept`: the spans that lie in
    the storage. A model of the user's own is never kept, and learns by itself what it hears.
    """

    model: SurprisalModel
    small_talk: SmallTalk
    epoch: int
    change: int = -1
    through: int = 0
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    kept: dict[int, tuple[int, int]] = field(default_factory=dict)
    unsaved: int = 0

    def hearing(self) -> PendingTurns:
        """What the next turns are to be judged by."""
        model = self.model.ahead() if isinstance(self.model, NgramSurprisal) else self.model
        return PendingTurns(model, self.small_talk.copy(), self.change)

    def learn(self, turn: Memory, seq: int) -> None:
        """Learn a stored turn."""
        if isinstance(self.model, NgramSurprisal):
            self._note(self.model.segment, seq)
            self.model.learn(turn.text)
        elif self.change < 0:
            self.model.learn(turn.text)
        self.hear(turn)

    def hear(self, turn: Memory) -> None:
        """Let a stored turn move the threshold of small talk."""
        if turn.salience is not None:
            self.small_talk.remember(turn.salience)

    def take_in(self, hearing: PendingTurns, stored: Sequence[bool], through: int) -> None:
        """Learn those of the judged turns that are stored now, side by side, the last one as `through`."""
        for salience, was_stored in zip(hearing.judged, stored, strict=True):
            if was_stored and salience is not None:
                self.small_talk.remember(salience)
        if isinstance(self.model, NgramSurprisal) and isinstance(hearing.model, ReadAhead):
            texts = [keys for keys, was_stored in zip(hearing.model.heard, stored, strict=True) if was_stored]
            for seq, keys in enumerate(texts, through - len(texts) + 1):
                self._note(self.model.segment, seq)
                self.model.take_in(keys)
        self.through = through

    def unkept(self) -> Learn | None:
        """The segments that differ from those that are kept; None for a model that never is."""
        if not isinstance(self.model, NgramSurprisal):
            return None
        held = {segment.number: segment for segment in self.model.segments}
        fresh = [n for n in held if n in self.spans and self.spans[n] != self.kept.get(n)]
        rows = [CountedSegment(number, *self.spans[number], pack([held[number]])) for number in fresh]
        return Learn(tuple(rows), oldest=min(held))

    def was_kept(self, learn: Learn, change: int) -> None:
        """Note that these segments were written by the change of this number."""
        self.spans = {number: span for number, span in self.spans.items() if number >= learn.oldest}
        self.kept, self.unsaved, self.change = dict(self.spans), 0, change

    def _note(self, segment: int, seq: int) -> None:
        first, _ = self.spans.get(segment, (seq, seq))
        self.spans[segment] = (first, seq)
        self.unsaved += 1


def spans_of(kept: Sequence[CountedSegment]) -> dict[int, tuple[int, int]]:
    """The seqs of the first and the last turn in each segment."""
    return {segment.number: (segment.first_seq, segment.last_seq) for segment in kept}


def model_of(kept: Sequence[CountedSegment], key: bytes) -> NgramSurprisal:
    """The model that kept segments make; an empty one where there are none."""
    segments: list[Segment] = [segment for row in kept for segment in unpack(row.data)]
    return NgramSurprisal.of(segments, key) if segments else NgramSurprisal(key)


def unlearnt(kept: Sequence[CountedSegment], turns: Sequence[tuple[int, str]], key: bytes) -> list[Learn]:
    """What takes turns, (seq, text), out of the kept model again, exactly; to be applied with their erasure."""
    concerned = [s for s in kept if any(s.first_seq <= seq <= s.last_seq for seq, _ in turns)]
    if not concerned:
        return []
    model = model_of(concerned, key)
    for segment in concerned:
        for seq, text in turns:
            if segment.first_seq <= seq <= segment.last_seq:
                model.unlearn(text, segment.number)
    left = {segment.number: segment for segment in model.segments}
    rows = [segment._replace(data=pack([left[segment.number]])) for segment in concerned]
    return [Learn(tuple(rows), oldest=kept[0].number)]
