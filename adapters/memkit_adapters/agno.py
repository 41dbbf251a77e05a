"""memkit in Agno: a LearningStore that recalls before each run of an agent, and observes what was said in it.

    from memkit_adapters.agno import MemkitLearning

    agent = Agent(model=model, db=SqliteDb(db_file="agno.db"), telemetry=False)
    MemkitLearning(store.bank("acme", "ana")).attach(agent)

Agno calls no learning of an agent without `db=`; `attach` says so. One agent may serve many people: give a function
from the call's context (user_id, session_id, agent_id, ...) to a bank, or to None where nothing is to be remembered.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Any

import memkit
from memkit.errors import InputError
from memkit_adapters.sparing import spared

try:
    from agno.learn import LearningMachine
    from agno.models.message import Message
except ModuleNotFoundError as error:
    raise ImportError("memkit_adapters.agno needs Agno: pip install 'memkit-agents[agno]'") from error

Context = Mapping[str, Any]
BankOf = Callable[[Context], memkit.Bank | None]
SAID_ROLES = frozenset({"user", "assistant", "tool"})
MAX_NOTED_RUNS = 10_000  # whose blocks are noted until they end; those of failed runs go when it is full
CALL_NAMES = ("metadata", "dependencies", "session_state")  # of a run's context, handed on to a function of banks


class MemkitLearning:
    """Agno's LearningStore protocol over a bank, with its awaited twins.

    `bank`: one bank, or a function from the call's context to the bank of whoever is talking. `k`: results;
    `max_tokens`: of the block. Where the memory fails, the run goes on without it.
    """

    learning_type = "memkit"
    schema = None

    def __init__(self, bank: memkit.Bank | BankOf, *, k: int = 10, max_tokens: int = 1000) -> None:
        self._bank_of: BankOf = bank if callable(bank) else lambda context: bank
        self._k, self._max_tokens = k, max_tokens
        self._waiting: dict[str | None, Future[None]] = {}  # what a session's last run is still to write
        self._shown: dict[str, str] = {}  # blocks of runs that are going on
        self.was_updated = False

    def attach(self, agent: Any) -> None:
        """Make an agent, or a team, recall and observe. Raises InputError for one without a database."""
        if agent.db is None:
            raise InputError("MemkitLearning: Agno calls no learning of an agent without a database. Give it one: db=.")
        if agent.learning:
            raise InputError(
                'MemkitLearning: the agent has a learning already. Put custom_stores={"memkit": learning} into its '
                "LearningMachine, and learning.observe_run into the agent's post_hooks."
            )
        agent.learning = LearningMachine(custom_stores={self.learning_type: self})
        agent.post_hooks = [*(agent.post_hooks or []), self.observe_run]

    # out: what is known

    def recall(self, **context: Any) -> "RecalledBlock | None":
        """The block for the system message; None where nothing is known."""
        last = self._waiting.get(context.get("session_id"))
        if last is not None:
            wait([last])
        with spared("recall"):
            bank, query = self._bank_of(context), context.get("message") or context.get("query")
            if bank is not None and query:
                return self._noted(bank.recall(query, k=self._k).prompt(self._max_tokens), _run_id(context))
        return None

    def _noted(self, text: str, run_id: str | None) -> "RecalledBlock | None":
        if text and run_id is not None:
            self._shown[run_id] = text
            for old in list(self._shown)[:-MAX_NOTED_RUNS]:
                self._shown.pop(old, None)
        return RecalledBlock(text) if text else None

    async def arecall(self, **context: Any) -> "RecalledBlock | None":
        """The same, awaited."""
        return await asyncio.to_thread(self.recall, **context)

    def build_context(self, data: "RecalledBlock | None") -> str:
        """The block as text."""
        return "" if data is None else data.text

    def instructions(self) -> str:
        """Nothing: the block says itself what it is."""
        return ""

    def get_tools(self, **context: Any) -> list[Callable[..., Any]]:
        """No tools: recalling and observing need no decision of the model's."""
        return []

    async def aget_tools(self, **context: Any) -> list[Callable[..., Any]]:
        """The same, awaited."""
        return self.get_tools()

    # in: what was said

    def process(self, messages: Sequence[Message], **context: Any) -> None:
        """Observe a run's own messages, each once; the system's words and the history are passed over.

        They are known by their run and their place in it: where a run is tried again, its messages get other ids.
        """
        fresh = [message for message in messages if message.role in SAID_ROLES and not _is_passing(message)]
        with spared("observe", [message.id for message in fresh]):
            bank, run_id = self._bank_of(context) if fresh else None, _run_id(context)
            if bank is not None:
                ids = [f"agno:{run_id}:{i}" if run_id else message.id for i, message in enumerate(fresh)]
                turns = [_turn(bank, message, id, context) for message, id in zip(fresh, ids, strict=True)]
                self.was_updated = bank.observe(turns).count("added") > 0

    async def aprocess(self, messages: Sequence[Message], **context: Any) -> None:
        """The same, awaited."""
        await asyncio.to_thread(self.process, messages, **context)

    def observe_run(
        self,
        run_output: Any = None,
        agent: Any = None,
        team: Any = None,
        session: Any = None,
        user_id: Any = None,
        run_context: Any = None,
    ) -> None:
        """Observe a run with its answer, as a post-hook: Agno hands a learning its messages before the model answers.

        In an awaited run it is done beside the event loop; the session's next recall waits for it. What was recalled is
        taken out of the system message, which Agno is about to store.
        """
        context = {
            "run_context": run_context if team is None else None,  # a team gives its learning none: as it is there
            "user_id": user_id,
            "session_id": getattr(session, "session_id", None),
            "agent_id": getattr(agent, "id", None),
            "team_id": getattr(team, "id", None),
            **{name: getattr(run_context, name, None) for name in CALL_NAMES},
        }
        messages = list(getattr(run_output, "messages", None) or [])
        block = self._shown.pop(getattr(run_context, "run_id", ""), None)
        for message in messages if block else ():
            if message.role not in SAID_ROLES and isinstance(message.content, str):
                message.content = message.content.replace(str(block), "")
        if is_in_event_loop():
            self._submit(agent or team, messages, context)
        else:
            self.process(messages, **context)

    def _submit(self, runner: Any, messages: Sequence[Message], context: dict[str, Any]) -> None:
        session = context["session_id"]
        future = runner.background_executor.submit(self.process, messages, **context)
        self._waiting[session] = future
        future.add_done_callback(lambda done: self._release(session, done))

    def _release(self, session: str | None, written: Future[None]) -> None:
        if self._waiting.get(session) is written:
            self._waiting.pop(session, None)


class RecalledBlock:
    """A block of recalled memories. Agno writes what is recalled into its debug log: this shows no text there."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"<RecalledBlock: {len(self.text)} characters>"


def is_in_event_loop() -> bool:
    """Whether this thread runs an event loop, which is not to be blocked."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _is_passing(message: Message) -> bool:
    """Whether a message is of an earlier run, or isn't to be kept."""
    return message.from_history or message.temporary or not message.add_to_agent_memory


def _run_id(context: Context) -> str | None:
    return getattr(context.get("run_context"), "run_id", None)


def _turn(bank: memkit.Bank, message: Message, id: str, context: Context) -> memkit.Turn:
    said = {
        "role": message.role, "content": message.content, "tool_calls": message.tool_calls,
        "tool_call_id": message.tool_call_id,
    }  # fmt: skip
    speaker = message.name or context.get("user_id")
    [turn] = bank.read([said], speakers={"user": speaker} if speaker else None)
    return memkit.Turn(
        turn.text, turn.speaker, role=turn.role, id=id, at=message.created_at, session=context.get("session_id"),
        metadata=turn.metadata,
    )  # fmt: skip
