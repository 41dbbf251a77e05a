"""The same bank under several settings at once: heard once into a file, asked by one more store per variant."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import memkit
from memkit import MemoryBank, MemoryStore
from memkit.evaluation.formats.cases import Conversation
from memkit.evaluation.metrics import Ranks, ranks_of
from memkit.evaluation.recall.caching_encoder import RememberingEncoder
from memkit.evaluation.recall.variants import Variant
from memkit.models import Kind

DEPTH = 50  # results that are asked for where turns are scored
DEEPEST = 10_000  # turns that are asked for where sessions are scored: a session ranks as its best turn
FIRST = 400  # ... and at first, where only the best NEEDED sessions matter
NEEDED = 25


@contextmanager
def opened(
    conversation: Conversation, encoder: RememberingEncoder, variants: Sequence[Variant]
) -> Iterator[tuple[MemoryStore, Mapping[str, MemoryBank]]]:
    """A store to hear a conversation in, and for each variant the bank as it is seen through its settings."""
    with ExitStack() as stack:
        path = Path(stack.enter_context(TemporaryDirectory())) / "evaluation.db"

        def store(settings: memkit.Settings | None, *, read_only: bool) -> MemoryStore:
            made = memkit.open(
                path, encoder=encoder, clock=lambda: conversation.end, settings=settings, read_only=read_only
            )
            return stack.enter_context(made)

        main = store(None, read_only=False)
        yield main, {v.name: bank_of(store(v.settings, read_only=True), conversation) for v in variants}


def bank_of(store: MemoryStore, conversation: Conversation) -> MemoryBank:
    """The bank that a conversation is heard into."""
    return store.bank("evaluation", conversation.name)


class Rankings:
    """Rankings of one conversation: memories without the floor, and the turns or sessions that evidence names."""

    def __init__(self, conversation: Conversation, kinds: tuple[Kind, ...] | None) -> None:
        self._kinds = kinds
        self._sessions = conversation.unit == "session"
        self._units = dict(zip((str(turn.id) for turn in conversation.turns), conversation.units, strict=True))

    def units(self, memories: Sequence[str]) -> list[str]:
        """Turns or sessions, best first, each as often as it is found."""
        return [self._units.get(memory, memory) for memory in memories]

    def memories(self, bank: MemoryBank, text: str, now: datetime, known: int) -> list[str]:
        """Ids, best first, as deep as any figure needs."""
        return self._asked(bank, text, now, min(DEEPEST, known) if self._sessions else DEPTH)

    def briefly(self, bank: MemoryBank, text: str, now: datetime, known: int) -> list[str]:
        """The same at its beginning: as deep as the best NEEDED turns or sessions."""
        if not self._sessions:
            return self.memories(bank, text, now, known)
        found = self._asked(bank, text, now, min(FIRST, known))
        enough = len(found) < FIRST or len(set(self.units(found))) >= NEEDED
        return found if enough else self.memories(bank, text, now, known)

    def ranks(self, memories: Sequence[str], evidence: frozenset[str]) -> Ranks:
        """Where the evidence stands."""
        return ranks_of(dict.fromkeys(self.units(memories)), evidence)

    def _asked(self, bank: MemoryBank, text: str, now: datetime, k: int) -> list[str]:
        found = bank.recall(text, k=k, kinds=self._kinds, min_score=0, now=now, reinforce=False)
        return [hit.memory.id for hit in found]
