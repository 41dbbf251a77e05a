"""Reflection: days into summaries, those into weeks and months, and a portrait; each with its sources."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import ThinkerError
from memkit.models import Memory
from memkit.protocols import Reflection
from memkit.testing import FrozenClock, ScriptedThinker

MONDAY_MORNING = datetime(2025, 3, 3, 9, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
SAID_BY_DAY = (
    "I moved to Lisbon with my grey cat Pipo.",
    "I broke my left wrist on the stairs of the library.",
    "My sister Rita opened a bakery near the harbour.",
    "I started to learn the cello with an old teacher.",
)


class Scribe(ScriptedThinker):
    """A thinker that reflects, too: gives back how many lines it was given, and keeps the tasks."""

    def __init__(self, answers: Sequence[str | Exception] = ()) -> None:
        super().__init__([])
        self.answers = list(answers)
        self.asked: list[Reflection] = []

    def reflect(self, task: Reflection) -> str:
        self.asked.append(task)
        answer = self.answers.pop(0) if self.answers else f"{task.level} {task.period} of {len(task.lines)} lines"
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def scribe() -> Scribe:
    return Scribe()


@pytest.fixture
def written(path: Path, clock: FrozenClock, scribe: Scribe) -> Iterator[memkit.MemoryBank]:
    """A bank whose thinker writes the summaries."""
    with memkit.open(path, encoder=HashingEncoder(), clock=clock, thinker=scribe) as store:
        yield store.bank("acme", "ana")


def say(bank: memkit.MemoryBank, text: str, at: datetime, speaker: str = "Ana") -> str:
    return bank.observe([memkit.Turn(text, speaker, at=at)]).ids[0]


def days(bank: memkit.MemoryBank, count: int, first: datetime = MONDAY_MORNING) -> None:
    for n in range(count):
        at = first + n * ONE_DAY
        say(bank, f"{SAID_BY_DAY[n % len(SAID_BY_DAY)]} That was on day {at:%j}.", at)


def summary(bank: memkit.MemoryBank, level: str, period: str) -> Memory:
    [only] = bank.list(kinds=["summary"], where={"level": level, "period": period})
    return only


def periods(bank: memkit.MemoryBank, level: str) -> list[str]:
    summaries = bank.list(kinds=["summary"], where={"level": level}, limit=1000)
    return sorted(memory.metadata["period"] for memory in summaries)


def down(bank: memkit.MemoryBank, memory: Memory) -> set[str]:
    """Ids of the turns that a memory rests on, through whatever lies between."""
    sources = [source for id in memory.sources if (source := bank.get(id)) is not None]
    return {turn for m in sources for turn in ({m.id} if m.kind == "turn" else down(bank, m))}


def test_days_become_summaries_weeks_and_months_roll_them_up(bank: memkit.MemoryBank) -> None:
    days(bank, 10)
    bank.reflect()
    assert periods(bank, "day") == [str((MONDAY_MORNING + n * ONE_DAY).date()) for n in range(10)]
    assert periods(bank, "week") == ["2025-W10", "2025-W11"]
    assert periods(bank, "month") == ["2025-03"]
    assert "Pipo" in summary(bank, "day", "2025-03-03").text
    assert summary(bank, "week", "2025-W11").text.startswith("2025-03-10 Ana: ")


def test_a_week_of_one_day_and_a_month_of_one_week_would_only_repeat_it(bank: memkit.MemoryBank) -> None:
    days(bank, 1)
    days(bank, 2, MONDAY_MORNING + 35 * ONE_DAY)
    bank.reflect()
    assert (len(periods(bank, "day")), periods(bank, "week"), periods(bank, "month")) == (3, ["2025-W15"], [])


def test_every_summary_and_the_portrait_rest_on_the_turns_that_they_are_made_of(bank: memkit.MemoryBank) -> None:
    days(bank, 10)
    bank.think()
    bank.reflect()
    turns = {turn.id for turn in bank.list(kinds=["turn"])}
    assert down(bank, summary(bank, "month", "2025-03")) == turns
    portrait = bank.portrait()
    assert portrait is not None
    assert down(bank, portrait) == turns


def test_the_banks_zone_decides_which_day_it_was(store: memkit.MemoryStore) -> None:
    tokyo = store.bank("tokyo", zone="Asia/Tokyo")
    say(tokyo, SAID_BY_DAY[0], datetime(2025, 3, 31, 22, tzinfo=UTC))
    tokyo.reflect()
    assert periods(tokyo, "day") == ["2025-04-01"]


def test_reflecting_again_without_new_turns_does_nothing_and_asks_no_model(
    written: memkit.MemoryBank, scribe: Scribe
) -> None:
    days(written, 10)
    assert written.reflect().count("added") == len(scribe.asked) == 10 + 2 + 1 + 1
    change = written.list(limit=1)[0], len(scribe.asked)
    assert written.reflect().outcomes == ()
    assert (written.list(limit=1)[0], len(scribe.asked)) == change


def test_a_day_added_to_a_year_costs_that_day_its_week_its_month_and_the_portrait(
    written: memkit.MemoryBank, scribe: Scribe
) -> None:
    days(written, 365)
    written.reflect()
    scribe.asked.clear()
    say(written, "I won a tombola: a ham, two towels and a radio.", MONDAY_MORNING + 365 * ONE_DAY)
    written.reflect()
    sizes = {task.level: len(task.lines) for task in scribe.asked}
    assert [task.level for task in scribe.asked] == ["day", "week", "month", "portrait"]
    assert (sizes["day"], sizes["week"]) == (1, 2)
    assert sizes["month"] <= 31
    assert sizes["portrait"] < 12 + 6  # of the newest months, and figures


def test_a_day_that_grew_replaces_its_summary_and_nothing_is_doubled(bank: memkit.MemoryBank) -> None:
    days(bank, 3)
    bank.reflect()
    before = summary(bank, "day", "2025-03-05")
    say(bank, "I planted eleven lemon trees behind the garage.", MONDAY_MORNING + 2 * ONE_DAY + timedelta(hours=3))
    assert bank.reflect().count("superseded") == 3
    after = summary(bank, "day", "2025-03-05")
    assert "lemon" in after.text
    old = bank.get(before.id)
    assert old is not None
    assert (old.state, old.superseded_by) == ("superseded", after.id)
    results = bank.recall("Rita's bakery near the harbour", kinds=["summary", "portrait"], min_score=0, k=50)
    assert len(results) == len(set(results.ids)) == 3 + 1 + 1
    assert before.id not in results.ids


def test_what_is_recalled_by_default_is_the_same_with_and_without_reflection(bank: memkit.MemoryBank) -> None:
    days(bank, 12)
    bank.think()
    queries = ["Where is Rita's bakery?", "What happened to the wrist?", "lemon"]
    before = [[(hit.score, hit.why) for hit in bank.recall(q, min_score=0)] for q in queries]
    bank.reflect()
    assert [[(hit.score, hit.why) for hit in bank.recall(q, min_score=0)] for q in queries] == before


def test_turns_are_neighbours_even_if_a_reflection_came_between_them(store: memkit.MemoryStore) -> None:
    reflected, plain = store.bank("reflected"), store.bank("plain")
    for bank in (reflected, plain):
        for n, text in enumerate(SAID_BY_DAY):
            say(bank, text, MONDAY_MORNING + timedelta(minutes=n))
            if bank is reflected:
                bank.reflect()
    results = [bank.recall("my wrist and the library", around=2) for bank in (reflected, plain)]
    ranked = [[(hit.memory.text, hit.why, [m.text for m in hit.around]) for hit in hits] for hits in results]
    assert ranked[0] == ranked[1]


def test_erasing_a_turn_takes_all_that_rests_on_it_and_the_rest_is_written_again(bank: memkit.MemoryBank) -> None:
    days(bank, 10)
    secret = say(bank, "My passport number is Q7781240 and I hid it in the piano.", MONDAY_MORNING + timedelta(hours=2))
    bank.reflect()
    receipt = bank.erase(ids=[secret])
    assert receipt.counts == {"portrait": 1, "summary": 3, "turn": 1}
    assert bank.reflect().count("added") == 4
    assert "Pipo" in summary(bank, "day", "2025-03-03").text
    states = ("active", "superseded", "archived", "forgotten")
    assert not any("Q7781240" in memory.text + str(memory.metadata) for memory in bank.list(limit=1000, states=states))


def test_a_forgotten_turn_is_told_no_more(bank: memkit.MemoryBank) -> None:
    say(bank, SAID_BY_DAY[0], MONDAY_MORNING)
    wrist = say(bank, SAID_BY_DAY[1], MONDAY_MORNING + timedelta(minutes=1))
    bank.reflect()
    bank.forget(wrist, reason="embarrassing")
    bank.reflect()
    assert "wrist" not in summary(bank, "day", "2025-03-03").text


def test_where_all_of_a_day_is_forgotten_its_summary_goes_too(bank: memkit.MemoryBank) -> None:
    days(bank, 2)
    bank.reflect()
    bank.forget(bank.list(kinds=["turn"])[0].id, reason="wrong")
    bank.reflect()
    assert (periods(bank, "day"), periods(bank, "week")) == (["2025-03-04"], [])
    assert bank.reflect().outcomes == ()


def test_a_forgotten_summary_stays_forgotten_until_its_day_grows(bank: memkit.MemoryBank) -> None:
    say(bank, SAID_BY_DAY[0], MONDAY_MORNING)
    bank.reflect()
    bank.forget(summary(bank, "day", "2025-03-03").id, reason="not wanted")
    bank.reflect()
    assert periods(bank, "day") == []
    say(bank, SAID_BY_DAY[1], MONDAY_MORNING + timedelta(hours=1))
    bank.reflect()
    assert periods(bank, "day") == ["2025-03-03"]


def test_a_summary_that_the_user_corrected_stands(bank: memkit.MemoryBank) -> None:
    say(bank, SAID_BY_DAY[0], MONDAY_MORNING)
    bank.reflect()
    bank.correct(summary(bank, "day", "2025-03-03").id, "Ana moved, but Pipo stayed with Rita.")
    say(bank, SAID_BY_DAY[1], MONDAY_MORNING + timedelta(hours=1))
    bank.reflect()
    assert summary(bank, "day", "2025-03-03").text == "Ana moved, but Pipo stayed with Rita."


def test_faded_turns_change_no_summary(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    days(bank, 3)
    bank.reflect()
    clock.advance(timedelta(days=1000))
    assert bank.decay().counts.get("turn") == 3
    assert bank.reflect().outcomes == ()


def test_maintenance_leaves_a_day_alone_while_it_goes_on(
    store: memkit.MemoryStore, bank: memkit.MemoryBank, clock: FrozenClock
) -> None:
    say(bank, SAID_BY_DAY[0], clock())
    store.maintain(10)
    assert periods(bank, "day") == []
    clock.advance(timedelta(hours=2))
    assert store.maintain(10).reflected > 0
    assert len(periods(bank, "day")) == 1
    assert store.maintain(10).reflected == 0


def test_a_night_that_goes_on_over_two_days_waits_whole(store: memkit.MemoryStore, clock: FrozenClock) -> None:
    bank = store.bank("night")
    clock.now = MONDAY_MORNING.replace(hour=0, minute=20) + ONE_DAY
    say(bank, SAID_BY_DAY[0], clock() - timedelta(minutes=40))
    say(bank, SAID_BY_DAY[1], clock() - timedelta(minutes=10))
    store.maintain(10)
    assert (periods(bank, "day"), periods(bank, "week")) == ([], [])
    clock.advance(timedelta(minutes=25))
    store.maintain(10)
    assert (periods(bank, "day"), periods(bank, "week")) == (["2025-03-03"], [])
    clock.advance(timedelta(hours=1))
    store.maintain(10)
    assert (periods(bank, "day"), periods(bank, "week")) == (["2025-03-03", "2025-03-04"], ["2025-W10"])


def test_several_may_reflect_at_once_and_nothing_is_doubled(path: Path, bank: memkit.MemoryBank) -> None:
    days(bank, 30)
    with memkit.open(path, encoder=HashingEncoder()) as other:
        workers = [threading.Thread(target=b.reflect) for b in (bank, other.bank("acme", "ana")) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    bank.reflect()
    assert len(periods(bank, "day")) == len(set(periods(bank, "day"))) == 30
    assert len(periods(bank, "week")) == len(set(periods(bank, "week")))
    assert len(bank.list(kinds=["portrait"])) == 1
    assert bank.reflect().outcomes == ()


def test_a_chat_model_writes_summaries_and_the_portrait(path: Path) -> None:
    model = FakeListChatModel(responses=["Ana moved to Lisbon with Pipo.", "```\nAna is brave.\n```"])
    with memkit.open(path, encoder=HashingEncoder(), thinker=model) as store:
        bank = store.bank("ana")
        say(bank, SAID_BY_DAY[0], MONDAY_MORNING)
        assert [outcome.reason for outcome in bank.reflect().outcomes] == [None, None]
        day_summary = summary(bank, "day", "2025-03-03")
        assert (day_summary.text, day_summary.metadata["by"]) == (
            "Ana moved to Lisbon with Pipo.",
            "llm:FakeListChatModel",
        )
        portrait = bank.portrait()
        assert portrait is not None
        assert portrait.text == "Ana is brave."


@pytest.mark.parametrize(
    "answer", ["", "   ", '[{"op": "insert"}]', "```json\n{}\n```", "1234", "word " * 1000], ids=lambda a: repr(a[:12])
)
def test_an_answer_that_cannot_be_used_gives_way_to_what_is_extracted_and_the_receipt_says_so(
    path: Path, answer: str
) -> None:
    with memkit.open(path, encoder=HashingEncoder(), thinker=FakeListChatModel(responses=[answer])) as store:
        bank = store.bank("ana")
        say(bank, SAID_BY_DAY[0], MONDAY_MORNING)
        reasons = {outcome.reason for outcome in bank.reflect().outcomes}
        assert reasons == {"extracted: ThinkerOutputError from the model"}
        day_summary = summary(bank, "day", "2025-03-03")
        assert (day_summary.text, day_summary.metadata["by"]) == (f"Ana: {SAID_BY_DAY[0]}", "extractive")


def test_a_model_that_fails_costs_no_summary(written: memkit.MemoryBank, scribe: Scribe) -> None:
    scribe.answers = [ThinkerError("down"), "A fine portrait."]
    say(written, SAID_BY_DAY[0], MONDAY_MORNING)
    assert [outcome.reason for outcome in written.reflect().outcomes] == [
        "extracted: ThinkerError from the model",
        None,
    ]
    assert "Pipo" in summary(written, "day", "2025-03-03").text


def test_the_prompt_has_portrait_summary_and_memories_in_that_order_each_optional(bank: memkit.MemoryBank) -> None:
    days(bank, 3)
    bank.think()
    bank.reflect()
    results = bank.recall("What happened to the wrist?", k=1, min_score=0)
    lines = results.prompt(2000).splitlines()
    kinds = [line.split(" ")[0] for line in lines if line.startswith(("Portrait", "Summary", "2025"))]
    assert kinds == ["Portrait", "Summary", "2025-03-04"]
    assert "Portrait" not in results.prompt(2000, portrait=False)
    assert "Summary" not in results.prompt(2000, summaries=False)


@pytest.mark.parametrize(
    ("question", "periods"),
    [
        ("What did I break on 4 March 2025?", ["2025-03-04"]),
        ("What happened in the week of 4 March 2025?", ["2025-W10"]),
        ("What happened in March?", ["2025-03"]),
        ("What happened in April?", ["2025-04-21"]),
        ("What happened in January 2024?", []),
        ("What did I break?", ["2025-04-21"]),
    ],
)
def test_the_summary_that_is_shown_is_of_the_time_asked_about_or_the_newest(
    bank: memkit.MemoryBank, question: str, periods: list[str]
) -> None:
    days(bank, 10)
    days(bank, 1, MONDAY_MORNING + 49 * ONE_DAY)
    bank.reflect()
    results = bank.recall(question, min_score=0)
    assert [memory.metadata["period"] for memory in results.summaries] == periods


def test_a_recall_as_of_earlier_sees_the_portrait_and_summary_of_then(
    bank: memkit.MemoryBank, clock: FrozenClock
) -> None:
    say(bank, SAID_BY_DAY[0], MONDAY_MORNING)
    bank.reflect()
    then = clock()
    clock.advance(ONE_DAY)
    say(bank, SAID_BY_DAY[1], MONDAY_MORNING + timedelta(hours=1))
    bank.reflect()
    early, late = (bank.recall("Pipo in Lisbon", min_score=0, as_of=at) for at in (then, clock()))
    assert ["wrist" in early.summaries[0].text, "wrist" in late.summaries[0].text] == [False, True]
    assert early.portrait is not None
    assert late.portrait is not None
    assert early.portrait.id != late.portrait.id
    assert bank.recall("Pipo", min_score=0, as_of=then - ONE_DAY).portrait is None


def test_mood_is_told_by_person_and_week_and_an_assistant_has_none(bank: memkit.MemoryBank) -> None:
    pytest.importorskip("vaderSentiment")
    say(bank, "I love this wonderful day, I'm so happy!", MONDAY_MORNING)
    say(bank, "This is horrible, I'm sad and angry.", MONDAY_MORNING + 7 * ONE_DAY)
    bank.observe([memkit.Turn("Great! Wonderful!", "Bot", role="assistant", at=MONDAY_MORNING + ONE_DAY)])
    bank.reflect()
    glad, sad = bank.mood()
    assert (glad.speaker, glad.week, sad.week) == ("Ana", "2025-W10", "2025-W11")
    assert glad.valence is not None
    assert sad.valence is not None
    assert glad.valence > 0.5 > -0.5 > sad.valence
