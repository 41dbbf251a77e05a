"""Thoughts that say what the bank holds already, told inside the transaction that would store them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from memkit.models import IndexEntry, Memory
from memkit.operations import Cite, Insert, Merge, Operation, Step, Supersede, targets
from memkit.protocols import BankView
from memkit.text.near_copies import CopyKey, copy_key, fixed_tokens, is_copy, says_all_of
from memkit.text.terms.forms import is_same_name, plain_name

MAX_COMPARED = 400  # thoughts about one head, the newest

VoiceKey = tuple[str | None, int]


def voice_key(memory: Memory, entry: IndexEntry) -> VoiceKey:
    """A speaker, as names are compared, and a text's key: equal for copies."""
    return memory.speaker and plain_name(memory.speaker), entry.text_key


def stored_copies(view: BankView, thoughts: Iterable[tuple[Memory, IndexEntry]]) -> dict[VoiceKey, Memory]:
    """The oldest active thought of the bank for each text and speaker; one look-up for each speaker."""
    entries_by_speaker: dict[str | None, list[tuple[Memory, IndexEntry]]] = defaultdict(list)
    for memory, entry in thoughts:
        entries_by_speaker[memory.speaker].append((memory, entry))
    copies: dict[VoiceKey, Memory] = {}
    for speaker, pairs in entries_by_speaker.items():
        stored = view.same_thoughts([entry.text_key for _, entry in pairs], speaker)
        alike = ((m, entry) for m, entry in pairs if entry.text_key in stored)
        copies |= {voice_key(m, e): stored[e.text_key] for m, e in alike if is_copy(m.text, stored[e.text_key].text)}
    return copies


class ThoughtComparison:
    """Inserts of thoughts, compared with the bank's: one that says no more than an older one cites it, one that says
    all of it and a few words more takes it up.

    Near copies are looked for among the thoughts that thinking had at hand and, of heads that weren't among them, among
    the newest.
    """

    def __init__(self, view: BankView, operations: Sequence[Step], at_hand: Sequence[Memory]) -> None:
        self._view, self._operations = view, operations
        self._taken = {id for operation in operations for id in targets(operation)}
        inserts = [operation for operation in operations if isinstance(operation, Insert)]
        view.read_ahead(*self._reads(inserts, at_hand))
        self._copies = stored_copies(view, ((insert.memory, insert.entry) for insert in inserts))
        self._thoughts: dict[CopyKey, list[tuple[Memory, CopyKey]]] = defaultdict(list)
        self._add(at_hand)
        heads_at_hand = {_head_key(thought.head) for thought in at_hand}
        for head in {insert.memory.head for insert in inserts} - {None}:
            if _head_key(head) not in heads_at_hand:
                self._add(view.about(str(head), ("thought",), MAX_COMPARED))

    def _reads(self, inserts: Sequence[Insert], at_hand: Sequence[Memory]) -> Iterator[Callable[[BankView], object]]:
        """Reads of the copies of new thoughts, speaker by speaker, and of where those at hand are."""
        keys_by_speaker: dict[str | None, list[int]] = defaultdict(list)
        for insert in inserts:
            keys_by_speaker[insert.memory.speaker].append(insert.entry.text_key)
        for speaker, keys in keys_by_speaker.items():
            yield partial(_same_thoughts, keys, speaker)
        yield lambda view: view.locate([id for insert in inserts for id in insert.memory.sources])

    def _add(self, thoughts: Iterable[Memory]) -> None:
        for thought in thoughts:
            key = copy_key(thought.text)
            self._thoughts[fixed_tokens(key)].append((thought, key))

    def steps(self) -> Iterator[Step]:
        """The operations, with what the comparison made of the inserts.

        What takes the place of an insert that only cites another thought takes that one's place.
        """
        cited: dict[str, str] = {}
        for operation in self._operations:
            if isinstance(operation, Supersede):
                yield replace(operation, id=cited.get(operation.id, operation.id))
            elif isinstance(operation, Insert):
                step = self._insert_or_merge(operation)
                cited |= {operation.memory.id: step.id} if isinstance(step, Cite) else {}
                yield step
            else:
                yield operation

    def _insert_or_merge(self, insert: Insert) -> Operation:
        new, own = insert.memory, copy_key(insert.memory.text)
        same = self._copies.get(voice_key(new, insert.entry)) or self._first_active(
            m for m, key in self._alike(new, own) if says_all_of(key, own)
        )
        if same is not None:
            return Cite(same.id, new.sources)
        parts = (m for m, key in self._alike(new, own) if m.author != "user" and says_all_of(own, key))
        narrower = self._first_active(m for m in parts if m.id not in self._taken)
        if narrower is None:
            return insert
        self._taken.add(narrower.id)
        return Merge((narrower.id,), new, insert.entry)

    def _alike(self, new: Memory, own: CopyKey) -> Iterator[tuple[Memory, CopyKey]]:
        """Thoughts of the same head and speaker, or of none, that may be near copies."""
        head = _head_key(new.head)
        pairs = self._thoughts.get(fixed_tokens(own), ())
        same_head = ((m, key) for m, key in pairs if None in (head, m.head) or head == _head_key(m.head))
        return ((m, key) for m, key in same_head if m.speaker is None or is_same_name(m.speaker, new.speaker))

    def _first_active(self, thoughts: Iterable[Memory]) -> Memory | None:
        """The first one that is still in the bank as it was read."""
        return next((m for m in thoughts if self._is_active(m)), None)

    def _is_active(self, thought: Memory) -> bool:
        stored = self._view.memories(list(self._view.locate([thought.id]).values()))
        return any(m.state == "active" and m.text == thought.text for m in stored.values())


def _same_thoughts(keys: Sequence[int], speaker: str | None, view: BankView) -> dict[int, Memory]:
    return view.same_thoughts(keys, speaker)


def _head_key(head: str | None) -> str | None:
    return head and plain_name(head)
