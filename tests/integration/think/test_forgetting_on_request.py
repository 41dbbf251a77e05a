"""Forgetting on request: the belief is closed, an erasure is proposed, and nothing is erased by anybody but the app."""

import asyncio
import json
import pickle
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from scripted_model import ScriptedModel

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError
from memkit.forget.requests import ForgetRequest
from memkit.testing import FrozenClock

MONDAY = datetime(2025, 3, 3, 9, tzinfo=UTC)
Said = str | tuple[str, str]  # a text of Ana's, or who said it and the text


def talk(bank: memkit.MemoryBank, *said: Said, start: datetime = MONDAY) -> Any:
    """One session; thought about at its end."""
    for n, item in enumerate(said):
        who, text = ("Ana", item) if isinstance(item, str) else item
        role = "assistant" if who == "helper" else "user"
        bank.observe([memkit.Turn(text, who, role, at=start + timedelta(minutes=n))])  # type: ignore[arg-type]
    return bank.think()


def texts(bank: memkit.MemoryBank, kind: Any = "thought") -> list[str]:
    return [memory.text for memory in bank.list(kinds=[kind])]


def planned(bank: memkit.MemoryBank, request: ForgetRequest) -> set[str]:
    """Texts of the turns that an erasure would remove, but the one that asks."""
    memories = [bank.get(id) for id in request.plan.ids if id != request.turn]
    return {memory.text for memory in memories if memory is not None and memory.kind == "turn"}


IN_OTHER_LANGUAGES = [  # said, of which the first goes; request
    (["Meine Schwester Rita wohnt in Linz.", "Ich trinke Tee."], "Vergiss, wo meine Schwester wohnt."),
    (["Ich wohne in Graz.", "Ich trinke Tee."], "Vergiss, wo ich wohne."),
    (["Mi hermana Rita vive en Lisboa.", "Bebo té."], "Olvida dónde vive mi hermana."),
    (["Vivo en Lisboa.", "Bebo té."], "Olvida dónde vivo."),
    (["Mi dirección es Calle Mayor 7.", "Bebo té."], "Olvida mi dirección."),
    (["Ma sœur Rita habite à Lisbonne.", "Je bois du thé."], "Oublie où ma sœur habite."),
    (["Ma sœur Rita habite à Lisbonne.", "Je bois du thé."], "Oublie où habite ma sœur."),
    (["J'habite à Lyon.", "Je bois du thé."], "Oublie où j'habite."),
    (["A minha irmã Rita mora em Lisboa.", "Bebo chá."], "Esquece onde mora a minha irmã."),
    (["Moro em Lisboa.", "Bebo chá."], "Esquece onde moro."),
    (["Ich habe Angst vor Spinnen.", "Ich trinke Tee."], "Vergiss, wovor ich Angst habe."),
    (["Je gagne trop peu.", "Je bois du thé."], "Oublie combien je gagne."),
]


@pytest.mark.parametrize(("said", "request_text"), IN_OTHER_LANGUAGES)
def test_a_request_in_another_language_finds_the_turn_that_tells_of_it(said: list[str], request_text: str) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(MONDAY)) as store:
        bank = store.bank("ana")
        talk(bank, *said, request_text)
        [request] = bank.requests()
        assert planned(bank, request) == {said[0]}


REQUESTS: list[tuple[Sequence[Said], str, set[str], set[str]]] = [  # said, request, turns that go, thoughts that stay
    (
        ["My phone number is 555-0199.", ("helper", "Noted: 555-0199."), "I like tea."],
        "Can you forget my phone number?",
        {"My phone number is 555-0199.", "Noted: 555-0199."},
        {"Ana likes tea."},
    ),
    (["I live in Lisbon.", "I like tea."], "Please forget where I live.", {"I live in Lisbon."}, {"Ana likes tea."}),
    (
        ["My ex Tom lives in Graz.", "Tom called again.", "My sister Rita lives in Linz."],
        "Delete everything about my ex",
        {"My ex Tom lives in Graz.", "Tom called again."},
        {"Ana's sister Rita lives in Linz."},
    ),
    (
        ["I'm allergic to nuts.", "I like pine nuts."],
        "Forget that I'm allergic to nuts.",
        {"I'm allergic to nuts."},
        {"Ana likes pine nuts."},
    ),
    (["I work at Orbis.", "I like tea."], "Could you forget my job?", {"I work at Orbis."}, {"Ana likes tea."}),
    (
        [("helper", "What's your phone number?"), "555-0123", "I like tea."],
        "Please delete my phone number.",
        {"What's your phone number?", "555-0123"},
        {"Ana likes tea."},
    ),
    (["Ich wohne in Kiel.", "Ich mag Tee."], "Vergiss bitte, wo ich wohne.", {"Ich wohne in Kiel."}, {"Ana mag Tee."}),
    (
        ["Mein Geburtstag ist am 3. Mai.", "Ich mag Tee."],
        "Kannst du bitte meinen Geburtstag vergessen?",
        {"Mein Geburtstag ist am 3. Mai."},
        {"Ana mag Tee."},
    ),
    (["I like tea.", "I live in Lisbon."], "Forget that.", {"I live in Lisbon."}, {"Ana likes tea."}),
    (["I like tea.", "I live in Rome."], "Forget everything I told you.", {"I like tea.", "I live in Rome."}, set()),
]


