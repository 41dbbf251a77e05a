"""Revision: a thinker's proposals, checked one by one before anything is touched."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from memkit.errors import InvalidTextError
from memkit.models import IndexEntry, Memory, Outcome, checked_text
from memkit.operations import Cite, Forget, Insert, Merge, Proposal, Step, Supersede
from memkit.protocols import Task
from memkit.text.forgetting.requests import asked_topics
from memkit.text.near_copies import CopyKey, copy_key, is_copy, numbers_of
from memkit.text.terms.forms import may_be_same_name
from memkit.think.extractive.contradictions import StandingFacts
from memkit.think.extractive.relation_names import is_functional
from memkit.think.requests import ASKED_REASON, ASKING_PATTERN, belongs_to

MAX_THOUGHT_CHARS = 500
MAX_NAME_CHARS = 200  # of a head, a relation, a tail, and of a reason
RETRACTION_WORDS = frozenset(
    "retracted retract joke joking kidding mistake mistaken misheard wrong never untrue".split()
)

OUTRANKED_REASON = "a correction by the user stands"

KNOWN_REASON = "already known"

NewId = Callable[[], str]
MakeEntries = Callable[[Sequence[Memory]], Sequence[IndexEntry]]


def revise(proposals: Sequence[Proposal], task: Task, *, new_id: NewId, make_entries: MakeEntries) -> list[Step]:
    """Operations for the proposals that pass, an outcome "skipped" with the reason for each that doesn't.

    They come in the order in which they were said: of what there is one of, the later takes the place of the earlier.

    Refused: ids that aren't among the task's thoughts, texts that are empty, enormous or already known, what
    rests on an assistant's words alone, forgetting without a reason or where a fact only changed, a merge that
    would lose something, anything that would override a correction by the user.
    """
    paired = _paired(proposals, task)
    revision = _Revision(task, new_id, standing=_standing_facts(task, paired))
    drafts = [revision.check(proposal) for proposal in sorted(paired, key=revision.said_at)]
    entries = iter(make_entries([draft.memory for draft in drafts if isinstance(draft, _Draft)]))
    return [draft.operation(next(entries)) if isinstance(draft, _Draft) else draft for draft in drafts]


class _Draft(NamedTuple):
    """A proposal that passed, and the thought that it leads to."""

    proposal: Proposal
    memory: Memory

    def operation(self, entry: IndexEntry) -> Step:
        if self.proposal.action == "merge":
            return Merge(self.proposal.ids, self.memory, entry)
        if self.proposal.action == "supersede":
            return Supersede(self.proposal.ids[0], self.memory, entry, self.proposal.reason)
        return Insert(self.memory, entry)


@dataclass
class _Revision:
    task: Task
    new_id: NewId
    standing: StandingFacts[Memory]  # of the task's thoughts that no proposal names, and of what was written
    written: dict[CopyKey, list[Memory]] = field(default_factory=lambda: defaultdict(list))
    used: set[str] = field(default_factory=set)

    def check(self, proposal: Proposal) -> Step | _Draft:
        """The proposal's operation, or its draft; what one proposal takes, a later one can't.

        What says the same as a thought that is there cites it.
        """
        refused = self._refusal(proposal)
        same = self._same_thought(proposal) if refused == KNOWN_REASON else None
        if same is not None or (refused is None and proposal.action == "cite"):
            return Cite(proposal.ids[0] if same is None else same.id, self._sources(proposal))
        if refused is not None:
            return Outcome.skipped(proposal.ids[0] if proposal.ids else None, refused)
        proposal = self._succeeding(proposal)
        self.used.update(proposal.ids)
        if proposal.action == "forget":
            return self._forgetting(proposal)
        memory = self._memory(proposal)
        self.written[copy_key(memory.text)].append(memory)
        self.standing.add(memory)
        return _Draft(proposal, memory)

    def _forgetting(self, proposal: Proposal) -> Forget:
        asking = self._asking_turn(proposal)
        reason = ASKED_REASON if asking is not None else proposal.reason or ""
        return Forget(proposal.ids[0], reason, author="thinker", asked_in=None if asking is None else asking.id)

    def _asking_turn(self, proposal: Proposal) -> Memory | None:
        """The turn of a person in which something was asked to be forgotten, if that is what a proposal tells."""
        sources = set(self._sources(proposal))
        turns = [turn for turn in self.task.turns if turn.id in sources and is_person(turn) and turn.speaker]
        asking = [turn for turn in turns if asked_topics(turn.text)]
        if asking or not ASKING_PATTERN.search(proposal.reason or ""):
            return asking[-1] if asking else None
        return turns[-1] if len({turn.speaker for turn in turns}) == 1 else None

    def _bad_forgetting(self, proposal: Proposal, olds: Sequence[Memory]) -> str | None:
        """A refusal, unless what is forgotten was never true, or its own speaker asks to have it forgotten.

        A fact that only changed has something in its place.
        """
        asking = self._asking_turn(proposal)
        if asking is not None:
            own = all(belongs_to(old, asking.speaker or "") for old in olds)
            return None if own else "asks to have forgotten what somebody else said of others"
        if not proposal.reason:
            return "forgetting needs a reason"
        if any(old.relation is not None for old in olds) and not _retracts(proposal):
            return "a fact that changed needs what takes its place"
        return None

    def said_at(self, proposal: Proposal) -> datetime:
        """Moment at which the latest of the turns that a proposal rests on was said."""
        return max((self._moments[id] for id in self._sources(proposal)), default=self.task.now)

    @cached_property
    def _moments(self) -> dict[str, datetime]:
        return {turn.id: turn.occurred_at for turn in self.task.turns}

    def _succeeding(self, proposal: Proposal) -> Proposal:
        """An insertion that tells otherwise than a thought or an earlier proposal takes that one's place."""
        olds = self.standing.succeeded_by(proposal) if proposal.action == "insert" else []
        if not olds:
            return proposal
        old = max(olds, key=lambda m: m.occurred_at)
        self.standing.remove(old)
        return replace(proposal, action="supersede", ids=(old.id,), reason="changed")

    def _refusal(self, proposal: Proposal) -> str | None:
        thoughts = {thought.id: thought for thought in self.task.thoughts}
        targets = [thoughts.get(id) for id in proposal.ids]
        if proposal.action not in ("insert", "merge", "supersede", "forget", "cite"):
            return "unknown action"
        if None in targets or (proposal.action != "insert" and not targets):
            return "names a thought that isn't at hand"
        if self.used & set(proposal.ids):
            return "an earlier operation already changed this thought"
        olds = [target for target in targets if target is not None]
        if any(old.author == "user" for old in olds):
            return OUTRANKED_REASON
        if not all(map(_storable, (proposal.head, proposal.relation, proposal.tail, proposal.reason))):
            return f"head, relation, tail and reason have up to {MAX_NAME_CHARS} characters of Unicode text"
        if proposal.action == "forget":
            return self._bad_forgetting(proposal, olds)
        if proposal.action == "cite":
            return self._unsupported(proposal)
        return self._bad_text(proposal) or self._unsupported(proposal) or self._bad_merge(proposal, olds)

    def _bad_text(self, proposal: Proposal) -> str | None:
        text = proposal.text.strip()
        if not text or not _storable(text, MAX_THOUGHT_CHARS):
            return f"a thought has 1 to {MAX_THOUGHT_CHARS} characters of Unicode text"
        if any(is_copy(text, m.text) for m in self.task.corrected) or self._against_the_user(proposal):
            return OUTRANKED_REASON
        return None if self._same_thought(proposal) is None else KNOWN_REASON

    def _same_thought(self, proposal: Proposal) -> Memory | None:
        """A thought that says the same."""
        speaker, key = self._speaker(proposal), copy_key(proposal.text.strip())
        gone = self.used.union(proposal.ids)
        same = (m for m in [*self._thoughts_by_key[key], *self.written[key]] if m.id not in gone)
        return next((m for m in same if may_be_same_name(m.speaker, speaker)), None)

    @cached_property
    def _thoughts_by_key(self) -> dict[CopyKey, list[Memory]]:
        thoughts: dict[CopyKey, list[Memory]] = defaultdict(list)
        for thought in self.task.thoughts:
            thoughts[copy_key(thought.text)].append(thought)
        return thoughts

    def _against_the_user(self, proposal: Proposal) -> bool:
        """Whether a person can have only one of these, and the user said which."""
        said = [m for m in self.task.thoughts if m.author == "user" and m.relation is not None]
        same = (m for m in said if _key(m.head, m.relation) == _key(proposal.head, proposal.relation))
        return is_functional(proposal.relation) and any(same)

    def _unsupported(self, proposal: Proposal) -> str | None:
        sources = set(self._sources(proposal))
        turns = [turn for turn in self.task.turns if turn.id in sources]
        return "rests on an assistant's words alone" if turns and not any(map(is_person, turns)) else None

    def _bad_merge(self, proposal: Proposal, olds: Sequence[Memory]) -> str | None:
        if proposal.action != "merge":
            return None
        if len(set(proposal.ids)) < 2:
            return "a merge takes two thoughts or more"
        if len({(old.head or "").casefold() for old in olds}) > 1:
            return "only thoughts about the same are merged"
        numbers = numbers_of(proposal.text)
        return None if all(numbers_of(old.text) <= numbers for old in olds) else "the merged text leaves out a number"

    def _sources(self, proposal: Proposal) -> tuple[str, ...]:
        turns = [turn.id for turn in self.task.turns]
        return tuple(dict.fromkeys(id for id in proposal.source_ids if id in turns)) or tuple(turns)

    def _speaker(self, proposal: Proposal) -> str | None:
        """The speaker as proposed, else the only person among its sources."""
        sources = set(self._sources(proposal))
        people = {turn.speaker for turn in self.task.turns if turn.id in sources and is_person(turn)}
        return proposal.speaker or (people.pop() if len(people) == 1 else None)

    def _memory(self, proposal: Proposal) -> Memory:
        said = self.said_at(proposal)
        return Memory(
            id=self.new_id(),
            kind="thought",
            text=proposal.text.strip(),
            occurred_at=said,
            recorded_at=self.task.now,
            speaker=self._speaker(proposal),
            sources=self._sources(proposal),
            author="thinker",
            head=proposal.head,
            relation=proposal.relation,
            tail=proposal.tail,
            metadata=dict(proposal.extra),
            # what replaces something holds at the latest from when it was said
            valid_from=proposal.valid_from or (said if proposal.action == "supersede" else None),
            valid_until=proposal.valid_until,
        )


