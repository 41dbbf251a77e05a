"""Doors of the page: tokens and what they allow, the owner's one-time key, read-only pages."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from page_visits import PageVisit, visiting

import memkit
from memkit.access import Right
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.http.app import create_app
from memkit.serve.http.page.mounting import mount_page, owners_app
from memkit.serve.http.serve_settings import AppSettings

BANK = "acme/ana"


async def logged_in(app: FastAPI, secret: str) -> PageVisit:
    visit = visiting(app)
    login = await visit.look("login", back="/page/")
    answer = await visit.send(login, "login", token=secret)
    assert answer.url.path == "/page/"
    return visit


def secret_for(store: memkit.MemoryStore, *rights: Right, under: str = "acme") -> str:
    return store.access.create("a visitor", under=[(under,)], rights=rights).secret


async def test_a_database_with_tokens_asks_for_one_and_leads_back(
    app: FastAPI, store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    secret = secret_for(store, "read")
    visit = visiting(app)
    asked = await visit.http.get("/page/days", params={"bank": BANK}, follow_redirects=True)
    assert asked.url.path == "/page/login"
    assert "acme" not in asked.text.split("<main")[1].split('name="back"')[0]
    wrong = await visit.send(asked.text, "login", token="mk_" + "x" * 43)
    assert wrong.status_code == 401
    back = await visit.send(wrong.text, "login", token=secret)
    assert back.url.path == "/page/days"
    assert "I moved to Lisbon" in back.text


async def test_a_part_of_a_page_that_is_asked_for_without_a_token_leads_the_browser_to_the_form(
    app: FastAPI, store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    secret_for(store, "read")
    answer = await visiting(app).http.get("/page/days", params={"bank": BANK}, headers={"hx-request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"].startswith("/page/login?back=")


async def test_a_token_shows_its_own_banks_alone(
    app: FastAPI, store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    store.bank("lab", "mina").observe([("mina", "a secret of the lab")])
    visit = await logged_in(app, secret_for(store, "read"))
    assert "lab/mina" not in await visit.look("")
    for view in ("bank", "ask", "days", "beliefs", "graph", "retention", "erase", "care", "changes"):
        assert "secret of the lab" not in await visit.look(view, 403, bank="lab/mina")


@pytest.mark.parametrize("rights", [["read"], ["read", "write"], ["read", "write", "erase"], ["read", "admin"]])
async def test_a_token_is_offered_what_it_allows_and_nothing_else_is_done(
    app: FastAPI, store: memkit.MemoryStore, bank: memkit.MemoryBank, rights: list[Right]
) -> None:
    owner = visiting(app)
    offered = {
        "write": await owner.look("memory", bank=BANK, id="turn 1"),
        "erase": await owner.look("erase", bank=BANK, id="turn 1"),
    }
    assert all(
        f'action="/page/{action}"' in html for action, html in [("pin", offered["write"]), ("erase", offered["erase"])]
    )
    visit = await logged_in(app, secret_for(store, *rights))
    memory = await visit.look("memory", bank=BANK, id="turn 1")
    plan = await visit.look("erase", bank=BANK, id="turn 1")
    assert ('action="/page/pin"' in memory) == ("write" in rights)
    assert ('method="post" action="/page/erase"' in plan) == ("erase" in rights)
    assert (">Care<" in memory) == ("admin" in rights)
    await visit.look("care", 200 if "admin" in rights else 403, bank=BANK)
    form_key = memory.split('name="form_key" value="')[1].split('"')[0]
    fields = {"form_key": form_key, "bank": BANK, "id": "turn 1", "digest": "0"}
    for action, right in (("pin", "write"), ("forget", "write"), ("erase", "erase"), ("mend", "admin")):
        answer = await visit.http.post(f"/page/{action}", data=fields)
        assert (answer.status_code != 403) == (right in rights), action


async def test_a_revoked_token_is_out_at_once_and_logging_out_forgets_it(
    app: FastAPI, store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    visit = await logged_in(app, secret_for(store, "read"))
    token = store.access.list()[0]
    html = await visit.look("bank", bank=BANK)
    assert "a visitor" in html
    store.access.revoke(token.id)
    assert (await visit.http.get("/page/bank", params={"bank": BANK})).status_code == 303
    other = await logged_in(app, secret_for(store, "read"))
    await other.send(await other.look("bank", bank=BANK), "logout")
    assert (await other.http.get("/page/bank", params={"bank": BANK})).status_code == 303


async def test_a_form_for_a_token_that_another_site_sends_is_refused(
    app: FastAPI, store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    secret = secret_for(store, "read")
    answer = await visiting(app).http.post("/page/login", data={"token": secret, "form_key": "0"})
    assert answer.status_code == 403


async def test_another_worker_knows_a_visit_again(
    app: FastAPI, store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    visit = await logged_in(app, secret_for(store, "read", "write"))
    page = await visit.look("memory", bank=BANK, id="turn 1")
    another = FastAPI()
    mount_page(another, store)
    visit.http._transport = httpx.ASGITransport(another, client=("127.0.0.1", 1))
    done = await visit.send(page, "pin")
    assert bank.list()[0].pinned
    await visit.send(done.text, "undo")
    assert not bank.list()[0].pinned


async def test_without_tokens_the_page_answers_this_machine_alone(app: FastAPI, bank: memkit.MemoryBank) -> None:
    remote = PageVisit(
        httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("192.0.2.7", 1)), base_url="http://127.0.0.1")
    )
    assert "its own machine alone" in await remote.look("", 403)
    assert "answers to localhost" in await visiting(app, headers={"host": "evil.example"}).look("", 403)


async def test_the_owners_page_opens_once_for_whoever_has_its_key(
    store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    secret_for(store, "read")  # the owner of the file needs none
    app = owners_app(store, "the key")
    first, second = visiting(app), visiting(app)
    assert (await first.http.get("/page/")).status_code == 403
    assert (await first.http.get("/page/", params={"key": "another"})).status_code == 403
    opened = await first.http.get("/page/", params={"key": "the key"}, follow_redirects=True)
    assert "key" not in str(opened.url)
    assert "acme/ana" in opened.text
    assert (await second.http.get("/page/", params={"key": "the key"})).status_code == 403
    assert (await first.http.get("/page/", headers={"host": "evil.example"})).status_code == 403
    await first.send(await first.look("memory", bank=BANK, id="turn 1"), "pin")
    assert bank.list()[0].pinned


async def test_a_read_only_page_offers_no_change_and_takes_none(
    store: memkit.MemoryStore, bank: memkit.MemoryBank, path: Path
) -> None:
    page = await visiting(_mounted(store)).look("memory", bank=BANK, id="turn 1")
    with memkit.open(path, encoder=HashingEncoder(), read_only=True) as opened:
        visit = visiting(_mounted(opened, read_only=True))
        shown = await visit.look("memory", bank=BANK, id="turn 1")
        plan = await visit.look("erase", bank=BANK, id="turn 1")
        assert 'method="post"' not in shown + plan
        assert "read-only" in plan
        assert "here it fell out" in await visit.look("ask", bank=BANK, q="What can't Ana eat?", memory="turn 4")
        assert (await visit.send(page, "pin")).status_code == 403
    assert not bank.list()[0].pinned


def _mounted(store: memkit.MemoryStore, *, read_only: bool = False) -> FastAPI:
    app = FastAPI()
    mount_page(app, store, read_only=read_only)
    return app


async def test_the_root_of_the_server_leads_to_the_page(app: FastAPI, bank: memkit.MemoryBank) -> None:
    answer = await visiting(app).http.get("/", follow_redirects=True)
    assert answer.url.path == "/page/"


async def test_the_server_with_its_page_keeps_both_doors_apart(
    store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    secret = secret_for(store, "read")
    app = create_app(store, AppSettings(page=True))
    visit = await logged_in(app, secret)
    assert "acme/ana" in (await visit.http.get("/", follow_redirects=True)).text
    bearer = {"authorization": f"Bearer {secret}"}
    assert (await visit.http.get("/v1/bank/zone", params={"bank": BANK}, headers=bearer)).status_code == 200
    assert (await visit.http.get("/v1/bank/zone", params={"bank": BANK})).status_code == 401
    alone = visiting(create_app(store))
    assert (await alone.http.get("/page/", headers=bearer)).status_code == 404
