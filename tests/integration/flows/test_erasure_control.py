"""After an erasure a bank answers as one that never heard the text: the same ids, order and scores."""

import os
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from word_encoder import WordEncoder

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.evaluation.formats.files import read_conversations
from memkit.evaluation.texts import CONVERSATIONS_FOLDER
from memkit.models import TIME_UNITS, Hit
from memkit.settings import IndexSettings, ObserveSettings, RankingSettings
from memkit.testing import FrozenClock

ROOT = Path(__file__).parents[3]
NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)
DEMO = CONVERSATIONS_FOLDER / "conversation.jsonl"
LOCOMO = Path(os.environ.get("MEMKIT_LOCOMO", ROOT.parent / "shared" / "data" / "locomo_dev.json"))
EXACT, SKETCHES = RankingSettings(), RankingSettings(exact_up_to=50)
COMPARED = RankingSettings(tokens=0.6), RankingSettings(tokens=0.6, exact_up_to=50)  # the words of texts, too


def opened(path: Path, ranking: RankingSettings = EXACT, small_talk: float = 0) -> memkit.MemoryStore:
    """Every turn gets a vector: which ones count as small talk was decided when they came, and stays."""
    index = IndexSettings(tokens=ranking in COMPARED)
    observe = ObserveSettings(small_talk=small_talk, small_talk_from=0)
    encoder = WordEncoder() if index.tokens else HashingEncoder()
    settings = memkit.Settings(ranking=ranking, observe=observe, index=index)
    return memkit.open(path, encoder=encoder, clock=FrozenClock(NOW), settings=settings)


def seen(hits: Sequence[Hit]) -> list[tuple[object, ...]]:
    """What a recall gives, with all parts of its scores; thoughts by their text, since ids are drawn at random."""
    return [
        (
            hit.memory.id if hit.memory.kind == "turn" else hit.memory.text,
            hit.memory.session,
            [m.id for m in hit.around],
            sorted(m.text for m in hit.thoughts),
            hit.why["words"],
        )
        for hit in hits
    ]


def scores(hits: Sequence[Hit]) -> list[float]:
    parts = [hit.why for hit in hits]
    return [
        value
        for hit, why in zip(hits, parts, strict=True)
        for value in (hit.score, *(why[name] for name in sorted(why) if isinstance(why[name], float)))
        if isinstance(value, float)
    ]


def assert_alike(bank: memkit.MemoryBank, control: memkit.MemoryBank, queries: Sequence[str]) -> None:
    for number, query in enumerate(queries):
        floor = None if number % 4 == 0 else 0.0
        found, expected = (b.recall(query, k=10, around=1, min_score=floor, reinforce=False) for b in (bank, control))
        assert seen(found) == seen(expected), query
        assert scores(found) == pytest.approx(scores(expected), abs=1e-6), query


def conversation(path: Path, number: int = 0) -> tuple[list[memkit.Turn], list[str]]:
    """Turns, and two hundred queries: the questions, their paraphrases, and what was said."""
    _, found = read_conversations(path)
    chosen = found[number]
    asked = [text for q in chosen.questions for text in (q.text, *q.wordings)] + list(chosen.unknown)
    said = [turn.text for turn in chosen.turns]
    queries = random.Random(3).sample(asked, min(len(asked), 150))
    return list(chosen.turns), queries + random.Random(4).sample(said, 200 - len(queries))


TELLING = [
    memkit.Turn(text, "Ana", role="user", id=f"tell-{n}", at=NOW - timedelta(days=4, minutes=-n), session="telling")
    for n, text in enumerate(
        (
            "Always answer in Portuguese.",
            "From now on answer in English.",
            "Never suggest dishes with nuts.",
            "My driving exam is on Thursday.",
            "The exam was cancelled!",
            "My zither concert is on 4 June.",
            "My zither concert is on 6 June.",
            "Yesterday I tried the climbing wall.",
        )
    )
]


def assert_no_mention_is_left(store: memkit.MemoryStore, gone: Sequence[str]) -> None:
    """Standing instructions, plans and mentioned times are those of a bank that never heard what went."""
    bank, control = store.bank("erased"), store.bank("control")
    assert [(each.text, each.memory.id) for each in bank.standing()] == [
        (each.text, each.memory.id) for each in control.standing()
    ]
    assert [(p.text, p.memory.id, p.start, p.is_past) for p in bank.upcoming()] == [
        (p.text, p.memory.id, p.start, p.is_past) for p in control.upcoming()
    ]
    mentions = []
    for one in (bank, control):
        state = one._context.state()
        assert state is not None
        with one._context.storage.view(state.number) as view:
            ids = {seq: memory.id for seq, memory in view.memories(list(range(1, 1000))).items()}
            mentions.append(
                [(ids[seq], mention) for seq, mention in view.mentions((*TIME_UNITS, "standing", "change"))]
            )
    assert mentions[0] == mentions[1]
    assert not {id for id, _ in mentions[0]} & set(gone)


