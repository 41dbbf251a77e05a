"""Within one exchange, too, the later of what there is one of holds, and the earlier is kept in history."""

import tomllib
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from scripted_model import ScriptedModel

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.models import Memory
from memkit.think.audit import AuditedMemories, audit
from memkit.think.extractive.contradictions import contradictions, succeeds
from memkit.think.extractive.relation_names import affirms, is_functional, meanings_of

DATA = tomllib.loads((Path(__file__).parents[2] / "data" / "thinking" / "corrections.toml").read_text("utf-8"))
START_TIME = datetime(2026, 3, 2, 12, tzinfo=UTC)
ONE_OF = {
    "home": ("I live in Lisbon.", "I live in Porto.", "I moved to Faro."),
    "age": ("I'm 34.", "I'm 35 years old."),
    "occupation": ("I work as a nurse.", "I'm a teacher.", "I became a pilot."),
    "employer": ("I work at Orbis.", "I work for Tellus."),
    "name": ("Call me Bob.", "My name is Robert.", "I'm Bert."),
    "birthday": ("My birthday is on 3 May.", "My birthday is 4 May."),
    "origin": ("I come from Graz.", "I'm originally from Linz."),
    "study": ("I study law.", "I study physics."),
    "favourite": ("My favourite colour is teal.", "Amber is my favourite colour."),
    "partner": ("I'm dating Tom.", "I'm married to Paul."),
    "home in German": ("Ich wohne in Köln.", "Ich lebe in Bonn."),
    "age in German": ("Ich bin 34.", "Ich bin 35 Jahre alt."),
    "job in German": ("Ich arbeite als Koch.", "Ich bin Lehrer."),
}


def said(turns: list[str] | tuple[str, ...], speaker: str = "Ana") -> list[memkit.Turn]:
    return [memkit.Turn(text, speaker, at=START_TIME + timedelta(minutes=n)) for n, text in enumerate(turns)]


def thoughts_after(turns: list[str] | tuple[str, ...], states: list[Any], speaker: str = "Ana") -> list[Memory]:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe(said(turns, speaker))
        bank.think()
        return bank.list(kinds=["thought"], states=states)


@pytest.mark.parametrize("case", DATA["case"], ids=lambda case: " / ".join(case["turns"]))
def test_only_the_last_word_of_an_exchange_holds(case: dict[str, list[str]]) -> None:
    held = [m.text for m in thoughts_after(case["turns"], ["active"]) if m.relation not in ("did", "plans")]
    assert sorted(held) == sorted(case["holds"])


@pytest.mark.parametrize("relation", ONE_OF)
def test_of_what_there_is_one_of_the_last_holds_in_whichever_order_it_is_told(relation: str) -> None:
    for order in permutations(ONE_OF[relation]):
        [alone] = thoughts_after(order[-1:], ["active"])
        for turns in (order, [" ".join(order)]):
            assert [m.tail for m in thoughts_after(turns, ["active"])] == [alone.tail]
            assert len(thoughts_after(turns, ["superseded"])) == len(order) - 1


def test_who_excuses_themselves_to_somebody_by_name_puts_nothing_right() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([("Ana", "I live in Lisbon."), ("Tom", "I'm late."), ("Ana", "Sorry, Tom!")])
        bank.think()
        assert [m.text for m in bank.list(kinds=["thought"])] == ["Ana lives in Lisbon."]


def test_a_correction_in_another_language_holds() -> None:
    turns = ["I live in Lisbon and I like it.", "Ich wohne in Porto und mag es hier."]
    assert [m.text for m in thoughts_after(turns, ["active"])] == ["Ana wohnt in Porto."]
    assert [m.text for m in thoughts_after(turns[::-1], ["active"])] == ["Ana lives in Lisbon."]


@pytest.mark.parametrize("case", DATA["name"], ids=lambda case: case["said"])
def test_who_tells_how_they_are_called_is_understood(case: dict[str, str]) -> None:
    found = thoughts_after([case["said"]], ["active"], speaker="user")
    assert [m.tail for m in found if m.relation in ("is called", "heißt")] == [case["name"]]


@pytest.mark.parametrize("text", DATA["nameless"]["said"])
def test_what_somebody_is_is_not_what_they_are_called(text: str) -> None:
    found = thoughts_after([text], ["active"], speaker="user")
    assert [m.tail for m in found if m.relation in ("is called", "heißt")] == []


def test_the_name_that_somebody_goes_by_already_is_no_news() -> None:
    assert thoughts_after(["Hi, I'm Ana."], ["active"]) == []
    assert [m.tail for m in thoughts_after(["Call me Bo.", "No, call me Ana."], ["active"])] == ["Ana"]


