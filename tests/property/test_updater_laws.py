"""Laws of the updater: whatever a model answers, nothing crashes, nothing is lost, nothing leaves its bank."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.language_models.fake_chat_models import FakeListChatModel

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import ThinkerOutputError
from memkit.identifiers import uuid7
from memkit.models import Memory
from memkit.settings import ThinkSettings
from memkit.testing import FrozenClock
from memkit.think.llm.parsing import parse_operations
from memkit.think.llm.thinker import LLMThinker

START = datetime(2025, 6, 2, 12, tzinfo=UTC)
MANGLED = 2000
KNOWN: dict[str, Any] = {
    "kind": "thought",
    "author": "import",
    "occurred_at": START,
    "recorded_at": START,
    "head": "Ana",
}
STATES = ("active", "superseded", "merged", "archived", "forgotten")
seen: Counter[str] = Counter()

words = st.sampled_from(["Ana", "Lisbon", "lives in", "7", "", "\ud800", "\0", "x" * 700, "不", 'he said "no"'])
odd = st.sampled_from(["1", "2", "x", None, 1.5, True, [1], {"a": 1}, 10**30, "9" * 5000])
numbers = st.one_of(st.integers(-2, 9), odd)
fields = {
    "op": st.sampled_from(["insert", "insert", "supersede", "merge", "forget", "update", None, 3, ["insert"]]),
    "text": st.one_of(words, st.text(max_size=40), st.none(), st.integers()),
    "head": words,
    "relation": words,
    "tail": st.one_of(words, numbers),
    "id": st.one_of(numbers, st.just("0197a3f2-0000-7000-8000-000000000000")),
    "ids": st.one_of(st.lists(numbers, max_size=4), numbers),
    "turns": st.one_of(st.lists(numbers, max_size=4), numbers),
    "speaker": st.one_of(words, st.just("Ana")),
    "reason": st.one_of(words, st.sampled_from(["joke", "it changed"])),
}
operation = st.fixed_dictionaries({"op": fields["op"]}, optional={k: v for k, v in fields.items() if k != "op"})
answers = st.lists(operation, max_size=5)


def mangled(operations: list[dict[str, Any]], chance: random.Random) -> str:
    """An answer as models give them: wrapped, fenced, talked around, misquoted, cut, noisy."""
    text = repr(operations) if chance.random() < 0.2 else json.dumps(operations, indent=chance.choice([None, 1]))
    if chance.random() < 0.2:
        text = '{"operations": ' + text + "}"
    if chance.random() < 0.3:
        text = text.replace("}", ",}").replace("]", ",]")
    if chance.random() < 0.3:
        text = text[: chance.randint(0, len(text))]
    for _ in range(chance.choice([0, 0, 1, 5])):
        at = chance.randint(0, len(text))
        text = text[:at] + chance.choice("{}[]\"',:\\`\n") + text[at + chance.randint(0, 1) :]
    return f"Sure {{as asked}}:\n```json\n{text}\n```\nAnything else?" if chance.random() < 0.4 else text


class Answering:
    """A chat model's answers, set for each example."""

    def __init__(self) -> None:
        self.model = FakeListChatModel(responses=["[]"])
        self.thinker = LLMThinker(self.model)

    def say(self, *texts: str) -> None:
        self.model.responses, self.model.i = list(texts), 0


def queued(bank: memkit.MemoryBank) -> list[str | None]:
    """The classes of the errors of what waits."""
    state = bank._context.state()
    assert state is not None
    with bank._context.storage.view(state.number) as view:
        return [exchange.error for exchange in view.exchanges()]


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[memkit.MemoryStore, Answering, FrozenClock]]:
    answering, clock = Answering(), FrozenClock(START)
    with memkit.open(":memory:", encoder=HashingEncoder(), thinker=answering.thinker, clock=clock) as store:
        yield store, answering, clock
    print(f"\n{dict(seen)}; {answering.thinker.usage}")


