"""Revision: a thinker's proposals, checked one by one before anything is touched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from memkit.models import Memory, Trace
from memkit.operations import Forget, Insert, Merge, Operation, Proposal, Skip, Supersede
from memkit.protocols import Task
from memkit.text.near_copies import is_copy

LONGEST = 500  # characters of one thought

NewId = Callable[[], str]
MakeTraces = Callable[[Sequence[Memory]], Sequence[Trace]]


def revise(proposals: Sequence[Proposal], task: Task, *, new_id: NewId, trace: MakeTraces) -> list[Operation]:
    """Operations for the proposals that pass, a Skip with the reason for each that doesn't, in order.

    Refused: ids that aren't among the task's thoughts, texts that are empty, enormous or already known,
    forgetting without a reason, anything that would override a correction by the user.
    """
    revision = _Revision(task, new_id)
    drafts = [revision.check(proposal) for proposal in proposals]
    traces = iter(trace([d.memory for d in drafts if d.memory is not None]))
    return [_operation(draft, next(traces) if draft.memory is not None else None) for draft in drafts]


@dataclass(frozen=True)
class _Draft:
    """A checked proposal: refused with a reason, or the thought that it leads to."""

    proposal: Proposal
    memory: Memory | None = None
    refused: str | None = None


@dataclass
class _Revision:
    task: Task
    new_id: NewId
    written: list[Memory] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def check(self, proposal: Proposal) -> _Draft:
        """The proposal as a draft; what one proposal takes, a later one can't."""
        refused = self._refusal(proposal)
        if refused is not None:
            return _Draft(proposal, refused=refused)
        self.used.update(proposal.ids)
        if proposal.action == "forget":
            return _Draft(proposal)
        memory = self._memory(proposal)
        self.written.append(memory)
        return _Draft(proposal, memory)

    def _refusal(self, proposal: Proposal) -> str | None:
        known = {thought.id: thought for thought in self.task.thoughts}
        targets = [known.get(id) for id in proposal.ids]
        if proposal.action not in ("insert", "merge", "supersede", "forget"):
            return "unknown action"
        if None in targets or (proposal.action != "insert" and not targets):
            return "names a thought that isn't at hand"
        if self.used & set(proposal.ids):
            return "an earlier operation already changed this thought"
        if any(target is not None and target.author == "user" for target in targets):
            return "a correction by the user stands"
        if proposal.action == "forget":
            return None if proposal.reason else "forgetting needs a reason"
        return self._bad_text(proposal)

    def _bad_text(self, proposal: Proposal) -> str | None:
        text = proposal.text.strip()
        if not text or len(text) > LONGEST or "\0" in text:
            return f"a thought has 1 to {LONGEST} characters"
        others = [m for m in [*self.task.thoughts, *self.written] if m.id not in proposal.ids]
        if any(is_copy(text, m.text) and m.speaker in (None, proposal.speaker) for m in others):
            return "already known"
        return None

    def _memory(self, proposal: Proposal) -> Memory:
        turns = {turn.id: turn for turn in self.task.turns}
        sources = tuple(id for id in proposal.source_ids if id in turns) or tuple(turns)
        said = max((turns[id].occurred_at for id in sources), default=self.task.now)
        return Memory(
            id=self.new_id(),
            kind="thought",
            text=proposal.text.strip(),
            occurred_at=said,
            recorded_at=self.task.now,
            speaker=proposal.speaker,
            sources=sources,
            author="thinker",
            head=proposal.head,
            relation=proposal.relation,
            tail=proposal.tail,
            metadata=dict(proposal.extra),
            valid_from=_start(proposal, said),
            valid_until=proposal.valid_until,
        )


def _start(proposal: Proposal, said: datetime) -> datetime | None:
    """What replaces something holds from some moment on: at the latest from when it was said."""
    return proposal.valid_from or (said if proposal.action == "supersede" else None)


def _operation(draft: _Draft, trace: Trace | None) -> Operation:
    proposal = draft.proposal
    if draft.refused is not None:
        return Skip(proposal.ids[0] if proposal.ids else None, draft.refused)
    if draft.memory is None or trace is None:
        return Forget(proposal.ids[0], proposal.reason or "", author="thinker")
    if proposal.action == "merge":
        return Merge(proposal.ids, draft.memory, trace)
    if proposal.action == "supersede":
        return Supersede(proposal.ids[0], draft.memory, trace, proposal.reason)
    return Insert(draft.memory, trace)
