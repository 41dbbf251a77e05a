"""Bank of a call: one bank, or a function from the call's config to a bank."""

from collections.abc import Callable
from typing import Any

from langchain_core.runnables import RunnableConfig

import memkit

BankOf = Callable[[RunnableConfig], memkit.Bank]
AgentBankOf = Callable[[Any], memkit.Bank]  # from LangGraph's Runtime, in tools its ToolRuntime: has `context`


def bank_function(bank: memkit.Bank | BankOf) -> BankOf:
    """A function that gives the bank of a call."""
    return bank if callable(bank) else lambda config: bank


def agent_bank_function(bank: memkit.Bank | AgentBankOf) -> AgentBankOf:
    """A function that gives the bank of an agent's run."""
    return bank if callable(bank) else lambda runtime: bank
