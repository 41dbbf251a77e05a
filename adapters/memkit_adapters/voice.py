"""Memory within a voice turn: recall against a clock, and writing beside the talk, in the order of what was said."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import memkit
from memkit_adapters.sparing import log, spared, tell_refused

READING_THREADS = 2  # so that a recall that is late doesn't hold up the next turn's
WARMING_TEXT = "hello"


class VoiceOptions(NamedTuple):
    """Options of a voice's memory. `budget_ms`: milliseconds for which a turn waits for what is recalled, at most.

    `k` and `max_tokens` bound what is shown; `speaker`: the person's name.
    """

    speaker: str = "user"
    budget_ms: float = 50
    k: int = 10
    max_tokens: int = 500


class VoiceMemory:
    """Memory of one conversation that is spoken; no call of it blocks the event loop or raises what a bank raises.

    `bank` gives the bank, in a thread of its own; `session`: the conversation's name.
    """

    def __init__(self, bank: Callable[[], memkit.Bank], session: str, options: VoiceOptions) -> None:
        self.session, self._bank, self._options = session, bank, options
        self._readers = ThreadPoolExecutor(READING_THREADS, "memkit-recall")
        self._writer = ThreadPoolExecutor(1, "memkit-observe")
        self._asked, self._recalling = "", Future[str]()

    def warm(self) -> None:
        """Have loaded ahead what the first turn needs."""
        self._readers.submit(self._warm)

    async def block(self, question: str, said: Sequence[dict[str, Any]], name: str) -> str:
        """The block for a turn's prompt; "" where nothing is known, or not within the budget, which the log tells.

        `said`: messages that the model has before it anyway; `name`: of the turn, for the log. What comes too late is
        there for the next call with the same question.
        """
        if question != self._asked:
            self._asked, self._recalling = question, self._readers.submit(self._recalled, question, list(said))
        recalling = asyncio.wrap_future(self._recalling)
        done, _ = await asyncio.wait({recalling}, timeout=self._options.budget_ms / 1000)
        if done:
            return recalling.result()
        log.warning(
            "memkit: recall took more than %g ms, the turn goes on without it (message %s)",
            self._options.budget_ms,
            name,
        )
        return ""

    def hear(self, messages: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
        """Observe what of these messages is new, after what was heard before; `names`: of each, for the log."""
        self._writer.submit(self._observe, list(messages), list(names))

    async def written(self) -> None:
        """Wait until what was heard so far is stored."""
        await asyncio.wrap_future(self._writer.submit(bool))

    # in threads beside the event loop

    def _warm(self) -> None:
        """Recall once by words that the bank holds, as far as it holds any; nothing grows stronger by it."""
        with spared("loading ahead"):
            bank = self._bank()
            newest = bank.list(kinds=["turn"], limit=1, order="-recorded_at")
            bank.recall(next((turn.text for turn in newest), WARMING_TEXT), k=self._options.k, reinforce=False)

    def _recalled(self, question: str, said: Sequence[dict[str, Any]]) -> str:
        with spared("recall"):
            hits = self._bank().recall(question, k=self._options.k, without=said)
            return hits.prompt(self._options.max_tokens)
        return ""

    def _observe(self, messages: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
        with spared("observe", names):
            named = [message | {"name": self._speaker(message["role"])} for message in messages]
            tell_refused(self._bank().session(self.session).catch_up(named), names)

    def _speaker(self, role: str) -> str:
        return self._options.speaker if role == "user" else role
