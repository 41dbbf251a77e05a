"""Views of the page, over HTTP without a browser: what each shows."""

from html import unescape

import pytest
from page_visits import PageReader, PageVisit, visiting

import memkit

BANK = "acme/ana"
VIEWS: list[tuple[str, dict[str, str]]] = [
    ("", {}),
    ("bank", {"bank": BANK}),
    ("ask", {"bank": BANK, "q": "What can't Ana eat?", "memory": "turn 4"}),
    ("days", {"bank": BANK, "every": "1"}),
    ("memory", {"bank": BANK, "id": "turn 2"}),
    ("retention", {"bank": BANK, "drawn": "1"}),
    ("beliefs", {"bank": BANK}),
    ("graph", {"bank": BANK}),
    ("erase", {"bank": BANK, "about": "nuts"}),
    ("care", {"bank": BANK, "look": "1"}),
    ("changes", {"bank": BANK}),
    ("login", {}),
]


@pytest.mark.parametrize(("view", "parameters"), VIEWS, ids=[view or "banks" for view, _ in VIEWS])
async def test_a_view_tells_browsers_to_run_and_draw_nothing_that_stands_in_it(
    visit: PageVisit, view: str, parameters: dict[str, str]
) -> None:
    answer = await visit.http.get(f"/page/{view}", params=parameters)
    assert answer.status_code == 200
    assert PageReader(answer.text).inline == []
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_banks_are_listed_and_searched_by_name(visit: PageVisit, store: memkit.MemoryStore) -> None:
    store.bank("lab", "mina").observe([("mina", "hello there")])
    assert "lab/mina" in await visit.look("")
    assert "lab/mina" not in await visit.look("", q="ACME")


async def test_a_question_shows_its_results_their_reasons_and_what_a_model_is_shown(visit: PageVisit) -> None:
    html = await visit.look("ask", bank=BANK, q="What can't Ana eat?")
    assert "I can&#39;t eat nuts" in html
    assert "Parts of the score of result 1" in html
    assert "&lt;memory&gt;" in html
    assert "of 400 tokens" in html


async def test_a_smaller_budget_shows_a_model_less(visit: PageVisit) -> None:
    texts = PageReader(await visit.look("ask", bank=BANK, q="What can't Ana eat?", budget=16)).texts
    assert any("nothing fits into this budget" in text for text in texts)


async def test_why_not_says_at_which_step_a_memory_fell_out(visit: PageVisit, bank: memkit.MemoryBank) -> None:
    asked = {"bank": BANK, "q": "What can't Ana eat?"}
    fell_out = await visit.look("ask", **asked, memory="turn 4")
    assert "here it fell out" in fell_out
    assert bank.explain(asked["q"], "turn 4").reason in fell_out
    bank.forget("turn 4", reason="test")
    assert "It is forgotten." in await visit.look("ask", **asked, memory="turn 4")


async def test_why_not_offers_memories_to_pick_from_where_words_are_given(visit: PageVisit) -> None:
    html = await visit.look("ask", bank=BANK, q="What can't Ana eat?", memory="router paper clip")
    assert "Which of these?" in html
    assert "memory=turn+4" in html


async def test_the_time_line_goes_on_where_a_page_ended(visit: PageVisit, bank: memkit.MemoryBank) -> None:
    bank.observe([memkit.Turn(f"note {n}", "ana", at=f"2024-{n % 12 + 1:02}-11T10:00:00Z") for n in range(100)])
    first = await visit.look("days", bank=BANK, kind="turn")
    assert "2025-05-04" in first
    assert "2024-02" in first.split('id="days"')[0]  # a month to go to
    [earlier] = {part.split('"')[0] for part in first.split('hx-get="')[1:] if "after=" in part}
    second = (await visit.http.get(earlier.replace("&amp;", "&"))).text
    assert "note 0" in second
    assert "I moved to Lisbon" not in second


async def test_a_memory_shows_what_it_rests_on_its_history_and_how_it_fades(
    visit: PageVisit, bank: memkit.MemoryBank
) -> None:
    thought = next(m for m in bank.list(["thought"]) if "nuts" in m.text)
    html = await visit.look("memory", bank=BANK, id=thought.id)
    assert "I can&#39;t eat nuts" in html
    assert "falls below 0.05 on" in html
    assert "data-chart" in html
    assert "<strong>added</strong>" in html
    assert thought.text.replace("'", "&#39;") in await visit.look("memory", bank=BANK, id="turn 2")


async def test_beliefs_are_listed_by_whom_they_are_about(visit: PageVisit, bank: memkit.MemoryBank) -> None:
    [head, *_] = bank.beliefs()
    shown = unescape(await visit.look("beliefs", bank=BANK, head=head))
    for relation, beliefs in bank.beliefs()[head].items():
        assert relation in shown
        assert beliefs[0].text in shown


async def test_the_graph_stands_in_a_table_too_and_knows_a_time(visit: PageVisit, bank: memkit.MemoryBank) -> None:
    bank.insert(
        memkit.Memory(
            id="thought", kind="thought", text="Rita is Ana's sister.", head="Rita", relation="is sister of",
            tail="Ana", occurred_at="2025-05-03T10:00:00Z", recorded_at="2025-05-03T10:00:00Z",
        )
    )  # fmt: skip
    assert "is sister of" in await visit.look("graph", bank=BANK, q="rita")
    assert "is sister of" not in await visit.look("graph", bank=BANK, until="2025-05-02")


async def test_retention_over_the_bank_is_drawn_when_it_is_asked_for(visit: PageVisit) -> None:
    assert "data-chart" not in await visit.look("retention", bank=BANK)
    assert (await visit.look("retention", bank=BANK, drawn="1")).count("data-chart") == 2


async def test_care_shows_the_queue_the_bytes_and_what_the_audit_finds(
    visit: PageVisit, bank: memkit.MemoryBank
) -> None:
    now = bank.list()[0].occurred_at
    copies = [
        memkit.Memory(id=f"copy {n}", kind="thought", text="Tom has a boat.", speaker=speaker, author="user",
                      occurred_at=now, recorded_at=now)
        for n, speaker in enumerate(["tom", "ana"])
    ]  # fmt: skip
    bank.insert(copies)
    html = await visit.look("care", bank=BANK, look="1")
    assert "To think about" in html
    assert "vectors" in html
    assert "<strong>copies</strong>" in html


async def test_what_isnt_there_is_told(visit: PageVisit) -> None:
    assert "no bank of this name" in await visit.look("bank", 404, bank="nobody")
    assert "No memory of this bank has this id" in await visit.look("memory", 404, bank=BANK, id="none")
    assert "not a moment" in await visit.look("days", 422, bank=BANK, until="soon")
    assert "lacks something" in await visit.look("ask", 422, bank=BANK, k="many")


async def test_an_empty_database_says_how_a_bank_is_made(app: object, store: memkit.MemoryStore) -> None:
    assert "There is no bank yet" in await visiting(app).look("")


async def test_looking_changes_nothing(visit: PageVisit, bank: memkit.MemoryBank, store: memkit.MemoryStore) -> None:
    before = store.stats()["banks"][BANK]["change"]
    for view, parameters in VIEWS:
        await visit.look(view, **parameters)
    assert store.stats()["banks"][BANK]["change"] == before
    assert all(memory.recall_count == 0 for memory in bank.list())
