"""States in time: what returns is news again, and what held when is decided by when it was said."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from scripted_model import ScriptedModel

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.models import Memory
from memkit.testing import FrozenClock

JANUARY = datetime(2024, 1, 8, 9, tzinfo=UTC)
MONTH = timedelta(days=30)
RETURNING = [
    ("lives in", ["I live in Lisbon.", "I live in Porto.", "I live in Lisbon."], "Lisbon"),
    ("likes", ["I like oysters.", "I don't like oysters anymore.", "I like oysters."], "oysters"),
    ("works at", ["I work at Orbis.", "I work at Velton.", "I work at Orbis."], "Orbis"),
    ("favourite tea", ["My favourite tea is mint.", "My favourite tea is oolong."] * 2, "oolong"),
    ("wohnt in", ["Ich wohne in Bremen.", "Ich wohne in Kiel.", "Ich wohne in Bremen."], "Bremen"),
    ("lives in", ["I live in Graz.", "I moved to Linz.", "I live in Wels.", "I live in Graz."], "Graz"),
]  # fmt: skip
Said = tuple[str, datetime]


def month(number: int) -> datetime:
    """The same hour, so many months of 30 days later."""
    return JANUARY + number * MONTH


def tell(bank: memkit.MemoryBank, said: Sequence[Said], *, role: Any = None) -> None:
    """One exchange for each text, each thought about before the next."""
    for text, at in said:
        bank.observe([memkit.Turn(text, "Ana", role, at=at)])
        bank.think()


def holding(bank: memkit.MemoryBank, relation: str) -> list[str | None]:
    return [thought.tail for thought in bank.beliefs()["Ana"].get(relation, [])]


def timeline(bank: memkit.MemoryBank) -> list[tuple[str | None, datetime | None, datetime | None]]:
    """Every state with its beginning and its end, in order; a first one without a beginning has none."""
    thoughts = bank.list(kinds=["thought"], states=["active", "superseded"])
    return [(m.tail, m.valid_from, m.valid_until) for m in sorted(thoughts, key=lambda m: m.occurred_at)]


def held_at(bank: memkit.MemoryBank, moment: datetime) -> list[str | None]:
    """Tails of the thoughts that recall finds true at a moment."""
    return [hit.memory.tail for hit in bank.recall("Ana lives", kinds=["thought"], valid_at=moment, min_score=0)]


def believing(homes: str = r"I live in (\w+)") -> ScriptedModel:
    """A model that puts each home that it reads in the place of the only thought it is shown."""

    def answering(messages: list[BaseMessage]) -> str:
        thoughts, _, exchange = str(messages[1].text).partition("<exchange>")
        kept = re.findall(r'^\d+\..*"Ana lives in (\w+)', thoughts, re.MULTILINE)
        operations = []
        for home in re.findall(homes, exchange):
            fact = {"text": f"Ana lives in {home}.", "head": "Ana", "relation": "lives in", "tail": home}
            first = {"op": "supersede", "id": 1} if kept and kept[0] != home else {"op": "insert"}
            operations.append({**first, **fact, "speaker": "Ana", "turns": [1]})
        return json.dumps(operations)

    return ScriptedModel(answering=answering)


@pytest.fixture(params=["extractive", "model"])
def home_bank(request: pytest.FixtureRequest) -> Any:
    """A bank that knows homes, by the rules and by a model."""
    thinker = believing() if request.param == "model" else None
    with memkit.open(
        ":memory:", encoder=HashingEncoder(), thinker=thinker, clock=FrozenClock(datetime(2026, 6, 1, tzinfo=UTC))
    ) as store:
        yield store.bank("acme", "ana")


# what returns


@pytest.mark.parametrize(("relation", "texts", "tail"), RETURNING)
def test_a_state_that_returns_holds_again_since_it_was_said_again(
    bank: memkit.MemoryBank, relation: str, texts: list[str], tail: str
) -> None:
    tell(bank, [(text, month(n)) for n, text in enumerate(texts)])
    [thought] = bank.beliefs()["Ana"][relation]
    assert (thought.tail, thought.valid_from) == (tail, month(len(texts) - 1))


def test_both_thinkers_are_shown_what_a_person_says_again(home_bank: memkit.MemoryBank) -> None:
    homes = ["Lisbon", "Porto", "Lisbon", "Porto", "Lisbon"]
    tell(home_bank, [(f"I live in {home}.", month(n)) for n, home in enumerate(homes)])
    assert holding(home_bank, "lives in") == ["Lisbon"]
    assert [tail for tail, _, _ in timeline(home_bank)] == homes
    assert [end for _, _, end in timeline(home_bank)] == [*map(month, range(1, 5)), None]


def test_saying_again_what_holds_adds_a_source_and_no_thought(home_bank: memkit.MemoryBank) -> None:
    tell(home_bank, [("I live in Lisbon.", month(n)) for n in range(3)])
    [thought] = home_bank.list(kinds=["thought"])
    assert len(thought.sources) == 3
    assert thought.valid_from is None


def test_what_memkit_recalled_and_an_assistant_says_again_is_no_news(home_bank: memkit.MemoryBank) -> None:
    tell(home_bank, [("I live in Lisbon.", month(0)), ("I live in Porto.", month(1))])
    for text in ("I live in Lisbon.", "Ana lives in Lisbon."):
        home_bank.observe([memkit.Turn(text, "helper", "assistant", at=month(2))])
        home_bank.think()
    assert holding(home_bank, "lives in") == ["Porto"]


def test_what_one_person_says_after_another_is_that_persons_own(bank: memkit.MemoryBank) -> None:
    bank.observe([memkit.Turn("I live in Lisbon.", "Ana", at=month(0))])
    bank.observe([memkit.Turn("I live in Lisbon.", "Bruno", at=month(1))])
    bank.think()
    assert set(bank.beliefs()) == {"Ana", "Bruno"}


def test_a_question_that_an_assistant_asks_again_has_another_answer(bank: memkit.MemoryBank) -> None:
    for n, answer in enumerate(["In Lisbon.", "In Porto."]):
        asked = memkit.Turn("Where do you live?", "helper", "assistant", at=month(n))
        bank.observe([asked, memkit.Turn(answer, "Ana", "user", at=month(n) + timedelta(minutes=1))])
        bank.think()
    assert holding(bank, "lives in") == ["Porto"]


def test_a_prompt_dates_what_was_said_again_by_its_last_time(bank: memkit.MemoryBank) -> None:
    tell(bank, [("I live in Lisbon.", month(0)), ("I live in Porto.", month(1)), ("I live in Lisbon.", month(2))])
    bank.observe([memkit.Turn("I live in Lisbon.", "helper", "assistant", at=month(3))])
    recollection = bank.recall("Where do I live, in Lisbon?")
    lines = recollection.prompt(400).splitlines()
    place = next(i for i, line in enumerate(lines) if '"I live in Lisbon."' in line)
    assert [line for line in lines[:place] if line.startswith("2024")][-1].startswith(f"{month(2):%Y-%m-%d}")
    assert recollection[0].last_said == month(2)
    assert "noted" in lines[place + 1]


def test_what_was_said_again_is_found_in_the_time_of_either_occurrence(bank: memkit.MemoryBank) -> None:
    tell(bank, [("I live in Lisbon.", month(0)), ("I live in Porto.", month(1)), ("I live in Lisbon.", month(2))])
    day = timedelta(days=1)
    for n, home in enumerate(["Lisbon", "Porto", "Lisbon"]):
        for question in ("Where do I live?", "What happened?"):
            hits = bank.recall(question, since=month(n) - day, until=month(n) + day, kinds=["turn"])
            assert [hit.memory.text for hit in hits] == [f"I live in {home}."]


def test_a_past_view_dates_by_what_had_been_said_by_then(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    tell(bank, [("I live in Lisbon.", month(0))])
    before = clock()
    clock.advance(timedelta(days=1))
    tell(bank, [("I live in Lisbon.", month(2))])
    assert bank.recall("Lisbon", as_of=before)[0].last_said is None
    assert bank.recall("Lisbon")[0].last_said == month(2)


def test_the_summary_of_a_day_tells_what_was_said_again_on_it(bank: memkit.MemoryBank) -> None:
    tell(
        bank, [(f"I live in {home}, up in the hills.", month(n)) for n, home in enumerate(["Sintra", "Faro", "Sintra"])]
    )
    bank.observe([memkit.Turn("I live in Sintra, up in the hills.", "helper", "assistant", at=month(3))])
    bank.reflect()
    days = {m.metadata["period"]: m.text for m in bank.list(kinds=["summary"], where={"level": "day"})}
    assert "Sintra" in days[f"{month(2):%Y-%m-%d}"]
    assert f"{month(3):%Y-%m-%d}" not in days


# older conversations, imported later


def test_what_was_said_earlier_does_not_hold_now_though_it_came_later(home_bank: memkit.MemoryBank) -> None:
    tell(home_bank, [("I live in Porto.", month(24)), ("I live in Lisbon.", month(0))])
    assert timeline(home_bank) == [("Lisbon", None, month(24)), ("Porto", month(24), None)]
    assert held_at(home_bank, month(5)) == ["Lisbon"]
    assert held_at(home_bank, month(25)) == ["Porto"]
    [old] = home_bank.list(kinds=["thought"], states=["superseded"])
    [porto] = home_bank.list(kinds=["thought"])
    assert old.superseded_by == porto.id
    assert home_bank.history(old.id)[-1].event == "superseded"


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_in_which_states_come_in_changes_nothing(bank: memkit.MemoryBank, order: tuple[int, ...]) -> None:
    said = [(f"I live in {home}.", month(n)) for n, home in enumerate(["Lisbon", "Porto", "Faro", "Braga"])]
    tell(bank, [said[n] for n in order])
    begins, ends = [None, *map(month, range(1, 4))], [*map(month, range(1, 4)), None]
    assert timeline(bank) == list(zip(["Lisbon", "Porto", "Faro", "Braga"], begins, ends, strict=True))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_state_that_returns_does_so_in_whatever_order_it_comes_in(
    home_bank: memkit.MemoryBank, order: tuple[int, ...]
) -> None:
    said = [(f"I live in {home}.", month(n)) for n, home in enumerate(["Lisbon", "Porto", "Lisbon"])]
    tell(home_bank, [said[n] for n in order])
    assert holding(home_bank, "lives in") == ["Lisbon"]
    assert [held_at(home_bank, month(n) + timedelta(days=3)) for n in range(3)] == [["Lisbon"], ["Porto"], ["Lisbon"]]


@pytest.mark.parametrize(
    ("texts", "relation", "tails"),
    [
        (["I no longer like mussels.", "I like mussels."], "likes", []),
        (["I work at Velton.", "I work at Orbis."], "works at", ["Velton"]),
        (["I'm 41 years old.", "I'm 39 years old."], "is aged", ["41"]),
        (["Ich wohne in Kiel.", "Ich wohne in Bremen."], "wohnt in", ["Kiel"]),
        (["My favourite dish is ramen.", "My favourite dish is goulash."], "favourite dish", ["ramen"]),
    ],
)
def test_an_import_of_something_older_leaves_what_is_believed(
    bank: memkit.MemoryBank, texts: list[str], relation: str, tails: list[str]
) -> None:
    tell(bank, [(texts[0], month(30)), (texts[1], month(2))])
    assert holding(bank, relation) == tails
    [older] = bank.list(kinds=["thought"], states=["superseded"])
    assert older.valid_until == month(30)


def test_several_imports_each_find_their_place(home_bank: memkit.MemoryBank) -> None:
    tell(home_bank, [("I live in Braga.", month(20)), ("I live in Lisbon.", month(3))])
    tell(home_bank, [("I live in Faro.", month(9)), ("I live in Porto.", month(6)), ("I live in Evora.", month(25))])
    assert [tail for tail, _, _ in timeline(home_bank)] == ["Lisbon", "Porto", "Faro", "Braga", "Evora"]
    assert [held_at(home_bank, month(n)) for n in (4, 7, 15, 22, 40)] == [
        [h] for h in "Lisbon Porto Faro Braga Evora".split()
    ]


def test_two_conversations_in_one_batch_are_thought_about_in_the_order_of_their_time(bank: memkit.MemoryBank) -> None:
    bank.observe([memkit.Turn("I live in Porto.", "Ana", at=month(24), session="new")])
    bank.observe([memkit.Turn("I live in Lisbon.", "Ana", at=month(0), session="old")])
    bank.think(batch=10)
    assert holding(bank, "lives in") == ["Porto"]


def test_several_states_of_one_older_conversation_keep_their_order(bank: memkit.MemoryBank) -> None:
    tell(bank, [("I live in Faro.", month(24))])
    homes = ["Lisbon", "Porto", "Braga"]
    turns = [memkit.Turn(f"I live in {h}.", "Ana", at=month(n), session="old") for n, h in enumerate(homes)]
    bank.observe([*turns, memkit.Turn("I live in Evora.", "Ana", at=month(30), session="old")])
    bank.think(batch=10)
    assert [tail for tail, _, _ in timeline(bank)] == [*homes, "Faro", "Evora"]
    assert holding(bank, "lives in") == ["Evora"]


def test_an_earlier_state_said_once_more_is_no_second_one(bank: memkit.MemoryBank) -> None:
    tell(
        bank, [("I live in Lisbon.", month(0)), ("I live in Porto.", month(9)), ("I really live in Lisbon!", month(4))]
    )
    assert [tail for tail, _, _ in timeline(bank)] == ["Lisbon", "Porto"]
    [lisbon] = bank.list(kinds=["thought"], states=["superseded"])
    assert len(lisbon.sources) == 2


def test_a_correction_by_the_user_stands_against_an_import(bank: memkit.MemoryBank) -> None:
    tell(bank, [("I live in Porto.", month(5))])
    [thought] = bank.list(kinds=["thought"])
    bank.correct(thought.id, "Ana lives in Faro.")
    tell(bank, [("I live in Lisbon.", month(1))])
    assert [m.text for m in bank.list(kinds=["thought"]) if m.author == "user"] == ["Ana lives in Faro."]


def test_a_models_insert_of_an_older_home_is_taken_for_what_it_is() -> None:
    def inserting(messages: list[BaseMessage]) -> str:
        home = str(messages[1].text).partition("<exchange>")[2].partition("live in ")[2].split(".")[0]
        fact = {"text": f"Ana lives in {home}.", "head": "Ana", "relation": "lives in", "tail": home}
        return json.dumps([{"op": "insert", **fact, "speaker": "Ana", "turns": [1]}])

    with memkit.open(":memory:", encoder=HashingEncoder(), thinker=ScriptedModel(answering=inserting)) as store:
        bank = store.bank("ana")
        tell(bank, [("I live in Porto.", month(24)), ("I live in Lisbon.", month(0)), ("I live in Faro.", month(30))])
        assert timeline(bank) == [
            ("Lisbon", None, month(24)),
            ("Porto", month(24), month(30)),
            ("Faro", month(30), None),
        ]


def test_a_change_that_was_put_into_the_past_is_undone_as_a_whole(bank: memkit.MemoryBank) -> None:
    tell(bank, [("I live in Lisbon.", month(0)), ("I live in Braga.", month(9))])
    before = timeline(bank)
    bank.observe([memkit.Turn("I live in Porto.", "Ana", at=month(4))])
    receipt = bank.think()
    assert [tail for tail, _, _ in timeline(bank)] == ["Lisbon", "Porto", "Braga"]
    bank.undo(receipt)
    assert timeline(bank) == before


def test_an_erasure_in_the_middle_leaves_the_states_around_it_as_they_were(bank: memkit.MemoryBank) -> None:
    tell(bank, [("I live in Lisbon.", month(0)), ("I live in Braga.", month(9))])
    before = timeline(bank)
    tell(bank, [("I live in Porto.", month(4))])
    [turn] = [m for m in bank.list(kinds=["turn"]) if "Porto" in m.text]
    bank.erase(ids=[turn.id])
    assert timeline(bank) == before


def test_states_inserted_by_hand_hold_in_the_times_that_they_give(bank: memkit.MemoryBank) -> None:
    fields = {"kind": "thought", "head": "Ana", "relation": "lives in", "author": "import", "recorded_at": month(0)}
    states = [("Porto", month(3), None), ("Lisbon", month(0), month(3))]
    bank.insert(
        [
            Memory(
                id=home,
                text=f"Ana lives in {home}.",
                tail=home,
                occurred_at=begun,
                valid_from=begun,
                valid_until=end,
                **fields,
            )
            for home, begun, end in states
        ]
    )
    assert (held_at(bank, month(1)), held_at(bank, month(4))) == (["Lisbon"], ["Porto"])
    assert bank.beliefs()["Ana"]["lives in"] != []
