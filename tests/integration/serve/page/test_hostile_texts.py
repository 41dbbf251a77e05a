"""Memory text is hostile: 200 texts that try to be more stand on every view in Chromium, as text."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import page_browser
import pytest
from fastapi import FastAPI
from hostile_texts import HOSTILE_TEXTS
from page_browser import WatchedPage
from serving import serving

import memkit
from memkit import Turn
from memkit.encoders.hashing import HashingEncoder
from memkit.identifiers import bank_path
from memkit.models import MAX_NAME_CHARS, Memory
from memkit.serve.http.page.mounting import mount_page
from memkit.serve.http.page.rendering import WHOLE_CHARS, excerpt

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
pytest.importorskip("playwright")
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
BANK_NAME = ("acme", "<img src=x onerror=window.scriptRan=1>\u202e{{7*7}}")
TEXT_COUNT = 200


def named(text: str) -> str:
    """A text as a name: of a speaker, a session, a person, a thing."""
    return text[:MAX_NAME_CHARS].strip() or "nameless"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[memkit.MemoryStore]:
    path: Path = tmp_path_factory.mktemp("hostile") / "memory.db"
    with memkit.open(path, encoder=HashingEncoder()) as opened:
        yield opened


@pytest.fixture(scope="module")
def bank(store: memkit.MemoryStore) -> memkit.MemoryBank:
    """A bank in which every text is what somebody said, a name, and what is thought of them."""
    hostile = store.bank(*BANK_NAME)
    turns = [
        Turn(
            text, named(text), role="user", at=START + timedelta(hours=number), id=f"turn {number}",
            session=named(text), metadata={named(text): named(text)},
        )
        for number, text in enumerate(HOSTILE_TEXTS)
    ]  # fmt: skip
    hostile.observe(turns)
    hostile.insert([_thought(number, text) for number, text in enumerate(HOSTILE_TEXTS)])
    hostile.reflect()
    return hostile


def _thought(number: int, text: str) -> Memory:
    at, name = START + timedelta(hours=number), named(text)
    return Memory(
        id=f"{number} {name}"[:MAX_NAME_CHARS], kind="thought", text=f"{number} {text}"[:5_000], occurred_at=at,
        recorded_at=at, speaker=name, head=name, relation=name, tail=f"{number} {name}", sources=(f"turn {number}",),
        author="thinker", key_phrases=(name,),
    )  # fmt: skip


@pytest.fixture(scope="module")
def tab(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> Iterator[WatchedPage]:
    app = FastAPI()
    mount_page(app, store)
    with page_browser.chromium() as browser, serving(app) as root:
        yield page_browser.tab_of(browser, root)


@pytest.fixture
def page(tab: WatchedPage) -> Iterator[WatchedPage]:
    yield tab
    assert tab.is_clean(), tab.misdeeds


PATH = bank_path(BANK_NAME)


def test_there_are_200_texts_and_each_is_stored_as_it_is(bank: memkit.MemoryBank) -> None:
    assert len(set(HOSTILE_TEXTS)) >= TEXT_COUNT
    assert [turn.text for turn in bank.list(["turn"], limit=1000)] == HOSTILE_TEXTS


def test_each_text_is_shown_whole_as_text_on_its_own_page(page: WatchedPage) -> None:
    for number, text in enumerate(HOSTILE_TEXTS):
        tab = page.look("memory", bank=PATH, id=f"turn {number}")
        shown = tab.locator(".memory.whole .said").evaluate("said => said.textContent")
        assert shown == excerpt(text, WHOLE_CHARS), number
        assert page.overflow <= 0, number
        assert page.is_clean(), (number, page.misdeeds)


def test_a_megabyte_without_a_space_is_shown_to_its_end_where_it_is_asked_for(page: WatchedPage) -> None:
    number = HOSTILE_TEXTS.index("x" * 1_000_000)
    tab = page.look("memory", bank=PATH, id=f"turn {number}", whole=1)
    assert tab.locator(".memory.whole .said").evaluate("said => said.textContent.length") == 1_000_000
    assert page.overflow <= 0


@pytest.mark.parametrize("size", [page_browser.WIDE, page_browser.NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize(
    ("view", "parameters"),
    [
        ("", {}),
        ("bank", {"bank": PATH}),
        ("days", {"bank": PATH}),
        ("beliefs", {"bank": PATH}),
        ("graph", {"bank": PATH}),
        ("retention", {"bank": PATH}),
        ("erase", {"bank": PATH, "since": "2026-01-01"}),
        ("care", {"bank": PATH, "look": 1}),
        ("changes", {"bank": PATH}),
    ],
    ids=lambda value: value or "banks" if isinstance(value, str) else "",
)
def test_on_no_view_a_text_runs_or_leads_elsewhere_or_widens_the_page(
    page: WatchedPage, view: str, parameters: dict[str, Any], size: dict[str, int]
) -> None:
    page.tab.set_viewport_size(size)
    tab = page.look(view, **parameters)
    for _ in range(8 if view == "days" else 1):
        tab.mouse.wheel(0, 100_000)
        tab.wait_for_timeout(150)
    assert page.overflow <= 0
    assert tab.locator("main script, main style, main iframe, main img, main object, main base, main meta").count() == 0


def test_no_text_runs_as_a_question_a_name_or_a_date_in_an_address(page: WatchedPage) -> None:
    for text in HOSTILE_TEXTS[:150]:
        short = text[:1_000]
        for view, parameters in (
            ("ask", {"bank": PATH, "q": short, "memory": short, "speaker": short}),
            ("beliefs", {"bank": PATH, "head": named(text), "q": short}),
            ("days", {"bank": PATH, "until": short}),
            ("", {"q": short}),
        ):
            page.tab.goto(f"{page.root}/page/{view}?{urlencode(parameters)}")
    assert page.is_clean(), page.misdeeds


def test_no_text_runs_after_it_was_corrected_forgotten_and_undone(page: WatchedPage, bank: memkit.MemoryBank) -> None:
    for number in (0, 12, 27, 60, 95):
        tab = page.look("memory", bank=PATH, id=f"turn {number}")
        tab.get_by_text("Correct", exact=True).first.click()
        tab.get_by_label("What is true instead").first.fill(f"corrected {HOSTILE_TEXTS[number]}")
        tab.get_by_role("button", name="Correct it").first.click()
        tab.get_by_text("Done: corrected").wait_for()
        tab.get_by_role("button", name="Undo").first.click()
        tab.get_by_text("as it was before").wait_for()
        tab.get_by_text("Forget", exact=True).first.click()
        tab.get_by_label("Why (goes into its history)").first.fill(HOSTILE_TEXTS[number][:500])
        tab.get_by_role("button", name="Forget it").first.click()
        tab.get_by_text("Done: forgotten").wait_for()


def test_no_text_in_the_graph_runs_when_it_is_touched(page: WatchedPage) -> None:
    tab = page.look("graph", bank=PATH)
    box = tab.locator(".graph").bounding_box()
    for x in range(10, int(box["width"]), 40):
        for y in range(10, int(box["height"]), 40):
            tab.mouse.click(box["x"] + x, box["y"] + y)