def test_a_sentence_that_names_its_speaker_tells_the_rest_too() -> None:
    found = thoughts_after(["Hello, I'm Bob and I live in Porto."], ["active"], speaker="user")
    assert [m.tail for m in found] == ["Bob", "Porto"]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_models_two_values_of_what_there_is_one_of_are_told_apart_by_when_they_were_said(backwards: bool) -> None:
    home = '{{"op":"insert","text":"Ana lives in {0}.","head":"Ana","relation":"lives in","tail":"{0}","turns":[{1}]}}'
    answer = [home.format("Lisbon", 1), home.format("Porto", 2)]
    written = f"[{','.join(reversed(answer) if backwards else answer)}]"
    model = ScriptedModel(answering=lambda _: written)
    with memkit.open(":memory:", encoder=HashingEncoder(), thinker=model) as store:
        bank = store.bank("ana")
        bank.observe(said(["Home is Lisbon.", "Home is Porto, I meant."]))
        bank.think()
        assert [m.tail for m in bank.list(kinds=["thought"])] == ["Porto"]
        assert [m.tail for m in bank.list(kinds=["thought"], states=["superseded"])] == ["Lisbon"]


def test_a_correction_of_what_the_bank_holds_already_takes_its_place() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        held = thought("lives in", "Lisbon").model_copy(update={"head": None, "relation": None, "speaker": "Ana"})
        bank.insert([held])
        bank.observe(said(["I live in Lisbon.", "Sorry, I live in Porto."]))
        bank.think()
        assert [m.text for m in bank.list(kinds=["thought"])] == ["Ana lives in Porto."]
        assert store.doctor() == []


def test_thinking_about_a_correction_can_be_undone_whole() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe(said(["I live in Lisbon.", "Sorry, I live in Porto.", "No, in the end I live in Faro."]))
        bank.undo(bank.think())
        assert bank.list(kinds=["thought"], states=["active", "superseded"]) == []


def thought(relation: str, tail: str, head: str = "Ana", minutes: int = 0) -> Memory:
    at = START_TIME + timedelta(minutes=minutes)
    fact = {"head": head, "relation": relation, "tail": tail, "text": f"{head} {relation} {tail}."}
    return Memory(id=f"{relation} {tail}", kind="thought", occurred_at=at, recorded_at=at, **fact)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("likes", "olives"), ("no longer likes", "olives")),
        (("likes", "olives"), ("dislikes", "olives")),
        (("loves", "olives"), ("hates", "Olives")),
        (("likes", "olives"), ("doesn't like", "the olives")),
        (("eats", "fish"), ("doesn't eat", "fish")),
        (("has", "a dog"), ("no longer has", "a dog")),
        (("lives in", "Lisbon"), ("doesn't live in", "Lisbon")),
        (("lives in", "Lisbon"), ("resides in", "Porto")),
        (("lives in", "Lisbon"), ("wohnt in", "Porto")),
        (("mag", "Oliven"), ("hasst", "Oliven")),
        (("mag", "Oliven"), ("mag … nicht mehr", "Oliven")),
    ],
)
def test_an_audit_sees_what_can_not_both_hold(first: tuple[str, str], second: tuple[str, str]) -> None:
    both = [thought(*first), thought(*second, minutes=1)]
    findings = audit(AuditedMemories(both, [], {m.id: m for m in both}, 0.0))
    assert [f.ids for f in findings if f.flaw == "contradictions"] == [tuple(m.id for m in both)]
    assert succeeds(both[1], both[0])
    assert succeeds(both[0], both[1])


def test_an_audit_that_mends_leaves_what_was_said_last() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.insert([thought("likes", "olives"), thought("no longer likes", "olives", minutes=1)])
        [report] = store.audit()
        assert report.counts["contradictions"] == 1
        store.audit(fix=True)
        assert [m.relation for m in bank.list(kinds=["thought"])] == ["no longer likes"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("likes", "olives"), ("no longer likes", "chess")),
        (("dislikes", "olives"), ("no longer likes", "olives")),
        (("likes", "olives"), ("likes", "chess")),
        (("lived in", "Lisbon"), ("lives in", "Porto")),
        (("lives in", "Lisbon"), ("lives in", "Lisbon")),
        (("knows", "Tom"), ("knows", "Rita")),
    ],
)
def test_an_audit_leaves_alone_what_can_both_hold(first: tuple[str, str], second: tuple[str, str]) -> None:
    assert [*contradictions([thought(*first), thought(*second)])] == []
    assert [*contradictions([thought("likes", "tea"), thought("dislikes", "tea", head="Bob")])] == []


def test_what_denies_a_relation_is_the_same_relation_with_the_other_polarity() -> None:
    assert affirms("likes")
    assert not any(map(affirms, ("dislikes", "hates", "no longer likes", "hasst", "knows", None)))
    assert {m.key for m in meanings_of("Hates")} == {m.key for m in meanings_of("mag … nicht mehr")} == {"taste"}
    assert is_functional("is_called")
