"""The same bank under several settings at once: heard once into a file, asked by one more store per variant."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import memkit
from memkit import MemoryBank, MemoryStore
from memkit.evaluation.formats.conversation import Conversation
from memkit.evaluation.metrics import Ranks, ranks_of
from memkit.evaluation.recall.caching_encoder import CachingEncoder
from memkit.evaluation.recall.variants import Variant
from memkit.models import Kind
from memkit.settings import Settings

TURN_DEPTH = 50  # results that are asked for where turns are scored
MAX_DEPTH = 10_000  # turns that are asked for where sessions are scored: a session ranks as its best turn
FIRST_DEPTH = 400  # ... and at first, where only the best NEEDED_SESSIONS matter
NEEDED_SESSIONS = 25
ENCODE_TIMEOUT_S = 3600.0


@contextmanager
def open_variants(
    conversation: Conversation, encoder: CachingEncoder, variants: Sequence[Variant]
) -> Iterator[tuple[MemoryStore, Mapping[str, MemoryBank]]]:
    """A store to hear a conversation in, and for each variant the bank as it is seen through its settings."""
    with ExitStack() as stack:
        path = Path(stack.enter_context(TemporaryDirectory())) / "evaluation.db"

        def store(settings: Settings, *, read_only: bool) -> MemoryStore:
            opened = memkit.open(
                path,
                encoder=encoder,
                clock=lambda: conversation.end,
                settings=with_patience(settings),
                read_only=read_only,
            )
            return stack.enter_context(opened)

        main = store(Settings(), read_only=False)
        yield main, {v.name: conversation_bank(store(v.settings, read_only=True), conversation) for v in variants}


def with_patience(settings: Settings) -> Settings:
    """Settings under which a busy machine leaves no turn without a vector, which would change the figures."""
    runtime = settings.runtime.model_copy(update={"encode_timeout": ENCODE_TIMEOUT_S})
    return settings.model_copy(update={"runtime": runtime})


def conversation_bank(store: MemoryStore, conversation: Conversation) -> MemoryBank:
    """The bank that a conversation is heard into."""
    return store.bank("evaluation", conversation.name)


class Rankings:
    """Rankings of one conversation: memories without the floor, and the turns or sessions that evidence names."""

    def __init__(self, conversation: Conversation, kinds: tuple[Kind, ...] | None) -> None:
        self._kinds = kinds
        self._sessions = conversation.unit == "session"
        self._units = dict(zip((str(turn.id) for turn in conversation.turns), conversation.units, strict=True))

    def units(self, memories: Sequence[str]) -> list[str]:
        """Turns or sessions, best first, each as often as it is hit."""
        return [self._units.get(memory, memory) for memory in memories]

    def memories(self, bank: MemoryBank, text: str, now: datetime, turn_count: int) -> list[str]:
        """Ids, best first, as deep as any figure needs."""
        return self._asked(bank, text, now, min(MAX_DEPTH, turn_count) if self._sessions else TURN_DEPTH)

    def briefly(self, bank: MemoryBank, text: str, now: datetime, turn_count: int) -> list[str]:
        """The same at its beginning: as deep as the best NEEDED_SESSIONS turns or sessions."""
        if not self._sessions:
            return self.memories(bank, text, now, turn_count)
        ids = self._asked(bank, text, now, min(FIRST_DEPTH, turn_count))
        enough = len(ids) < FIRST_DEPTH or len(set(self.units(ids))) >= NEEDED_SESSIONS
        return ids if enough else self.memories(bank, text, now, turn_count)

    def ranks(self, memories: Sequence[str], evidence: frozenset[str]) -> Ranks:
        """Ranks of the evidence."""
        return ranks_of(dict.fromkeys(self.units(memories)), evidence)

    def _asked(self, bank: MemoryBank, text: str, now: datetime, k: int) -> list[str]:
        hits = bank.recall(text, k=k, kinds=self._kinds, min_score=0, now=now, reinforce=False)
        return [hit.memory.id for hit in hits]