def entangled(turns: Sequence[memkit.Turn], count: int) -> list[str]:
    """Ids of the turns that are most like many others: the hardest to forget alone."""
    vectors = HashingEncoder().encode([turn.text for turn in turns])
    likeness = (vectors @ vectors.T).sum(axis=1)
    order = sorted(range(len(turns)), key=lambda i: -likeness[i])
    return [str(turns[i].id) for i in order[:count]]


def compare(
    path: Path,
    turns: Sequence[memkit.Turn],
    gone: Sequence[str],
    queries: Sequence[str],
    *,
    ranking: RankingSettings = EXACT,
    thinking: bool = False,
) -> None:
    with opened(path, ranking) as store:
        bank, control = store.bank("erased"), store.bank("control")
        bank.observe(turns)
        control.observe([turn for turn in turns if turn.id not in gone])
        if thinking:
            for one in (bank, control):
                one.think()
                one.reflect()
        bank.recall(queries[0], reinforce=False)  # so that the index is loaded, and must forget, too
        receipt = bank.erase(ids=gone)
        assert not receipt.bytes_pending
        assert_alike(bank, control, queries)
        assert_no_mention_is_left(store, gone)
    with opened(path, ranking) as store:
        assert_alike(store.bank("erased"), store.bank("control"), queries[:20])
        assert store.doctor() == []


@pytest.mark.parametrize("ranking", [EXACT, SKETCHES], ids=["exact", "sketches"])
@pytest.mark.parametrize("chosen", ["entangled", "random", "a session's beginning"])
def test_two_hundred_queries_are_answered_as_by_a_bank_that_never_heard_it(
    path: Path, chosen: str, ranking: RankingSettings
) -> None:
    turns, queries = conversation(DEMO)
    ids = [str(turn.id) for turn in turns]
    gone = {
        "entangled": entangled(turns, 12),
        "random": random.Random(1).sample(ids, 30),
        "a session's beginning": [i for i in ids if i.startswith(("s02-", "s05-"))][:25],
    }[chosen]
    assert len(queries) == 200
    compare(path, turns, gone, queries if chosen == "entangled" else queries[:40], ranking=ranking)


@pytest.mark.parametrize("ranking", COMPARED, ids=["exact", "sketches"])
def test_with_the_words_of_texts_answers_are_those_of_a_bank_that_never_heard_it(
    path: Path, ranking: RankingSettings
) -> None:
    turns, queries = conversation(DEMO)
    compare(path, turns, entangled(turns, 12), queries[:40], ranking=ranking)


@pytest.mark.parametrize("number", range(len(TELLING)))
def test_instructions_and_plans_are_those_of_a_bank_that_never_heard_it(path: Path, number: int) -> None:
    turns, queries = conversation(DEMO)
    asked = ["What did Ana do on 28 May?", "What happens on 6 June?", "Which language?", *queries[:5]]
    compare(path, [*turns[:60], *TELLING], [str(TELLING[number].id)], asked)


def test_an_echo_counts_its_times_from_its_own_date_when_the_first_is_erased(path: Path) -> None:
    again = [replace(turn, id=f"again-{turn.id}", at=NOW - timedelta(hours=3)) for turn in TELLING[3:]]
    compare(path, [*TELLING, *again], [str(turn.id) for turn in TELLING[3:]], ["What about the exam?"])


def test_thoughts_summaries_and_portraits_are_those_of_a_bank_that_never_heard_it(path: Path) -> None:
    turns, queries = conversation(DEMO)
    turns = turns[:180]
    compare(path, turns, entangled(turns, 15), queries[:40], thinking=True)
    with opened(path) as store:
        erased, control = store.bank("erased"), store.bank("control")
        kinds = ("summary", "portrait", "thought")
        for one in (erased, control):
            one.reflect()
        told = [sorted((m.kind, m.text) for m in one.list(kinds=kinds, limit=1000)) for one in (erased, control)]
        assert told[0] == told[1]


