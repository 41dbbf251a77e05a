"""memkit: long-term memory for LLM agents, embedded like SQLite.

with memkit.open("companion.db") as store:
    ana = store.bank("acme", "ana")
    ana.observe([("ana", "I moved to Lisbon in May.")])
    print(ana.recall("Where does she live?").prompt(max_tokens=300))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memkit.bank import MemoryBank
    from memkit.banks import Bank
    from memkit.errors import MemkitError
    from memkit.items import Item
    from memkit.models import Hit, Memory, Receipt, Turn
    from memkit.recall.present.recollection import Recollection
    from memkit.recovery import repair, restore
    from memkit.serve.client.connecting import connect
    from memkit.settings import Settings
    from memkit.store import MemoryStore
    from memkit.store import open_store as open

__all__ = [
    "Bank",
    "Hit",
    "Item",
    "MemkitError",
    "Memory",
    "MemoryBank",
    "MemoryStore",
    "Receipt",
    "Recollection",
    "Settings",
    "Turn",
    "connect",
    "open",
    "repair",
    "restore",
]

_HOME_MODULES = {
    "Bank": "banks",
    "Hit": "models",
    "Item": "items",
    "MemkitError": "errors",
    "Memory": "models",
    "MemoryBank": "bank",
    "MemoryStore": "store",
    "Receipt": "models",
    "Recollection": "recall.present.recollection",
    "Settings": "settings",
    "Turn": "models",
    "connect": "serve.client.connecting",
    "open": "store",
    "repair": "recovery",
    "restore": "recovery",
}


def __getattr__(name: str) -> Any:
    """Import a public name where it is first used: `import memkit` itself stays light."""
    if name not in _HOME_MODULES:
        raise AttributeError(f"module 'memkit' has no attribute {name!r}")
    value = getattr(import_module(f"memkit.{_HOME_MODULES[name]}"), "open_store" if name == "open" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