@pytest.mark.parametrize("sessions", [1, 2])
@pytest.mark.parametrize(("said", "request_text", "gone", "staying"), REQUESTS)
def test_a_request_closes_what_is_believed_and_proposes_to_erase_what_tells_of_it(
    bank: memkit.MemoryBank, said: list[Said], request_text: str, gone: set[str], staying: set[str], sessions: int
) -> None:
    if sessions == 1 or request_text == "Forget that.":
        receipt = talk(bank, *said, request_text)
    else:
        talk(bank, *said)
        receipt = talk(bank, request_text, start=MONDAY + timedelta(days=2))
    [request] = receipt.requests
    assert set(texts(bank)) == staying
    assert planned(bank, request) == gone
    assert gone <= set(texts(bank, "turn"))  # nothing is erased yet
    assert request.speaker == "Ana"
    bank.erase(request.plan, requested_by=request.speaker)
    assert gone.isdisjoint(texts(bank, "turn"))
    assert request_text not in texts(bank, "turn")
    bank.think()
    assert set(texts(bank)) == staying
    assert bank.requests() == ()


def test_after_the_erasure_nothing_is_there_to_be_asked_for(bank: memkit.MemoryBank) -> None:
    talk(bank, "I like tea.", start=MONDAY - timedelta(days=9))
    receipt = talk(
        bank, "My phone number is 555-0199.", ("helper", "Saved 555 0199."), "Can you forget my phone number?"
    )
    hits = [hit.memory.text for hit in bank.recall("What's my phone number?")]
    assert hits[0] == "My phone number is 555-0199."
    assert "Can you forget my phone number?" not in hits
    bank.erase(receipt.requests[0].plan)
    bank.think()
    assert not any("555" in hit.memory.text for hit in bank.recall("What's my phone number?", min_score=0))
    assert not any("number" in m.text for m in bank.list(kinds=["turn", "thought"], states=["active", "forgotten"]))


@pytest.mark.parametrize(
    "text",
    [
        "Don't forget to buy milk.",
        "I forgot my keys",
        "I'll never forget Lisbon.",
        "Forget it.",
        "Never mind, forget about it.",
        "He told me to forget where I live.",
        "Did you forget where I live?",
        "Vergiss es.",
    ],
)
def test_who_only_speaks_of_forgetting_changes_nothing(bank: memkit.MemoryBank, text: str) -> None:
    receipt = talk(bank, "I live in Lisbon.", "I like milk.", text)
    assert receipt.requests == bank.requests() == ()
    assert {"Ana lives in Lisbon.", "Ana likes milk."} <= set(texts(bank))


@pytest.mark.parametrize(
    ("said", "correction", "held"),
    [
        ("My favourite tea is mint.", "Forget that my favourite tea is mint, it's sage.",
         "Ana's favourite tea is sage."),
        ("I live in Lisbon.", "Forget that I live in Lisbon, I live in Porto now.", "Ana lives in Porto."),
        ("I live in Lisbon.", "Forget that I live in Lisbon. It's Porto now.", "Ana lives in Porto."),
        ("I work at Orbis.", "Please forget that I work at Orbis, it's Velton now.", "Ana works at Velton."),
        ("Ich wohne in Bremen.", "Vergiss, dass ich in Bremen wohne, ich wohne jetzt in Kiel.", "Ana wohnt in Kiel."),
    ],
)  # fmt: skip
def test_a_correction_closes_the_old_value_and_holds_the_new(
    bank: memkit.MemoryBank, said: str, correction: str, held: str
) -> None:
    talk(bank, said)
    receipt = talk(bank, correction, start=MONDAY + timedelta(days=3))
    assert receipt.requests == ()
    assert texts(bank) == [held]
    [old] = bank.list(kinds=["thought"], states=["superseded"])
    assert old.valid_until == MONDAY + timedelta(days=3)