@given(answers, answers, st.integers(0, 2**32))
@settings(max_examples=MANGLED)
def test_a_mangled_answer_never_crashes_loses_an_exchange_or_leaves_its_bank(
    world: tuple[memkit.MemoryStore, Answering, FrozenClock],
    first: list[dict[str, Any]],
    second: list[dict[str, Any]],
    seed: int,
) -> None:
    store, answering, clock = world
    chance = random.Random(seed)
    number = seen["exchanges"] = seen["exchanges"] + 1
    bank, other = store.bank("ana", str(number)), store.bank("bob")
    if not other.list():
        other.observe([memkit.Turn("Bob lives in Rome", "Bob", at=START)])
        other.insert(["Bob lives in Rome."])
    untouched = [m.model_dump() for m in other.list(states=STATES)]
    bank.insert([Memory(id=uuid7(START), text=text, **KNOWN) for text in ("Ana lives in Rome.", "Ana is 7.")])
    turn = memkit.Turn("I live in Lisbon with Rita", "Ana", id="t1", at=clock())
    bank.observe([turn, memkit.Turn("So do I", "bot", role="assistant", at=clock())])
    answering.say(mangled(first, chance), mangled(second, chance))
    receipt = bank.think()
    failed = receipt.count("rejected")
    assert queued(bank) == ["ThinkerOutputError"] * failed  # applied, or in the queue with its error
    assert [m.model_dump() for m in other.list(states=STATES)] == untouched
    assert bank.get("t1") is not None
    for thought in bank.list(kinds=["thought"]):
        assert thought.sources or thought.author == "import"
        assert 1 <= len(thought.text) <= 500
    seen["in the queue with their error" if failed else "applied"] += 1
    seen.update(outcome.reason or outcome.action for outcome in receipt.outcomes if not failed)


@pytest.mark.parametrize("piece", ["{", "[{", '{"op":', "{'", '{"a":[', "}{"])
def test_a_hostile_answer_is_read_in_bounded_time(piece: str) -> None:
    with pytest.raises(ThinkerOutputError):
        parse_operations(piece * 50_000)


def repaired_share(count: int, seed: int) -> tuple[int, int, int]:
    """Calls, repairs and exchanges of a run in which one answer in 33 can't be read."""
    chance, answering = random.Random(seed), Answering()
    good = [{"op": "insert", "text": "Ana sings.", "head": "Ana", "relation": "likes", "tail": "singing", "turns": [1]}]
    with memkit.open(":memory:", encoder=HashingEncoder(), thinker=answering.thinker) as store:
        for number in range(count):
            store.bank("ana").observe([memkit.Turn(f"I sing song {number}", "Ana", role="user", session=str(number))])
            text = json.dumps([{**good[0], "text": f"Ana sings song {number}."}])
            style = chance.random()
            text = f"Sure!\n```json\n{text}\n```" if style < 0.3 else text
            text = text.replace("}]", ",}, ]") if 0.3 < style < 0.5 else text
            text = repr(json.loads(text)) if 0.5 < style < 0.7 else text
            text = f"{text[:-1]}, {{'op': 'insert', 'text': 'Ana" if 0.7 < style < 0.8 else text
            answering.say("I would keep that she sings." if number % 33 == 32 else text, text)
            store.bank("ana").think()
        assert len(store.bank("ana").list(kinds=["thought"], limit=1000)) == count
    usage = answering.thinker.usage
    return usage.calls, usage.repairs, count


def test_an_exchange_costs_one_call_and_few_answers_a_repair() -> None:
    calls, repairs, exchanges = repaired_share(200, 1)
    print(f"\n{exchanges} exchanges: {calls} calls, {repairs} repairs")
    assert calls == exchanges
    assert repairs <= 0.05 * exchanges


def test_think_settings_refuse_what_makes_no_sense() -> None:
    for wrong in ({"batch": 0}, {"calls_per_day": -1}, {"unknown": 1}):
        with pytest.raises(ValueError):
            ThinkSettings(**wrong)
