"""Changes by hand on the page, over HTTP without a browser: what each does in the store, and how it is undone."""

from urllib.parse import urlsplit

import pytest
from page_visits import PageReader, PageVisit

import memkit
from memkit.models import Memory
from memkit.serve.http.page import receipts

BANK = "acme/ana"
WRITING = ("correct", "pin", "forget")


@pytest.fixture
def thought(bank: memkit.MemoryBank) -> Memory:
    return next(memory for memory in bank.list(["thought"]) if "nuts" in memory.text)


async def test_a_correction_takes_the_place_of_a_thought_and_can_be_undone(
    visit: PageVisit, bank: memkit.MemoryBank, thought: Memory
) -> None:
    page = await visit.look("memory", bank=BANK, id=thought.id)
    answer = await visit.send(page, "correct", text="Ana eats nuts but no shellfish.")
    old = bank.get(thought.id)
    assert old is not None
    assert old.superseded_by is not None
    new = bank.get(old.superseded_by)
    assert new is not None
    assert (new.text, new.author) == ("Ana eats nuts but no shellfish.", "user")
    undone = await visit.send(answer.text, "undo")
    assert "as it was before" in undone.text
    assert bank.get(thought.id) == thought
    assert new.id not in {memory.id for memory in bank.list()}


async def test_pinning_forgetting_and_bringing_back_are_seen_in_the_store(
    visit: PageVisit, bank: memkit.MemoryBank
) -> None:
    page = await visit.look("memory", bank=BANK, id="turn 2")
    await visit.send(page, "pin")
    assert bank.list()[1].pinned
    forgotten = await visit.send(page, "forget", reason="she asked")
    assert "she asked" in forgotten.text
    assert [m.id for m in bank.list(states=["forgotten"])] == ["turn 2"]
    await visit.send(forgotten.text, "restore")
    assert "turn 2" in {m.id for m in bank.list()}


async def test_every_change_of_a_visit_is_listed_until_it_is_undone(visit: PageVisit, bank: memkit.MemoryBank) -> None:
    for id in ("turn 1", "turn 2"):
        await visit.send(await visit.look("memory", bank=BANK, id=id), "pin")
    changes = await visit.look("changes", bank=BANK)
    assert changes.count(">Undo<") == 2
    last = await visit.send(changes, "undo")
    assert [memory.id for memory in bank.list(["turn"]) if memory.pinned] == ["turn 1"]
    assert last.text.count(">Undo<") == 1


async def test_what_was_changed_again_since_isnt_undone_and_that_is_told(
    visit: PageVisit, bank: memkit.MemoryBank, thought: Memory
) -> None:
    page = await visit.look("memory", bank=BANK, id=thought.id)
    answer = await visit.send(page, "correct", text="Ana eats nuts now.")
    bank.erase(ids=[bank.get(thought.id).superseded_by])  # type: ignore[union-attr, list-item]
    refused = await visit.send(answer.text, "undo")
    assert refused.status_code == 409
    assert "erased or built on" in refused.text


async def test_a_receipt_too_long_for_a_cookie_is_offered_where_the_change_was_made(
    visit: PageVisit, bank: memkit.MemoryBank
) -> None:
    now = bank.list()[0].occurred_at
    bank.insert(
        [
            Memory(id=f"{place} {n}", kind="thought", text=f"Tom has boat number {n}.", speaker=place, author="user",
                   occurred_at=now, recorded_at=now)
            for n in range(150) for place in ("here", "there")
        ]
    )  # fmt: skip
    held = len(bank.list(["thought"], limit=1000))
    answer = await visit.send(await visit.look("care", bank=BANK, look="1"), "mend")
    assert len(bank.list(["thought"], limit=1000)) < held
    assert len(visit.http.cookies[receipts.CHANGES_COOKIE]) < receipts.MAX_COOKIE_CHARS
    await visit.send(answer.text, "undo")
    assert len(bank.list(["thought"], limit=1000)) == held