@pytest.mark.parametrize(
    ("said", "correction", "old", "new"),
    [
        (
            "My locker code is 1234.",
            "Forget that my locker code is 1234, it's 5678 now.",
            "Ana's locker code is 1234.",
            "Ana's locker code is 5678.",
        ),
        ("The code is 12.", "Forget that the code is 12, it's 34 now.", "The code is 12.", "The code is 34."),
        (
            "The rehearsal is on Friday.",
            "Please forget that the rehearsal is on Friday. It's on Monday now.",
            "The rehearsal is on Friday.",
            "The rehearsal is on Monday.",
        ),
    ],
)
def test_a_value_that_no_rule_knows_is_corrected(
    bank: memkit.MemoryBank, said: str, correction: str, old: str, new: str
) -> None:
    talk(bank, said)
    assert talk(bank, correction, start=MONDAY + timedelta(days=3)).requests == ()
    assert texts(bank) == [new]
    [closed] = bank.list(kinds=["thought"], states=["superseded"])
    assert closed.text == old
    hits = bank.recall(said.replace("My", "What's my").replace("The", "What's the"))
    assert hits[0].memory.text == correction


def test_a_value_may_be_corrected_again(bank: memkit.MemoryBank) -> None:
    talk(bank, "Forget that the gate code is 12, it's 34 now.")
    talk(bank, "Forget that the gate code is 34, it's 56 now.", start=MONDAY + timedelta(days=3))
    assert texts(bank) == ["The gate code is 56."]


def test_a_correction_that_is_not_understood_closes_the_old_value_at_least(bank: memkit.MemoryBank) -> None:
    talk(bank, "I'm allergic to nuts.", "My sister Rita lives in Graz.")
    receipt = talk(bank, "Forget that I'm allergic to nuts, it's just a fad.", start=MONDAY + timedelta(days=3))
    assert receipt.requests == ()
    assert "Ana is allergic to nuts." not in texts(bank)
    assert "Ana's sister Rita lives in Graz." in texts(bank)


def test_a_request_reaches_nothing_that_somebody_else_said_of_themselves(bank: memkit.MemoryBank) -> None:
    talk(bank, ("Bruno", "I live in Faro."), ("Bruno", "My phone number is 555-0177."))
    talk(bank, "I live in Lisbon.", "My phone number is 555-0199.", start=MONDAY + timedelta(days=1))
    receipt = talk(bank, "Please forget where I live.", "And forget my phone number!", start=MONDAY + timedelta(days=2))
    went = set[str]().union(*(planned(bank, request) for request in receipt.requests))
    assert went == {"I live in Lisbon.", "My phone number is 555-0199."}
    assert texts(bank) == ["Bruno lives in Faro."]


def test_what_somebody_else_said_about_the_one_who_asks_is_reached(bank: memkit.MemoryBank) -> None:
    fact = {"text": "Ana lives in Lisbon.", "head": "Ana", "relation": "lives in", "tail": "Lisbon"}
    moments = {"occurred_at": MONDAY, "recorded_at": MONDAY}
    bank.insert(memkit.Memory(id="b", kind="thought", speaker="Bruno", author="import", **fact, **moments))
    [request] = talk(bank, "Please forget where I live.", start=MONDAY + timedelta(days=1)).requests
    assert "b" in request.closed


def test_an_assistants_later_note_of_the_same_number_goes_too(bank: memkit.MemoryBank) -> None:
    talk(bank, "My phone number is 555-0199.")
    talk(bank, ("helper", "Noted: 555 0199."), start=MONDAY + timedelta(days=1))
    [request] = talk(bank, "Can you forget my phone number?", start=MONDAY + timedelta(days=2)).requests
    assert planned(bank, request) == {"My phone number is 555-0199.", "Noted: 555 0199."}


def test_an_assistants_or_a_quoted_request_is_none(bank: memkit.MemoryBank) -> None:
    receipt = talk(
        bank, "I live in Lisbon.", ("helper", "Please forget where I live."), 'She wrote "forget where I live".'
    )
    assert receipt.requests == ()
    assert texts(bank) == ["Ana lives in Lisbon."]


def test_a_request_for_what_nobody_ever_told_proposes_nothing(bank: memkit.MemoryBank) -> None:
    assert talk(bank, "I like tea.", "Please forget my salary.").requests == ()


