"""The updater: one call for an exchange, one transaction for what comes of it, and nothing lost in between."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableLambda
from scripted_model import ScriptedModel, facts_in, inserting

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError, ThinkerError
from memkit.models import Outcome
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.settings import RuntimeSettings, Settings, ThinkSettings
from memkit.testing import FrozenClock, ScriptedThinker
from memkit.think.llm.thinker import LLMThinker

START_TIME = datetime(2025, 6, 2, 12, tzinfo=UTC)


def opened(model: Any, path: Path | str = ":memory:", **think: Any) -> memkit.MemoryStore:
    settings = Settings(think=ThinkSettings(**think))
    return memkit.open(path, encoder=HashingEncoder(), thinker=model, settings=settings, clock=FrozenClock(START_TIME))


def tell(bank: memkit.MemoryBank, *facts: int, reply: bool = True) -> None:
    """One exchange for each fact."""
    for fact in facts:
        at = START_TIME - timedelta(days=100) + timedelta(hours=2 * fact)
        turns = [memkit.Turn(f"Let me tell you fact number {fact}", "Ana", role="user", at=at)]
        answer = memkit.Turn(f"I see, that is {fact}", "bot", role="assistant", at=at + timedelta(minutes=1))
        bank.observe([*turns, answer] if reply else turns)


def queue(store: memkit.MemoryStore) -> dict[str, Any]:
    return next(iter(store.stats()["banks"].values()))["queue"]


def thought_texts(bank: memkit.MemoryBank) -> list[str]:
    return sorted(m.tail or "" for m in bank.list(kinds=["thought"], limit=1000))


def test_an_exchange_costs_one_call_and_a_batch_of_them_one_call_together() -> None:
    model = ScriptedModel(answering=inserting)
    with opened(model) as store:
        tell(store.bank("one"), *range(6))
        store.bank("one").think()
        assert (model.calls, len(thought_texts(store.bank("one")))) == (6, 6)
        tell(store.bank("three"), *range(6))
        store.bank("three").think(batch=3)
        assert (model.calls, len(thought_texts(store.bank("three")))) == (8, 6)
        with pytest.raises(InputError, match="batch"):
            store.bank("three").think(batch=0)


def test_progress_is_told_after_each_call_and_may_stop_the_thinking_there() -> None:
    steps: list[tuple[int, int]] = []

    def stop_at_four(done: int, total: int) -> None:
        steps.append((done, total))
        if done == 4:
            raise InterruptedError

    model = ScriptedModel(answering=inserting)
    with opened(model) as store:
        bank = store.bank("ana")
        tell(bank, *range(6))
        with pytest.raises(InterruptedError):
            bank.think(batch=2, progress=stop_at_four)
        assert steps == [(2, 6), (4, 6)]
        assert (model.calls, thought_texts(bank), queue(store)["waiting"]) == (2, ["0", "1", "2", "3"], 2)
        asyncio.run(bank.aio.think(progress=lambda done, total: steps.append((done, total))))
        assert (steps[2:], thought_texts(bank)[4:]) == ([(1, 2), (2, 2)], ["4", "5"])


def test_each_thought_of_a_batch_rests_on_the_turns_that_it_names() -> None:
    def answering(messages: list[BaseMessage]) -> str:
        return json.dumps(
            [{"op": "insert", "text": f"Fact {n}.", "turns": [2 * i + 1]} for i, n in enumerate(facts_in(messages))]
        )

    with opened(ScriptedModel(answering=answering), batch=10) as store:
        tell(store.bank("ana"), *range(4))
        store.bank("ana").think()
        for thought in store.bank("ana").list(kinds=["thought"]):
            [source] = thought.sources
            turn = store.bank("ana").get(source)
            assert turn is not None
            assert thought.text.rstrip(".")[-1] == turn.text[-1]


def test_a_batch_that_fails_is_tried_again_one_by_one() -> None:
    def answering(messages: list[BaseMessage]) -> str:
        return "no idea" if len(facts_in(messages)) > 1 or "3" in facts_in(messages) else inserting(messages)

    with opened(ScriptedModel(answering=answering), batch=5) as store:
        tell(store.bank("ana"), *range(5))
        assert store.bank("ana").think().count("rejected") == 5
        store.bank("ana").think()
        assert thought_texts(store.bank("ana")) == ["0", "1", "2", "4"]
        assert queue(store) == {
            "waiting": 1,
            "leased": 0,
            "put_off": 1,
            "most_attempts": 2,
            "errors": {"ThinkerOutputError": 1},
        }


def test_no_model_is_asked_where_nobody_tells_anything() -> None:
    model = ScriptedModel(answering=inserting)
    with opened(model) as store:
        bank = store.bank("ana")
        bank.observe([{"role": "assistant", "content": "Here is fact number 1 for you"}])
        bank.observe([("Ana", "???")])
        bank.think()
        assert (model.calls, queue(store)["waiting"]) == (0, 0)


def test_exchanges_below_a_salience_are_not_asked_about() -> None:
    model = ScriptedModel(answering=inserting)
    with opened(model, salience=1000.0) as store:
        tell(store.bank("ana"), 1)
        store.bank("ana").think()
        assert (model.calls, queue(store)["waiting"]) == (0, 0)
        assert len(store.bank("ana").list(kinds=["turn"])) == 2


def test_a_days_budget_of_calls_ends_the_work_and_the_next_day_goes_on(tmp_path: Path) -> None:
    model, path = ScriptedModel(answering=inserting), tmp_path / "m.db"
    with opened(model, path, calls_per_day=2) as store:
        tell(store.bank("ana"), *range(5))
        store.bank("ana").think()
        assert (model.calls, queue(store)["waiting"]) == (2, 3)
    with opened(model, path, calls_per_day=2) as store:
        assert store.bank("ana").think().outcomes[-1].reason == "today's budget is spent; the rest waits"
        assert model.calls == 2
        today = store.stats()["banks"]["ana"]["thinking_today"]
        assert today["calls"] == 2
        assert today["prompt_tokens"] > 100
        store._services.clock.advance(timedelta(days=1))  # type: ignore[attr-defined]
        store.maintain(5)
        assert store.stats()["banks"]["ana"]["thinking_today"]["calls"] == 2
        assert queue(store)["waiting"] == 1


def test_a_days_budget_of_tokens_ends_the_work_and_is_each_banks_own() -> None:
    model = ScriptedModel(answering=inserting)
    with opened(model, tokens_per_day=300) as store:
        for name in ("ana", "bob"):
            tell(store.bank(name), *range(3))
            store.bank(name).think()
        assert model.calls == 2
        assert [bank["queue"]["waiting"] for bank in store.stats()["banks"].values()] == [2, 2]


def test_reflection_counts_its_calls_and_leaves_for_tomorrow_what_the_days_budget_does_not_reach_for() -> None:
    model = ScriptedModel(answering=lambda _: "A quiet day.")
    with opened(model, calls_per_day=2) as store:
        bank, clock = store.bank("ana"), store._services.clock
        tell(bank, 0, 12)  # two days of a week: two summaries, one of the week, a portrait
        assert [o.reason for o in bank.reflect().outcomes][2:] == ["today's budget is spent; the rest waits"]
        today = store.stats()["banks"]["ana"]
        assert (model.calls, today["thinking_today"]["calls"]) == (2, 2)
        assert today["thinking_today"]["answer_tokens"] > 0
        assert (today["budget_spent"], today["summaries_waiting"]) == (True, 1)
        assert (bank.reflect().count("added"), bank.portrait()) == (0, None)
        clock.advance(timedelta(days=1))  # type: ignore[attr-defined]
        assert "summaries_waiting" not in store.stats()["banks"]["ana"]
        assert bank.reflect().count("added") == 2
        assert model.calls == 4
        assert bank.portrait() is not None


def test_a_failed_question_of_reflection_counts_too_and_what_thinking_spent_is_not_spent_again() -> None:
    def failing(_: list[BaseMessage]) -> str:
        raise ConnectionError

    model = ScriptedModel(answering=failing)
    with opened(model, calls_per_day=1) as store:
        bank = store.bank("ana")
        tell(bank, 1)
        assert bank.reflect().outcomes[0].reason == "extracted: ThinkerError from the model"
        bank.think()
        assert (model.calls, queue(store)["waiting"]) == (1, 1)


def test_the_extractive_reflection_has_no_budget() -> None:
    with opened(None, calls_per_day=0) as store:
        bank = store.bank("ana")
        tell(bank, 1)
        assert [outcome.action for outcome in bank.reflect().outcomes] == ["added", "added"]


def test_turns_that_come_while_the_model_is_asked_stay_queued() -> None:
    with opened(None) as store:
        bank = store.bank("ana")

        def answering(messages: list[BaseMessage]) -> str:
            if "1" in facts_in(messages):
                bank.observe([memkit.Turn("And fact number 2", "Ana", at=START_TIME - timedelta(minutes=4))])
            return inserting(messages)

        object.__setattr__(store._services, "thinker", LLMThinker(ScriptedModel(answering=answering)))
        bank.observe([memkit.Turn("This is fact number 1", "Ana", at=START_TIME - timedelta(minutes=5))])
        bank.think()
        assert (thought_texts(bank), queue(store)["waiting"]) == (["1"], 1)
        bank.think()
        assert (thought_texts(bank), queue(store)["waiting"]) == (["1", "2"], 0)


def test_nothing_comes_back_that_was_erased_while_the_model_was_asked() -> None:
    with opened(None) as store:
        bank = store.bank("ana")

        def answering(messages: list[BaseMessage]) -> str:
            if "2" in facts_in(messages):
                bank.erase(ids=["secret"])
            return inserting(messages)

        object.__setattr__(store._services, "thinker", LLMThinker(ScriptedModel(answering=answering)))
        bank.observe([memkit.Turn("My fact number 1 is no secret", "Ana", at=START_TIME)])
        bank.observe([memkit.Turn("My fact number 2 is one", "Ana", id="secret", at=START_TIME)])
        bank.think()
        assert (thought_texts(bank), queue(store)["waiting"]) == ([], 1)
        bank.think()
        assert (thought_texts(bank), queue(store)["waiting"]) == (["1"], 0)


async def test_a_chat_model_is_awaited_and_the_loop_goes_on() -> None:
    model = ScriptedModel(answering=inserting, delay=0.2)
    with opened(model) as store:
        names = [f"user{n}" for n in range(8)]
        for n, name in enumerate(names):
            tell(store.bank(name), n)
        start = time.perf_counter()
        await asyncio.gather(*(store.bank(name).aio.think() for name in names))
        assert time.perf_counter() - start < 1.0  # in turn, or in four workers: 1.6 and more, .4 and more
        assert (model.awaited, model.calls) == (8, 8)
        assert all(thought_texts(store.bank(name)) == [str(n)] for n, name in enumerate(names))


async def test_a_cancelled_think_lets_its_exchange_go_and_another_takes_it_at_once() -> None:
    slow, quick = ScriptedModel(answering=inserting, delay=60), ScriptedModel(answering=inserting)
    with opened(slow) as store:
        bank = store.bank("ana")
        tell(bank, 1)
        task = asyncio.create_task(bank.aio.think())
        while not slow.awaited:
            await asyncio.sleep(0.01)
        assert queue(store)["leased"] == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (queue(store)["leased"], queue(store)["waiting"]) == (0, 1)
        object.__setattr__(store._services, "thinker", LLMThinker(quick))
        await bank.aio.think()
        assert thought_texts(bank) == ["1"]


def test_an_exchange_that_somebody_is_at_is_left_alone_until_the_lease_ends(tmp_path: Path) -> None:
    clock = FrozenClock(START_TIME)

    class Watching:
        name = "watching"

        def think(self, task: Task) -> list[Proposal]:
            assert other.think().outcomes == ()  # not asked twice
            return [Proposal("insert", "Ana sings.")]

    settings = Settings(runtime=RuntimeSettings(lease=60))
    encoder = HashingEncoder()
    with (
        memkit.open(tmp_path / "m.db", encoder=encoder, thinker=Watching(), clock=clock, settings=settings) as store,
        memkit.open(tmp_path / "m.db", encoder=encoder, thinker=ScriptedThinker([]), clock=clock) as second,
    ):
        other = second.bank("ana")
        tell(store.bank("ana"), 1)
        store.bank("ana").think()
        assert len(store.bank("ana").list(kinds=["thought"])) == 1


def test_the_background_thinks_on_its_own_and_a_flush_waits_for_it() -> None:
    model = ScriptedModel(answering=inserting)
    with opened(model) as store, store.background(every_s=0.05) as background:
        tell(store.bank("ana"), 1)
        end = time.monotonic() + 10
        while queue(store)["waiting"] and time.monotonic() < end:
            time.sleep(0.02)
        assert thought_texts(store.bank("ana")) == ["1"]
        with pytest.raises(InputError, match="background"):
            store.background()
        tell(store.bank("ana"), 2, reply=False)
        assert background.flush(timeout_s=10)
        assert thought_texts(store.bank("ana")) == ["1", "2"]


def test_closing_the_store_ends_the_background_after_the_exchange_in_hand(tmp_path: Path) -> None:
    model = ScriptedModel(answering=lambda messages: (time.sleep(0.05), inserting(messages))[1])
    with opened(model, tmp_path / "m.db") as store:
        background = store.background(every_s=0.01)
        tell(store.bank("ana"), *range(20))
        while not model.calls:
            time.sleep(0.01)
    assert not background.running
    with opened(model, tmp_path / "m.db") as store:
        done = len(thought_texts(store.bank("ana")))
        assert 1 <= done < 20
        assert queue(store)["waiting"] + done == 20
        assert queue(store)["leased"] == 0


class Structured(ScriptedModel):
    """A model with structured output: what it says goes through a form."""

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        assert kwargs == {"include_raw": True}

        def asked(messages: Any) -> dict[str, Any]:
            said = json.loads(self.invoke(messages).text)
            return {"raw": AIMessage(""), "parsed": {schema["title"]: said}, "parsing_error": None}

        return RunnableLambda(asked)


def test_structured_output_is_used_where_the_model_has_it() -> None:
    model = Structured(answering=inserting)
    with opened(model) as store:
        tell(store.bank("ana"), 1)
        store.bank("ana").think()
        assert (thought_texts(store.bank("ana")), model.calls) == (["1"], 1)


def test_a_form_that_the_model_fills_wrongly_is_repaired_once() -> None:
    model = Structured(answering=lambda messages: '"nothing"' if len(messages) == 2 else inserting(messages))
    with opened(model) as store:
        tell(store.bank("ana"), 1)
        store.bank("ana").think()
        assert (thought_texts(store.bank("ana")), model.calls) == (["1"], 2)


@pytest.fixture
def fed_back() -> Iterator[memkit.MemoryBank]:
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(START_TIME)) as store:
        bank = store.bank("ana")
        said = ["I live in Lisbon with my sister Rita.", "My dog is called Pipo.", "I am allergic to peanuts."]
        bank.observe(
            [memkit.Turn(text, "Ana", at=START_TIME - timedelta(days=9, hours=n)) for n, text in enumerate(said)]
        )
        bank.think()
        yield bank


def vectors(bank: memkit.MemoryBank) -> int:
    state = bank._context.state()
    assert state is not None
    with bank._context.storage.view(state.number) as view:
        return int(view.vectors([row.seq for row in view.rows()]).any(axis=1).sum())


def test_recalled_text_fed_back_a_thousand_times_adds_no_thought_and_no_vector(fed_back: memkit.MemoryBank) -> None:
    thoughts, before = len(fed_back.list(kinds=["thought"])), vectors(fed_back)
    assert thoughts >= 3
    for n in range(250):
        recalled = fed_back.recall("Where does Ana live, and her dog?", min_score=0, reinforce=False)
        shown = [hit.memory.text for hit in recalled] + [t.text for hit in recalled for t in hit.thoughts]
        role = "assistant" if n % 2 else "user"
        turns = [memkit.Turn(text, "Ana" if role == "user" else "bot", role=role) for text in shown[n % 2 :: 2][:3]]
        turns.append(memkit.Turn(recalled.prompt(max_tokens=300 + n), "Ana", role="user"))
        fed_back.observe(turns)
        fed_back.think()
    assert len(fed_back.list(kinds=["turn"], limit=10_000)) > 1000
    assert len(fed_back.list(kinds=["thought"], limit=10_000)) == thoughts
    assert vectors(fed_back) == before


def test_an_outcome_of_a_failing_thinker_tells_the_class_of_its_error() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), thinker=ScriptedThinker([ThinkerError("x")])) as store:
        tell(store.bank("ana"), 1)
        [outcome] = store.bank("ana").think().outcomes
        assert outcome == Outcome(id=None, action="rejected", reason="stays queued", error="ThinkerError")


def test_a_fuller_thought_takes_up_what_it_repeats_and_a_poorer_one_is_none() -> None:
    short = "Ana plays the piano every evening with friends in a small band."
    full = "Ana plays the piano every evening with friends in a small jazz band."
    script = [[Proposal("insert", text)] for text in (short, full, short)]
    with memkit.open(":memory:", encoder=HashingEncoder(), thinker=ScriptedThinker(script)) as store:
        bank = store.bank("ana")
        for n in range(3):
            bank.observe([memkit.Turn(f"I play the piano, number {n}", "Ana", id=f"t{n}", session=str(n))])
            bank.think()
        [thought] = bank.list(kinds=["thought"])
        assert (thought.text, thought.sources) == (full, ("t0", "t1", "t2"))


class Broken:
    """A thinker whose code fails, or returns what is no list of proposals."""

    name = "broken"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def think(self, task: Task) -> list[Proposal]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


class BrokenNames(Broken):
    """A thinker that fails before it is asked, where it is to say whom the turns are about."""

    def names(self, turns: Any) -> Any:
        raise LookupError("a secret")

    def heads(self, task: Task) -> list[str]:
        return []


@pytest.mark.parametrize(
    ("thinker", "error"),
    [
        (Broken(KeyError("a secret")), "KeyError"),
        (Broken(ValueError("a secret")), "ValueError"),
        (Broken(TimeoutError("a secret")), "TimeoutError"),
        (Broken(InputError("prompts: there is no folder.")), "InputError"),
        (Broken(None), "ThinkerError"),
        (Broken(["Ana sings."]), "ThinkerError"),
        (Broken([Proposal("insert", text=None)]), "ThinkerError"),  # type: ignore[arg-type]
        (Broken([Proposal("insert", "Ana sings.", valid_from=datetime(2025, 1, 1))]), "ThinkerError"),
        (BrokenNames([]), "LookupError"),
    ],
)
def test_whatever_a_thinkers_code_does_its_exchange_stays_queued_with_the_class_of_error(
    thinker: Broken, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(thinker) as store:
        tell(store.bank("ana"), 1)
        assert [(o.action, o.error) for o in store.bank("ana").think().outcomes] == [("rejected", error)]
        assert queue(store)["errors"] == {error: 1}
        assert (queue(store)["waiting"], queue(store)["leased"]) == (1, 0)
        assert "secret" not in caplog.text
        assert asyncio.run(store.bank("ana").aio.think()).outcomes[0].error == error


def test_other_banks_are_maintained_though_a_thinker_fails_on_one() -> None:
    def failing_for_ana(messages: list[BaseMessage]) -> str:
        if "number 1" in str(messages[1].text):
            raise RuntimeError("a secret")
        return inserting(messages)

    with opened(ScriptedModel(answering=failing_for_ana)) as store:
        for n, name in enumerate(("ana", "ben", "cleo"), start=1):
            tell(store.bank(name), n)
        report = store.maintain(budget_s=20)
        assert (report.exchanges, report.failed) == (2, 1)


class BrokenReflector(Broken):
    """A thinker that can think, but whose code for summaries fails."""

    def reflect(self, task: Any) -> str:
        raise ZeroDivisionError("a secret")


def test_a_summary_is_extracted_where_the_code_of_a_reflector_fails() -> None:
    with opened(BrokenReflector([])) as store:
        tell(store.bank("ana"), 1)
        store.bank("ana").reflect()
        assert [m.metadata["by"] for m in store.bank("ana").list(kinds=["summary"])] == ["extractive"]
