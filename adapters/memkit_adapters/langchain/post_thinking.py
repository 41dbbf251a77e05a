"""The post-thinking updater: an exchange observed and thought about."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config

import memkit
from memkit_adapters.langchain.banks import BankOf, bank_function
from memkit_adapters.langchain.messages import UNNAMED_PERSON, exchange_of, speaker_of, turns_of


class PostThinking(Runnable[Any, memkit.Receipt]):
    """The post-thinking updater (TiM): observes what it is given, thinks about it, gives the receipt.

    Takes messages, {"input": ..., "output": ...} or None (then it only thinks). Put it beside the answer,
    not before it: it may ask a model.
    """

    def __init__(self, bank: memkit.Bank | BankOf, *, session: str | None = None) -> None:
        self._bank_of, self._session = bank_function(bank), session

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> memkit.Receipt:
        """Observe and think."""
        bank, turns = self._read(input, ensure_config(config))
        if turns:
            bank.rename_speaker(UNNAMED_PERSON, speaker_of(turns))
            bank.observe(_answered_again(turns, bank.repeated(turns[:-1])))
        return bank.think()

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> memkit.Receipt:
        """The same, awaited."""
        bank, turns = self._read(input, ensure_config(config))
        if turns:
            await bank.aio.rename_speaker(UNNAMED_PERSON, speaker_of(turns))
            await bank.aio.observe(_answered_again(turns, await bank.aio.repeated(turns[:-1])))
        return await bank.aio.think()

    def _read(self, input: Any, config: RunnableConfig) -> tuple[memkit.Bank, list[memkit.Turn]]:
        bank = self._bank_of(config)
        return bank, turns_of(bank, exchange_of(input), config, self._session)


def _answered_again(turns: list[memkit.Turn], question: Sequence[memkit.Memory]) -> list[memkit.Turn]:
    """The answer alone, where what it answers is stored."""
    is_answer = question and turns[-1].role == "assistant"
    return [replace(turns[-1], reply_to=question[0].id)] if is_answer else turns