def test_a_day_that_lost_nothing_quotes_as_before_and_as_if_the_rest_had_never_been_said(path: Path) -> None:
    worn = [f"The zither of Okonkwo was tuned in Alcântara, number {i}." for i in range(20)]
    new = ["The zither of Okonkwo was tuned in Alcântara.", "We bought seven lamps for the hall.",
           "Rita painted the garden fence green.", "The plumber came about the broken boiler.",
           "Our neighbour sold the old caravan."]  # fmt: skip
    first = [memkit.Turn(text, "Ana", id=f"a{i}", at=NOW - timedelta(days=9)) for i, text in enumerate(worn)]
    second = [memkit.Turn(text, "Ana", id=f"b{i}", at=NOW - timedelta(days=7)) for i, text in enumerate(new)]
    with opened(path) as store:
        bank, control = store.bank("erased"), store.bank("control")
        bank.observe(first + second)
        control.observe(second)
        for one in (bank, control):
            one.reflect()
        [before] = [m for m in bank.list(kinds=["summary"]) if m.metadata["period"] == "2025-05-26"]
        bank.erase(ids=[str(turn.id) for turn in first])
        [after], [expected] = (one.list(kinds=["summary"], where={"level": "day"}) for one in (bank, control))
        assert new[0] in before.text
        assert (after.id, after.text, after.metadata) == (before.id, before.text, before.metadata)
        assert (after.text, after.metadata) == (expected.text, expected.metadata)


def test_saliences_are_those_of_a_bank_that_never_heard_it(path: Path) -> None:
    turns, _ = conversation(DEMO)
    gone = entangled(turns, 12)
    with opened(path) as store:
        bank, control = store.bank("erased"), store.bank("control")
        bank.observe(turns)
        control.observe([turn for turn in turns if turn.id not in gone])
        bank.erase(ids=gone)
        weighed = [[(m.id, m.salience, m.key_phrases) for m in one.list(limit=1000)] for one in (bank, control)]
    assert weighed[0] == weighed[1]


def test_what_counts_as_small_talk_stays_as_it_was_decided(path: Path) -> None:
    turns, _ = conversation(DEMO)
    with opened(path, small_talk=0.15) as store:
        bank = store.bank("erased")
        bank.observe(turns)
        before = without_vectors(bank)
        gone = entangled(turns, 12)
        bank.erase(ids=gone)
        assert without_vectors(bank) == before - set(gone)
        assert len(before) > 12


def without_vectors(bank: memkit.MemoryBank) -> set[str]:
    """Ids of turns that recall weighs by their words alone."""
    hits = bank.recall("Where has Ines worked over the year?", k=1000, min_score=0, reinforce=False)
    return {hit.memory.id for hit in hits if "cosine" not in hit.why}


def test_sessions_that_nobody_named_are_those_of_a_bank_that_never_heard_it(path: Path) -> None:
    turns, queries = conversation(DEMO)
    turns = [replace(turn, session=None) for turn in turns[:150]]
    begins = [a for a, b in zip(turns[1:], turns, strict=False) if a.moment - b.moment > timedelta(hours=1)]  # type: ignore[operator]
    gone = [str(turn.id) for turn in begins[:4]]
    assert len(gone) == 4
    compare(path, turns, gone, queries[:40])
    with opened(path) as store:
        sessions = [[(m.id, m.session) for m in store.bank(b).list(limit=1000)] for b in ("erased", "control")]
    assert sessions[0] == sessions[1]


def test_repeats_of_what_goes_are_found_as_if_they_were_the_first(path: Path) -> None:
    turns, queries = conversation(DEMO)
    again = [
        replace(turn, id=f"again-{turn.id}", speaker=who, at=NOW - timedelta(days=1))
        for turn, who in zip(turns[10:60:10], ("Ines", "Tobias", "Ines", "Tobias", "Ines"), strict=True)
    ]
    gone = [str(turn.id) for turn in turns[10:60:10]]
    compare(path, [*turns, *again], gone, [*queries[:30], *(turn.text for turn in again)])


def test_a_chain_of_erasures_ends_where_one_would(path: Path) -> None:
    turns, queries = conversation(DEMO)
    gone = random.Random(8).sample([str(turn.id) for turn in turns], 40)
    with opened(path) as store:
        bank, control = store.bank("erased"), store.bank("control")
        bank.observe(turns)
        control.observe([turn for turn in turns if turn.id not in gone])
        for start in range(0, 40, 8):
            bank.erase(ids=gone[start : start + 8])
        assert_alike(bank, control, queries[:40])
        new = [memkit.Turn(f"And now for thing number {i}, Ines", "Tobias", at=NOW, id=f"n{i}") for i in range(12)]
        for one in (bank, control):
            one.observe(new)
        assert_alike(bank, control, queries[:30])


@pytest.mark.skipif(not LOCOMO.exists(), reason="the LoCoMo file is not here")
@pytest.mark.parametrize("number", range(2))
def test_on_locomo_two_hundred_queries_are_answered_as_by_a_bank_that_never_heard_it(path: Path, number: int) -> None:
    turns, queries = conversation(LOCOMO, number)
    compare(path, turns, entangled(turns, 25), queries)
