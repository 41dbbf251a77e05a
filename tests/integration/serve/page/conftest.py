"""A bank in which something is known, and the page of its store."""

import page_visits
import pytest
from fastapi import FastAPI
from page_visits import PageVisit

import memkit
from memkit import Turn
from memkit.serve.http.page.mounting import mount_page

TALK = [
    ("ana", "I moved to Lisbon in May, and I live in Alfama now."),
    ("ana", "I can't eat nuts, they make me ill. Always answer in Portuguese."),
    ("ana", "My sister Rita is a nurse at the Santa Maria hospital."),
    ("tom", "The router has to be reset with a paper clip."),
]


@pytest.fixture
def bank(store: memkit.MemoryStore) -> memkit.MemoryBank:
    """A bank of some turns, a day apart, and what was thought about them."""
    ana = store.bank("acme", "ana")
    ana.observe(
        [
            Turn(text, speaker, role="user", at=f"2025-05-{day:02}T10:00:00+00:00", session="first", id=f"turn {day}")
            for day, (speaker, text) in enumerate(TALK, start=1)
        ]
    )
    ana.think()
    return ana


@pytest.fixture
def app(store: memkit.MemoryStore) -> FastAPI:
    """An application with the page of the store."""
    application = FastAPI()
    mount_page(application, store)
    return application


@pytest.fixture
def visit(app: FastAPI, bank: memkit.MemoryBank) -> PageVisit:
    """A visit of the page in a browser that has no token."""
    return page_visits.visiting(app)
