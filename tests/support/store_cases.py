"""Cases of a store's verbs, the same over every door: each takes an empty store and a folder for files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from verb_cases import STORY, told

from memkit.banks import Store

StoreCase = Callable[[Store, Path], Any]
STORE_CASES: dict[str, StoreCase] = {}
NAMES = [("acme", "ana"), ("acme", "b/ö%b"), ("rival", "eva\0")]


def case(function: StoreCase) -> StoreCase:
    """Take a function in as a case."""
    STORE_CASES[function.__name__] = function
    return function


def peopled(store: Store) -> Store:
    """A store in which three people told the same story."""
    for name in NAMES:
        told(store.bank(*name))
    store.bank("acme", "ana").put("note", {"a": 1})
    return store


@case
def banks_are_named_by_prefix(store: Store, folder: Path) -> Any:
    peopled(store)
    return [store.banks(), store.banks(("acme",)), store.banks(with_items=True), store.banks(("nobody",))]


@case
def several_banks_are_asked_at_once(store: Store, folder: Path) -> Any:
    peopled(store)
    store.bank("rival", "eva\0").change_zone("Asia/Tokyo")
    by_prefix = store.recall("Who visits?", under=("acme",), k=3, around=1)
    return [by_prefix, store.recall("Who visits?", banks=NAMES[1:], k=4, min_score=0), store.recall("x", under=("no",))]


@case
def it_is_said_which_banks_are_asked(store: Store, folder: Path) -> Any:
    return store.recall("x")


@case
def an_option_that_recall_has_not_is_refused(store: Store, folder: Path) -> Any:
    return store.recall("x", under=("acme",), near=True)  # type: ignore[call-arg]


@case
def a_bank_has_a_name(store: Store, folder: Path) -> Any:
    return store.bank()


@case
def a_bank_is_made_with_a_zone(store: Store, folder: Path) -> Any:
    bank = store.bank("acme", "ana", zone="Asia/Tokyo")
    bank.observe(STORY)
    return [bank.zone, store.bank("acme", "ana").zone]


@case
def a_bank_with_another_zone_is_refused(store: Store, folder: Path) -> Any:
    store.bank("acme", "ana", zone="Asia/Tokyo").observe(STORY)
    return store.bank("acme", "ana", zone="Europe/Lisbon").observe(STORY)


@case
def the_store_is_looked_after(store: Store, folder: Path) -> Any:
    peopled(store)
    return [store.maintain(20.0), store.audit(prefix=("acme",)), store.audit(fix=True), store.doctor(), store.flush(5)]


@case
def its_figures_are_read(store: Store, folder: Path) -> Any:
    figures = peopled(store).stats(measure=True)
    return [sorted(figures), figures["banks"]]


@case
def banks_go_by_prefix_with_receipts(store: Store, folder: Path) -> Any:
    peopled(store)
    gone = store.erase_all(under=("acme",), confirm=("acme",), requested_by="Ana")
    written = store.export_receipts(folder / "receipts.jsonl")
    return [gone, store.receipts(), store.receipts(("rival",)), written, store.purge(), store.banks()]


@case
def banks_go_only_by_their_prefix(store: Store, folder: Path) -> Any:
    return peopled(store).erase_all(under=("acme",), confirm=("rival",))


@case
def receipts_are_followed_again(store: Store, folder: Path) -> Any:
    peopled(store).bank("acme", "ana").erase(ids=["t1"])
    store.export_receipts(folder / "receipts.jsonl")
    return store.repeat_erasures(folder / "receipts.jsonl")


@case
def an_export_is_written_and_loaded(store: Store, folder: Path) -> Any:
    report = peopled(store).export(folder / "all.jsonl", prefix=("acme",), vectors=False)
    with (folder / "all.jsonl").open(encoding="utf-8") as file:
        lines = [next(iter(json.loads(line))) for line in file]
    loaded = [store.load(folder / "all.jsonl")]
    store.erase_all(under=("acme",), confirm=("acme",))
    return [report, lines, loaded, store.load(folder / "all.jsonl"), store.bank("acme", "ana").list(), store.flush(5)]


@case
def a_file_that_is_no_export_is_refused(store: Store, folder: Path) -> Any:
    (folder / "body").write_text("no export\n")
    return store.load(folder / "body")


@case
def another_memorys_file_is_brought_in(store: Store, folder: Path) -> Any:
    turns = [{"speaker": "Ana", "text": "I like tea.", "id": "x1"}, {"role": "user", "content": "And you?"}]
    (folder / "turns.jsonl").write_text("\n".join(map(json.dumps, turns)))
    given = {"bank": ("acme", "ana"), "speakers": {"user": "Ana"}}
    dry = store.import_from("jsonl", folder / "turns.jsonl", dry_run=True, **given)
    reports = [dry, store.import_from("jsonl", folder / "turns.jsonl", **given)]
    return [reports, store.import_from("jsonl", folder / "turns.jsonl", **given), store.bank("acme", "ana").list()]
