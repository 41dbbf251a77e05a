"""Order of states in time: what held when is decided by when it was said, not by when it came in.

A thinker knows what holds now. Where it puts something older in the place of that, or says again what came and went,
the change is turned round, inside the transaction that sees the states as they are stored.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from memkit.models import IndexEntry, Memory
from memkit.operations import Cite, Precede, Step, Supersede
from memkit.protocols import BankView
from memkit.text.near_copies import is_copy
from memkit.think.extractive.contradictions import tail_words


@dataclass(frozen=True)
class Chronology:
    """The states of a bank's facts in time, read from one view; `new_id` gives ids to states that are told apart."""

    view: BankView
    new_id: Callable[[], str]
    _successor: dict[str, Memory] = field(default_factory=dict)  # id of a state that was put before another -> that one

    def in_order(self, operations: Sequence[Step]) -> Iterator[Step]:
        """The operations, those that run against time turned round."""
        for operation in operations:
            if isinstance(operation, Supersede):
                yield from self._superseding(operation)
            elif isinstance(operation, Cite):
                yield from self._citing(operation)
            else:
                yield operation

    def _superseding(self, operation: Supersede) -> Iterator[Step]:
        new, old = operation.memory, self._memory(operation.id)
        if operation.id in self._successor:
            yield self._between(operation)
        elif old is None or not self._said_after(old, new.occurred_at):
            yield operation
        elif self._first_said(old) <= new.occurred_at:
            again, entry = self._again(old, new.occurred_at)
            yield Supersede(old.id, again, entry, operation.reason)
            yield self._put_before(again, new, operation.entry, after=old)
        else:
            yield from self._before(old, new, operation.entry)

    def _citing(self, operation: Cite) -> Iterator[Step]:
        """A state that was said before it is known to have begun began then, where another one held until now."""
        state = self._memory(operation.id)
        said = [source.occurred_at for source in self._sources(operation.sources)]
        begun = state.valid_from if state is not None else None
        if state is None or begun is None or not said or max(said) >= begun or self._previous(state) is None:
            yield operation
            return
        earlier, entry = self._copy(state, max(said), operation.sources)
        yield from self._before(state, earlier, entry)

    def _before(self, later: Memory, new: Memory, entry: IndexEntry) -> Iterator[Step]:
        """`new` at its place before `later`, in the chain of states that led there."""
        earlier = self._previous(later)
        while earlier is not None and self._first_said(earlier) > new.occurred_at:
            later, earlier = earlier, self._previous(earlier)
        if earlier is None:
            yield self._put_before(later, _without_beginning(new), entry)
        elif is_same_state(earlier, new):
            yield Cite(earlier.id, new.sources)
        elif self._said_after(earlier, new.occurred_at):
            again, own = self._again(earlier, new.occurred_at)
            yield self._put_before(later, again, own, after=earlier)
            yield self._put_before(again, new, entry, after=earlier)
        else:
            yield self._put_before(later, new, entry, after=earlier)

    def _between(self, operation: Supersede) -> Step:
        """A state that follows one of the same exchange, which was put before others: it goes on from there."""
        new, earlier, later = operation.memory, operation.id, self._successor[operation.id]
        while self._first_said(later) <= new.occurred_at:
            following = self._memory(later.superseded_by) if later.superseded_by else None
            if following is None:
                return Supersede(later.id, new, operation.entry, operation.reason)
            earlier, later = later.id, following
        self._successor[new.id] = later
        return Precede(later.id, new, operation.entry, after=earlier)

    def _put_before(self, later: Memory, new: Memory, entry: IndexEntry, *, after: Memory | None = None) -> Precede:
        self._successor[new.id] = later
        return Precede(later.id, new, entry, after=None if after is None else after.id)

    def _again(self, state: Memory, after: datetime) -> tuple[Memory, IndexEntry]:
        """The same state as it was said again after something else held."""
        later = [source for source in self._sources(state.sources) if source.occurred_at > after]
        return self._copy(state, min(source.occurred_at for source in later), tuple(source.id for source in later))

    def _copy(self, state: Memory, said: datetime, sources: tuple[str, ...]) -> tuple[Memory, IndexEntry]:
        fields = {"id": self.new_id(), "occurred_at": said, "valid_from": said, "sources": sources}
        open_again = {"state": "active", "valid_until": None, "superseded_by": None}
        [seq] = self.view.locate([state.id]).values()
        return state.model_copy(update={**fields, **open_again}), self.view.entries([seq])[seq]

    def _said_after(self, state: Memory, moment: datetime) -> bool:
        """Whether a state was said, for the first time or again, after a moment."""
        return state.occurred_at > moment or any(m.occurred_at > moment for m in self._sources(state.sources))

    def _first_said(self, state: Memory) -> datetime:
        return min([state.occurred_at, *(source.occurred_at for source in self._sources(state.sources))])

    def _previous(self, state: Memory) -> Memory | None:
        """The last of the states that gave way to one."""
        seqs = self.view.superseded_by_any(list(self.view.locate([state.id]).values()))
        states = [
            m for m in self.view.memories(seqs).values() if m.superseded_by == state.id and m.state == "superseded"
        ]
        return max(states, key=self._first_said, default=None)

    def _memory(self, id: str) -> Memory | None:
        return next(iter(self.view.memories(list(self.view.locate([id]).values())).values()), None)

    def _sources(self, ids: Sequence[str]) -> list[Memory]:
        return list(self.view.memories(sorted(self.view.locate(ids).values())).values())


def is_same_state(thought: Memory, other: Memory) -> bool:
    """Whether two thoughts say that the same holds."""
    if thought.relation is None or other.relation is None:
        return is_copy(thought.text, other.text)
    same = thought.relation.casefold() == other.relation.casefold()
    return same and tail_words(thought.tail or thought.text) == tail_words(other.tail or other.text)


def _without_beginning(state: Memory) -> Memory:
    """A first state without a beginning that was only taken from when it was said: it may have held before."""
    return state.model_copy(update={"valid_from": None}) if state.valid_from == state.occurred_at else state
