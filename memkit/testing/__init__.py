"""Doubles for users' tests, and the contract test of storages. Nothing here needs a network."""

from memkit.testing.doubles import FrozenClock, ScriptedThinker
from memkit.testing.storage_contract import StorageContract

__all__ = ["FrozenClock", "ScriptedThinker", "StorageContract"]