def is_person(turn: Memory) -> bool:
    """Whether a turn's words are somebody's own: an assistant's and a tool's are not."""
    return turn.role in (None, "user")


def _key(head: str | None, relation: str | None) -> tuple[str, str]:
    return ((head or "").casefold(), (relation or "").casefold())


def _storable(text: str | None, longest: int = MAX_NAME_CHARS) -> bool:
    if text is None:
        return True
    try:
        return len(checked_text(text, where="thought")) <= longest
    except InvalidTextError:
        return False


def _retracts(proposal: Proposal) -> bool:
    return bool(RETRACTION_WORDS.intersection(re.findall(r"\w+", (proposal.reason or "").casefold())))


def _standing_facts(task: Task, proposals: Sequence[Proposal]) -> StandingFacts[Memory]:
    """Thoughts that hold and that a thinker may replace; of one that a proposal names, that proposal decides."""
    named = {id for proposal in proposals for id in proposal.ids}
    free = (t for t in task.thoughts if t.author != "user" and t.valid_until is None and t.id not in named)
    return StandingFacts(sorted(free, key=lambda t: t.occurred_at))


def _paired(proposals: Sequence[Proposal], task: Task) -> list[Proposal]:
    """A fact that is forgotten while one with the same head and relation is inserted was superseded."""
    olds = {t.id: _key(t.head, t.relation) for t in task.thoughts if t.relation is not None}
    forgetting = [p for p in proposals if p.action == "forget" and not _retracts(p)]
    forgotten = {olds[id]: id for proposal in forgetting for id in proposal.ids if id in olds}
    paired = []
    for proposal in proposals:
        old = forgotten.pop(_key(proposal.head, proposal.relation), None) if proposal.action == "insert" else None
        paired.append(proposal if old is None else replace(proposal, action="supersede", ids=(old,)))
    return paired