async def test_an_erasure_is_planned_shown_confirmed_and_receipted(visit: PageVisit, bank: memkit.MemoryBank) -> None:
    plan = await visit.look("erase", bank=BANK, about="Which food makes Ana ill? nuts")
    assert "rests on it" in plan
    done = await visit.send(plan, "erase", requested_by="Ana herself")
    assert "Erased" in done.text
    assert "asked for by <bdi>Ana herself</bdi>" in done.text
    assert bank.get("turn 2") is None
    assert not any("nuts" in memory.text for memory in bank.list(limit=1000))


@pytest.mark.parametrize(
    ("chosen", "gone"),
    [
        ({"speaker": "tom"}, {"turn 4"}),
        ({"session": "first", "since": "2025-05-03"}, {"turn 3", "turn 4"}),
        ({"until": "2025-05-02"}, {"turn 1"}),
        ({"id": "turn 3"}, {"turn 3"}),
    ],
    ids=["person", "session", "time", "memory"],
)
async def test_what_is_erased_is_chosen_by_person_session_time_or_memory(
    visit: PageVisit, bank: memkit.MemoryBank, chosen: dict[str, str], gone: set[str]
) -> None:
    turns = {memory.id for memory in bank.list(["turn"])}
    await visit.send(await visit.look("erase", bank=BANK, **chosen), "erase")
    assert turns - {memory.id for memory in bank.list(["turn"])} == gone


async def test_a_plan_that_is_out_of_date_is_told_and_nothing_goes(visit: PageVisit, bank: memkit.MemoryBank) -> None:
    plan = await visit.look("erase", bank=BANK, speaker="tom")
    bank.observe([("tom", "I sold the router yesterday, by the way.")])
    told = await visit.send(plan, "erase")
    assert "The bank changed since this plan was shown" in told.text
    assert bank.get("turn 4") is not None
    assert "I sold the router" in told.text
    await visit.send(told.text, "erase")
    assert bank.get("turn 4") is None


async def test_a_form_of_another_visit_or_another_site_is_refused(
    visit: PageVisit, bank: memkit.MemoryBank, thought: Memory
) -> None:
    page = await visit.look("memory", bank=BANK, id=thought.id)
    form = next(form for form in PageReader(page).forms if form.action == "/page/pin")
    cases = [
        ({"form_key": "0" * 64}, {}),
        ({}, {"origin": "https://evil.example"}),
        ({}, {"origin": "null"}),
        ({}, {"sec-fetch-site": "cross-site"}),
        ({}, {"host": "evil.example"}),
        ({}, {"cookie": "memkit_visit=another"}),
    ]
    for fields, headers in cases:
        answer = await visit.http.post(form.action, data=form.fields | fields, headers=headers)
        assert answer.status_code == 403, (fields, headers)
    unsigned = {name: value for name, value in form.fields.items() if name != "form_key"}
    assert (await visit.http.post(form.action, data=unsigned)).status_code == 422
    assert not any(memory.pinned for memory in bank.list())


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/page/", "/elsewhere", "\\\\evil.example", "javascript:alert(1)"]
)
async def test_no_form_leads_away_from_the_page(visit: PageVisit, back: str) -> None:
    page = await visit.look("memory", bank=BANK, id="turn 1")
    form = next(form for form in PageReader(page).forms if form.action == "/page/pin")
    answer = await visit.http.post(form.action, data=form.fields | {"back": back})
    where = urlsplit(answer.headers["location"])
    assert (where.netloc, where.path) == ("", "/page/bank")


async def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(visit: PageVisit) -> None:
    page = await visit.http.get("/page/memory", params={"bank": BANK, "id": "turn 1"})
    form = next(form for form in PageReader(page.text).forms if form.action == "/page/pin")
    changed = await visit.http.post(form.action, data=form.fields)
    for cookie in [*page.headers.get_list("set-cookie"), *changed.headers.get_list("set-cookie")]:
        assert "httponly" in cookie.lower()
        assert "samesite=strict" in cookie.lower()
        assert "path=/page" in cookie.lower()
    secured = await visit.http.get("https://127.0.0.1:8000/page/", headers={"cookie": ""})
    assert "; secure" in secured.headers["set-cookie"].lower()
