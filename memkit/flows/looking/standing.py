"""Standing instructions: what people asked an agent to do from then on, and didn't take back since."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from memkit.flows.context import BankContext
from memkit.models import Memory
from memkit.recall.present.asides import StandingInstruction
from memkit.runtime.index_cache import MAX_INSTRUCTING
from memkit.text.forgetting.requests import without_requests
from memkit.text.intents.instructions import Instruction, instructions
from memkit.text.terms.forms import is_same_name

MAX_STANDING = 10  # instructions that are given
PERSON_ROLES = (None, "user")


def standing(ctx: BankContext) -> list[StandingInstruction]:
    """Standing instructions that hold now, newest first, at most ten."""
    state = ctx.state()
    if state is None:
        return []
    with ctx.storage.view(state.number) as view:
        instructing = [seq for seq, _ in view.mentions(("standing",))][-MAX_INSTRUCTING:]
        return standing_of(view.memories(instructing), instructing)


def standing_of(
    memories: Mapping[int, Memory], instructing: Iterable[int], as_of: datetime | None = None
) -> list[StandingInstruction]:
    """Standing instructions of these turns, by their seqs, as far as they were recorded by a moment."""
    turns = (memories[seq] for seq in instructing if seq in memories)
    return standing_in(turn for turn in turns if as_of is None or turn.recorded_at <= as_of)


def standing_in(turns: Iterable[Memory]) -> list[StandingInstruction]:
    """Instructions of these turns, newest first, without those that a later one of the same person replaces."""
    said = sorted(filter(_counts, turns), key=lambda turn: (turn.occurred_at, turn.recorded_at))
    pairs = [(instruction, turn) for turn in said for instruction in instructions(without_requests(turn.text))]
    standing_pairs: list[tuple[Instruction, Memory]] = []
    for instruction, turn in reversed(pairs):
        if not any(newer.replaces(instruction) and is_same_person(turn, other) for newer, other in standing_pairs):
            standing_pairs.append((instruction, turn))
    held = [StandingInstruction(text=each.sentence, memory=turn) for each, turn in standing_pairs if not each.releases]
    return held[:MAX_STANDING]


def _counts(turn: Memory) -> bool:
    return turn.state == "active" and turn.kind == "turn" and turn.role in PERSON_ROLES


def is_same_person(turn: Memory, other: Memory) -> bool:
    """Whether two turns are of one speaker."""
    return is_same_name(turn.speaker or "", other.speaker or "")
