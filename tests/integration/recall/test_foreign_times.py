"""Questions about a time in other languages than English find what was said then."""

from datetime import UTC, datetime, timedelta

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.models import Turn

NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)  # a Wednesday
LAST_WEEK, LONG_AGO = datetime(2026, 3, 11, 9, tzinfo=UTC), datetime(2025, 11, 2, 9, tzinfo=UTC)


def bank_of(store: memkit.MemoryStore, then: str, earlier: str, at: datetime) -> memkit.MemoryBank:
    bank = store.bank("ana")
    fillers = [Turn(f"Note {n} on lamps.", speaker="Ana", at=LONG_AGO - timedelta(days=n)) for n in range(1, 9)]
    bank.observe([*fillers, Turn(earlier, speaker="Ana", at=LONG_AGO), Turn(then, speaker="Ana", at=at)])
    return bank


@pytest.mark.parametrize(
    ("question", "then", "earlier"),
    [
        ("¿Qué compré la semana pasada?", "Compré un tambor.", "Compré una flauta."),
        ("Was habe ich letzte Woche gekauft?", "Ich habe eine Trommel gekauft.", "Ich habe eine Flöte gekauft."),
        ("Qu'est-ce que j'ai acheté la semaine dernière ?", "J'ai acheté un tambour.", "J'ai acheté un violon."),
        ("O que comprei na semana passada?", "Comprei um tambor.", "Comprei uma flauta."),
        ("Che cosa ho comprato la settimana scorsa?", "Ho comprato un tamburo.", "Ho comprato un flauto."),
        ("Wat heb ik vorige week gekocht?", "Ik heb een trommel gekocht.", "Ik heb een fluit gekocht."),
        ("Vad köpte jag förra veckan?", "Jag köpte en trumma.", "Jag köpte en flöjt."),
        ("Geçen hafta ne aldım?", "Bir davul aldım.", "Bir flüt aldım."),
        ("Что я купила на прошлой неделе?", "Я купила барабан.", "Я купила флейту."),
        ("上周我买了什么？", "我买了鼓。", "我买了笛子。"),
    ],
)
def test_what_was_said_then_comes_first(question: str, then: str, earlier: str) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = bank_of(store, then, earlier, LAST_WEEK)
        [hit] = bank.recall(question, k=1, now=NOW, min_score=0)
    assert hit.memory.text == then
    assert hit.why["date"]


@pytest.mark.parametrize(
    "question",
    [
        "¿Qué pasó ayer?",
        "Was geschah gestern?",
        "Que s'est-il passé hier ?",
        "O que aconteceu ontem?",
        "Che cosa è successo ieri?",
        "Wat is er gisteren gebeurd?",
        "Что случилось вчера?",
    ],
)
def test_what_happened_at_a_time_gives_all_that_was_said_then_and_nothing_else(question: str) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = bank_of(store, "The harbour was closed.", "We painted the fence.", NOW - timedelta(days=1))
        hits = bank.recall(question, now=NOW)
    assert [hit.memory.text for hit in hits] == ["The harbour was closed."]