def test_what_is_told_in_the_same_breath_as_a_request_stays(bank: memkit.MemoryBank) -> None:
    talk(bank, "I live in Lisbon.")
    talk(bank, "Please forget where I live. I like tea.", start=MONDAY + timedelta(days=1))
    talk(bank, "I live in Porto.", start=MONDAY + timedelta(days=2))
    assert texts(bank) == ["Ana likes tea.", "Ana lives in Porto."]


def test_requests_stay_open_until_they_are_carried_out_or_declined(path: Any) -> None:
    with memkit.open(path, encoder=HashingEncoder(), clock=FrozenClock(MONDAY + timedelta(days=9))) as store:
        bank = store.bank("ana")
        for text in ("I live in Lisbon.", "I work at Orbis.", "Please forget where I live.", "Forget my job, please."):
            bank.observe([memkit.Turn(text, "Ana", at=MONDAY)])
        assert store.maintain(budget_s=10).requests == 2
    with memkit.open(path, encoder=HashingEncoder(), clock=FrozenClock(MONDAY + timedelta(days=10))) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn("I like tea.", "Ana", at=MONDAY + timedelta(days=10))])
        first, second = bank.requests()
        bank.erase(first.plan, requested_by=first.speaker)
        assert asyncio.run(bank.aio.requests()) == bank.requests()
        bank.erase(ids=[second.id])
        assert bank.requests() == ()
        assert "I work at Orbis." in texts(bank, "turn")


def test_a_request_holds_no_text_and_reads_it_only_when_asked(bank: memkit.MemoryBank) -> None:
    receipt = talk(bank, "I live in Lisbon.", "Please forget where I live.")
    [request] = receipt.requests
    assert "Lisbon" not in receipt.model_dump_json()
    assert "Lisbon" not in repr(request)
    assert "I live in Lisbon." in request.describe()
    assert "I live in Lisbon." in bank.plan_erase(ids=request.plan.chosen).describe()
    copied = pickle.loads(pickle.dumps(receipt))
    assert copied == receipt
    with pytest.raises(InputError, match="without its bank"):
        copied.requests[0].describe()


def test_what_was_closed_on_request_can_be_brought_back(bank: memkit.MemoryBank) -> None:
    talk(bank, "I live in Lisbon.")
    receipt = talk(bank, "Please forget where I live.", start=MONDAY + timedelta(days=1))
    bank.restore(receipt.requests[0].closed)
    assert texts(bank) == ["Ana lives in Lisbon."]


def asking(*operations: dict[str, Any]) -> ScriptedModel:
    """A model that keeps homes, and answers a request with these operations."""

    def answering(messages: list[BaseMessage]) -> str:
        exchange = str(messages[1].text).partition("<exchange>")[2]
        fact = {
            "text": "Ana lives in Lisbon.",
            "head": "Ana",
            "relation": "lives in",
            "tail": "Lisbon",
            "speaker": "Ana",
        }
        return json.dumps([{"op": "insert", **fact, "turns": [1]}] if "Lisbon" in exchange else list(operations))

    return ScriptedModel(answering=answering)


@pytest.mark.parametrize(
    ("operations", "request_text"),
    [
        ([], "Please forget where I live."),
        ([{"op": "forget", "id": 1, "reason": "asked"}], "Please forget where I live."),
        ([{"op": "forget", "id": 1, "reason": "asked", "turns": [1]}], "Unohda missä asun."),
        ([{"op": "forget", "id": 1, "reason": "the user requested it"}], "Zapomnij, gdzie mieszkam."),
        ([{"op": "forget", "id": 1, "reason": "retracted"}], "Please forget where I live."),
    ],
)
def test_a_model_may_notice_a_request_and_still_erases_nothing(operations: list[Any], request_text: str) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), thinker=asking(*operations)) as store:
        bank = store.bank("ana")
        talk(bank, "I live in Lisbon.")
        [request] = talk(bank, request_text, start=MONDAY + timedelta(days=1)).requests
        assert texts(bank) == []
        assert "I live in Lisbon." in texts(bank, "turn")
        assert planned(bank, request) == {"I live in Lisbon."}
        bank.erase(request.plan)
        assert texts(bank, "turn") == []


def test_a_model_can_not_make_one_person_forget_what_another_said() -> None:
    thinker = asking({"op": "forget", "id": 1, "reason": "asked", "turns": [1]})
    with memkit.open(":memory:", encoder=HashingEncoder(), thinker=thinker) as store:
        bank = store.bank("ana")
        talk(bank, "I live in Lisbon.")
        receipt = talk(bank, ("Bruno", "Please forget where Ana lives."), start=MONDAY + timedelta(days=1))
        assert receipt.requests == ()
        assert texts(bank) == ["Ana lives in Lisbon."]
