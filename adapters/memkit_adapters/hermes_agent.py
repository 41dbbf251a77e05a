"""memkit as Hermes Agent's memory provider: what was said in any chat, recalled before each turn.

Hermes finds a provider by a folder. `$HERMES_HOME/plugins/memkit/__init__.py`, with `memory.provider: memkit` in its
config.yaml:

    from memkit_adapters.hermes_agent import MemkitProvider  # a MemoryProvider


    def register(ctx):
        ctx.register_memory_provider(MemkitProvider())

The memory lies in `$HERMES_HOME/memkit.db`, each person's in a bank of their own.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import memkit
from memkit_adapters.sparing import spared, tell_refused

try:
    from agent.memory_provider import MemoryProvider
except ModuleNotFoundError as error:
    raise ImportError(
        "memkit_adapters.hermes_agent needs Hermes Agent: pip install 'memkit-agents[hermes-agent]'"
    ) from error

BankOf = Callable[[Mapping[str, Any]], memkit.Bank]

FILE_NAME = "memkit.db"  # in HERMES_HOME
WRITING_CONTEXTS = ("primary", "")  # of agents whose talk is a person's: no schedules, no agents of agents
SHOWN_TURNS = 40  # newest ones of the session, which the model has before it anyway
SEARCH_TOOL = "search_past"
SEARCH_SCHEMA = {
    "name": SEARCH_TOOL,
    "description": "Search what was said in earlier conversations with this person.",
    "parameters": {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "What to look for, as a question or in words."}},
        "required": ["query"],
    },
}


class MemkitProvider(MemoryProvider):
    """A memory provider on a bank: recalls before a turn, observes it when it is complete, and searches when asked.

    `bank`: a bank, or a function from what Hermes tells of an agent (`hermes_home`, `platform`, `user_id`,
    `agent_identity` ...) to one; by default a bank for each profile and person in a file of `HERMES_HOME`, opened with
    `options` of `memkit.open`. `k` and `max_tokens` bound what is recalled. Where the memory fails, the agent goes on.
    """

    def __init__(
        self, bank: memkit.Bank | BankOf | None = None, *, k: int = 10, max_tokens: int = 1000, **options: Any
    ) -> None:
        self._given, self._options = bank, options
        self._k, self._max_tokens = k, max_tokens
        self._store: memkit.MemoryStore | None = None
        self._agent_facts: Mapping[str, Any] = {}
        self._session = ""

    @property
    def name(self) -> str:
        """The provider's name in Hermes' configuration."""
        return "memkit"

    def is_available(self) -> bool:
        """Whether it can be used: always, where it can be imported."""
        return True

    def initialize(self, session_id: str, **kwargs: Any) -> None:
        """Open the memory of whoever this agent serves."""
        self._session, self._agent_facts = session_id, kwargs
        if self._given is None and self._store is None:
            with spared("opening the store"):
                self._store = memkit.open(Path(kwargs["hermes_home"]) / FILE_NAME, **self._options)

    def prefetch(self, query: str, *, session_id: str = "") -> str:
        """The block for this turn: what answers the query beyond this conversation's last turns; "" for nothing."""
        bank = self._bank()
        if bank is None or not query.strip():
            return ""
        with spared("recall"):
            shown = bank.session(session_id or self._session).last(SHOWN_TURNS)
            hits = bank.recall(query, k=self._k, without=[turn.text for turn in shown])
            return hits.prompt(self._max_tokens)
        return ""

    def sync_turn(
        self,
        user_content: str,
        assistant_content: str,
        *,
        session_id: str = "",
        messages: list[dict[str, Any]] | None = None,
    ) -> None:
        """Observe what both said in a turn, once; Hermes calls it in a thread of its own."""
        bank, session = self._bank(), session_id or self._session
        if bank is None or self._agent_facts.get("agent_context", "") not in WRITING_CONTEXTS:
            return
        person = str(self._agent_facts.get("user_name") or "user")
        said = [
            {"role": "user", "name": person, "content": user_content},
            {"role": "assistant", "content": assistant_content},
        ]
        names = [f"the last question of {session}", f"the last answer of {session}"]
        with spared("observe", names):
            tell_refused(bank.session(session).catch_up(said), names)

    def on_session_switch(self, new_session_id: str, **kwargs: Any) -> None:
        """Go on under another session's name."""
        self._session = new_session_id

    def get_tool_schemas(self) -> list[dict[str, Any]]:
        """The tool by which the model searches."""
        return [SEARCH_SCHEMA]

    def handle_tool_call(self, tool_name: str, args: dict[str, Any], **kwargs: Any) -> str:
        """Quotes that answer the model's query, one dated line each, as JSON."""
        bank, query = self._bank(), str(args.get("query", ""))
        with spared("search"):
            hits = bank.recall(query, k=self._k) if bank is not None and query.strip() else None
            return json.dumps({"found": [quote.line for quote in hits.quotes(self._max_tokens)] if hits else []})
        return json.dumps({"error": "the memory can't be searched now"})

    def shutdown(self) -> None:
        """Close the file that it opened."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _bank(self) -> memkit.Bank | None:
        """The bank of whoever is served; None where there is no store."""
        if callable(self._given):
            return self._given(self._agent_facts)
        if self._given is not None or self._store is None:
            return self._given
        profile, person = self._agent_facts.get("agent_identity"), self._agent_facts.get("user_id")
        return self._store.bank("hermes", str(profile or "default"), str(person or "user"))
