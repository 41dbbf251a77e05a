"""Export and load: what comes back, what is told, what a damaged file and a bank in the way lead to."""

import json
import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bank_workers
import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import ConflictError, InputError
from memkit.models import MEMORY_STATES, Memory
from memkit.settings import IndexSettings, KeepRule, ObserveSettings, Settings
from memkit.testing import FrozenClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = b"k" * 16
RULE = KeepRule(kinds=("turn",), under=("acme",), days=90)


def opened(location: str | Path, **options: Any) -> memkit.MemoryStore:
    return memkit.open(location, **{"encoder": HashingEncoder(64), "clock": FrozenClock(NOON), **options})


def fill(store: memkit.MemoryStore) -> memkit.MemoryBank:
    bank = store.bank("acme", "ana", zone="Asia/Tokyo")
    bank.observe(
        [
            memkit.Turn("I live in Lisbon.", "Ana", role="user", id="t1"),
            memkit.Turn("A fine town to live in.", "Bo", role="assistant", id="t2"),
            memkit.Turn("My sister keeps three zebrafinches.", "Ana", role="user", id="t3", session="birds"),
            memkit.Turn("I live in Lisbon.", "Ana", role="user", id="t4", session="birds"),
        ]
    )
    bank.think()
    [thought] = bank.insert("Ana likes ferries.").ids
    bank.correct(thought, "Ana likes trains.")
    bank.observe([memkit.Turn("And I bought a cello.", "Ana", role="user", id="t5")])  # waits to be thought about
    return bank


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ana.jsonl"
    with opened(tmp_path / "first.db", settings=Settings(keep=(RULE,)), erasure_key=KEY) as store:
        fill(store)
        store.export(path)
    return path


@pytest.fixture(params=["file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    return ":memory:" if request.param == "memory" else tmp_path / "second.db"


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def everything(bank: memkit.MemoryBank) -> list[Memory]:
    return bank.list(states=MEMORY_STATES, limit=10_000)


# what comes back


def test_the_queue_comes_back_and_is_thought_about(file: Path, place: str | Path) -> None:
    with opened(place) as store:
        store.load(file)
        bank = store.bank("acme", "ana")
        assert store.stats()["banks"]["acme/ana"]["queue"]["waiting"] == 1
        bank.think()
        assert any("cello" in memory.text for memory in bank.list(kinds=["thought"]))
        assert store.stats()["banks"]["acme/ana"]["queue"]["waiting"] == 0


def test_history_rules_zone_and_the_callers_ids_come_back(file: Path, place: str | Path) -> None:
    with opened(place) as store:
        store.load(file)
        bank = store.bank("acme", "ana")
        [old] = bank.list(states=["superseded"])
        assert [line.event for line in bank.history(old.id)] == ["added", "corrected"]
        assert old.superseded_by is not None
        assert (store.settings.keep, bank.zone) == ((RULE,), "Asia/Tokyo")
        again = bank.observe([memkit.Turn("I live in Lisbon.", "Ana", role="user", id="t1")])
        assert [outcome.action for outcome in again.outcomes] == ["skipped"]
        restored = bank.restore(old.id)
        assert restored.outcomes[0].action == "restored"


def test_rules_that_came_hold_at_once_and_in_the_next_process(file: Path, tmp_path: Path) -> None:
    clock = FrozenClock(datetime(2026, 9, 1, tzinfo=UTC))
    with opened(tmp_path / "second.db", clock=clock) as store:
        store.load(file)
        assert len(store.bank("acme", "ana").decay(dry_run=True).operations) == 5
    with opened(tmp_path / "second.db", clock=clock) as store:
        assert store.settings.keep == (RULE,)


def test_a_rule_that_would_reach_other_banks_stays_behind_and_is_told_of(tmp_path: Path, place: str | Path) -> None:
    file = tmp_path / "all.jsonl"
    with opened(":memory:", settings=Settings(keep=(KeepRule(days=7, then="erase"), RULE))) as store:
        fill(store)
        store.export(file)
    with opened(place) as store:
        store.bank("somebody").observe([("Eve", "I keep this for ever.")])
        report = store.load(file)
        assert store.settings.keep == (RULE,)
        assert [note for note in report.notes if "all=7,erase" in note]


def test_erased_texts_stay_known_by_their_fingerprints_and_receipts_stay_chained(
    tmp_path: Path, place: str | Path
) -> None:
    file = tmp_path / "erased.jsonl"
    with opened(":memory:", erasure_key=KEY) as store:
        bank = fill(store)
        bank.erase(ids=["t3"], requested_by="Ana")
        receipts = store.receipts()
        store.export(file)
    assert "zebrafinch" not in file.read_text("utf-8")
    with opened(place, erasure_key=KEY) as store:
        store.load(file)
        assert store.receipts() == receipts
        bank = store.bank("acme", "ana")
        again = bank.observe([memkit.Turn("My sister keeps three zebrafinches.", "Ana", id="new")])
        assert [outcome.action for outcome in again.outcomes] == ["skipped"]
        bank.erase(ids=["t5"])
        assert [receipt.number for receipt in store.receipts()] == [1, 2]
        assert store.doctor() == []


def test_an_export_holds_an_items_last_value_alone(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    with opened(":memory:") as store:
        bank = store.bank("ana")
        for text in ("zebrafinch", "canary"):
            bank.put("bird", text, ttl=60)
        item = bank.get_item("bird")
        store.export(file)
        assert "canary" in file.read_text("utf-8")
        assert "zebrafinch" not in file.read_text("utf-8")
    with opened(":memory:") as other:
        other.load(file)
        assert other.bank("ana").get_item("bird") == item


def test_counts_are_those_of_the_memories_that_are_there(file: Path, place: str | Path) -> None:
    with opened(place) as store:
        report = store.load(file)
        [bank] = report.banks
        held = everything(store.bank("acme", "ana"))
        by_kind = {kind: sum(memory.kind == kind for memory in held) for kind in ("thought", "turn")}
        assert (report.new, report.counts, bank.counts.memories) == (len(held), by_kind, by_kind)
        lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        assert bank.counts.history == sum(len(line["memory"]["history"]) for line in lines if "memory" in line) == 1
        assert (bank.counts.exchanges, bank.new, bank.present, bank.unencoded) == (1, True, 0, 0)


def test_many_banks_come_back_each_with_its_own(tmp_path: Path, place: str | Path) -> None:
    file = tmp_path / "many.jsonl"
    with opened(":memory:") as store:
        for n in range(5):
            store.bank("team", f"user{n}").observe([(f"Ana{n}", f"My number is {n}00.")] * (n + 1))
        store.bank("other").observe([("Bo", "Not in the export.")])
        report = store.export(file, prefix=("team",))
        assert (report.memories, len(report.banks)) == (15, 5)
    with opened(place) as store:
        assert store.load(file).new == 15
        assert [len(everything(store.bank(*name))) for name in store.banks()] == [1, 2, 3, 4, 5]


def test_observe_settings_come_along_into_an_empty_store_and_are_told_of_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "cut.jsonl"
    with opened(":memory:", settings=Settings(observe=ObserveSettings(episode_turns=2))) as store:
        fill(store)
        store.export(file)
    with opened(":memory:") as store:
        assert store.load(file).notes == ()
        assert store.settings.observe.episode_turns == 2
    with opened(":memory:") as store:
        store.bank("somebody").observe([("Eve", "Hello there, Bo.")])
        assert any("cut by" in note for note in store.load(file).notes)


def test_banks_that_were_erased_as_a_whole_are_told_of(tmp_path: Path, place: str | Path) -> None:
    file = tmp_path / "gone.jsonl"
    with opened(":memory:") as store:
        fill(store)
        store.bank("gone").observe([("Eve", "I leave.")])
        store.bank("gone").erase_all(confirm=("gone",))
        store.export(file, prefix=("acme",))
        with opened(":memory:") as other:
            assert other.load(file).notes == ()
        store.export(file)
    with opened(place) as store:
        assert any("erased as a whole (1)" in note for note in store.load(file).notes)
        assert store.load(file).notes == ()


# vectors


@pytest.mark.parametrize("why", ["another encoder", "no vectors", "other passages"])
def test_vectors_are_made_anew_where_the_files_do_not_fit_and_that_is_told(
    tmp_path: Path, place: str | Path, why: str
) -> None:
    file = tmp_path / "vectors.jsonl"
    with opened(":memory:") as store:
        fill(store)
        store.export(file, vectors=why != "no vectors")
    encoder = HashingEncoder(128 if why == "another encoder" else 64)
    index = IndexSettings(passage_characters=90 if why == "other passages" else 200)
    with opened(place, encoder=encoder, settings=Settings(index=index)) as store:
        report = store.load(file)
        assert any(encoder.name in note for note in report.notes)
        assert store.stats()["banks"]["acme/ana"]["unencoded"] == 0
        hits = store.bank("acme", "ana").recall("Who keeps zebrafinches?")
        assert "zebrafinches" in hits[0].memory.text
        assert store.doctor() == []


def test_vectors_that_an_encoder_can_not_make_now_are_told_of_and_made_later(tmp_path: Path) -> None:
    class Broken(HashingEncoder):
        broken = True

        def encode(self, texts: list[str]) -> Any:
            if self.broken:
                raise RuntimeError("out of order")
            return super().encode(texts)

    file, encoder = tmp_path / "later.jsonl", Broken(64)
    with opened(":memory:") as store:
        fill(store)
        store.export(file, vectors=False)
    with opened(":memory:", encoder=encoder) as store:
        report = store.load(file)
        assert report.banks[0].unencoded > 0
        assert any("no vector yet" in note for note in report.notes)
        encoder.broken = False
        store.maintain(10)
        assert store.stats()["banks"]["acme/ana"]["unencoded"] == 0


# a bank in the way


def test_loading_twice_changes_nothing_and_says_so(file: Path, place: str | Path) -> None:
    with opened(place) as store:
        store.load(file)
        bank = store.bank("acme", "ana")
        bank.observe([("Ana", "Since then I moved to Faro.")])
        before, stats = everything(bank), store.stats()["banks"]
        report = store.load(file)
        assert (report.new, report.banks[0].new, report.banks[0].present) == (0, False, len(before) - 1)
        assert (everything(bank), store.stats()["banks"]) == (before, stats)


def test_what_was_forgotten_changed_or_unruled_since_stays_so(file: Path, place: str | Path) -> None:
    with opened(place) as store:
        store.load(file)
        bank = store.bank("acme", "ana")
        bank.forget("t1", reason="asked")
        store.load(file)
        assert bank.get("t1").state == "forgotten"  # type: ignore[union-attr]


def test_what_was_erased_since_the_export_stays_erased_even_without_a_key(file: Path, place: str | Path) -> None:
    with opened(place) as store:
        store.load(file)
        bank = store.bank("acme", "ana")
        gone = bank.erase(ids=["t3"]).erased
        report = store.load(file)
        assert (report.new, report.banks[0].erased) == (0, len(gone))
        assert not any("zebrafinch" in memory.text for memory in everything(bank))


def test_a_bank_erased_as_a_whole_takes_nothing_back_that_its_receipts_name(file: Path, place: str | Path) -> None:
    with opened(place) as store:
        store.load(file)
        bank = store.bank("acme", "ana")
        bank.erase(ids=["t3"])
        bank.erase_all(confirm=bank.name)
        report = store.load(file)
        assert report.banks[0].new
        assert report.banks[0].erased > 0
        assert any("erased here" in note for note in report.notes)
        held = everything(bank)
        assert sum(report.counts.values()) == len(held) > 0
        assert not any("zebrafinch" in memory.text for memory in held)
        assert [(receipt.number, receipt.whole) for receipt in store.receipts()] == [(1, False), (2, True)]
        assert store.doctor() == []
    if isinstance(place, Path):
        held_bytes = b"".join(part.read_bytes() for part in place.parent.glob(f"{place.name}*"))
        assert b"zebrafinch" not in held_bytes


def test_with_a_key_nothing_of_an_erased_bank_comes_back(file: Path, place: str | Path) -> None:
    with opened(place, erasure_key=KEY) as store:
        store.load(file)
        bank = store.bank("acme", "ana")
        bank.erase_all(confirm=bank.name)
        report = store.load(file)
        assert (report.new, everything(bank)) == (0, [])


@pytest.mark.parametrize("words", ["other words", "other memories"])
def test_a_bank_of_that_name_that_holds_others_is_an_error_that_names_the_remedy(
    file: Path, place: str | Path, words: str
) -> None:
    with opened(place) as store:
        text = "I live in Oslo." if words == "other words" else "I play the cello."
        store.bank("acme", "ana").observe([memkit.Turn(text, "Ana", id="t1" if words == "other words" else "mine")])
        with pytest.raises(ConflictError, match="new database"):
            store.load(file)
        assert [memory.text for memory in everything(store.bank("acme", "ana"))] == [text]
        assert store.banks() == [("acme", "ana")]
        assert store.settings.keep == ()


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """An export of three banks."""
    file = tmp_path / "many.jsonl"
    with opened(":memory:") as store:
        for name in ("a", "b", "c"):
            store.bank(name).observe([("Ana", f"I am of {name}.")])
        store.export(file)
    return file


def test_where_one_of_many_banks_is_in_the_way_none_is_loaded(many: Path, place: str | Path) -> None:
    with opened(place) as store:
        store.bank("b").observe([("Bo", "Already here.")])
        with pytest.raises(ConflictError, match="bank b"):
            store.load(many)
        assert store.banks() == [("b",)]


def test_an_untouched_bank_of_that_name_gives_way(file: Path, place: str | Path) -> None:
    with opened(place) as store:
        bank = store.bank("acme", "ana")
        bank.plan_erase(speaker="Ana")  # makes the bank
        assert store.load(file).new > 0
        assert bank.zone == "Asia/Tokyo"


# a file that can't be


def _cut(text: str) -> str:
    return text[: len(text) * 2 // 3]


def _without(kind: str) -> Callable[[str], str]:
    return lambda text: "".join(line for line in text.splitlines(True) if not line.startswith(f'{{"{kind}"'))


def _first_without(kind: str) -> Callable[[str], str]:
    def damage(text: str) -> str:
        lines = text.splitlines(True)
        lines.remove(next(line for line in lines if line.startswith(f'{{"{kind}"')))
        return "".join(lines)

    return damage


def _with(change: Callable[[dict[str, Any]], object], kind: str = "memory") -> Callable[[str], str]:
    def damage(text: str) -> str:
        lines = [json.loads(line) for line in text.splitlines()]
        change(next(line[kind] for line in lines if kind in line))
        return "".join(json.dumps(line) + "\n" for line in lines)

    return damage


DAMAGES: dict[str, Callable[[str], str]] = {
    "cut in the midst of a line": _cut,
    "cut between two lines": lambda text: "".join(text.splitlines(True)[:5]),
    "without its last line": lambda text: "".join(text.splitlines(True)[:-1]),
    "without a memory": _first_without("memory"),
    "without the queue": _without("exchange"),
    "without its header": _without("export"),
    "without a bank's line": _without("bank"),
    "of an unknown version": _with(lambda header: header.update(version=99), "export"),
    "of a version that is no number": _with(lambda header: header.update(version="new"), "export"),
    "with an unknown field": _with(lambda memory: memory.update(colour="red")),
    "with an unknown kind": _with(lambda memory: memory["content"].update(kind="song")),
    "with a text that is a number": _with(lambda memory: memory["content"].update(text=7)),
    "with a time without a zone": _with(lambda memory: memory["content"].update(occurred_at="2026-03-01T12:00:00")),
    "with a time that is none": _with(lambda memory: memory["content"].update(occurred_at="noon")),
    "with a NUL in a text": _with(lambda memory: memory["content"].update(text="a\0b")),
    "with a lone surrogate": _with(lambda memory: memory["content"].update(speaker="\ud800")),
    "with a strength below nothing": _with(lambda memory: memory["content"].update(strength=-1.0)),
    "with an infinite strength": lambda text: text.replace('"strength":1.0', '"strength":Infinity', 1),
    "with a link to nothing": _with(lambda memory: memory.update(sources=[900])),
    "with a link to itself": _with(lambda memory: memory.update(superseded_by=memory["number"])),
    "with a number twice": _with(lambda memory: memory.update(number=2)),
    "with a number that is too large": _with(lambda memory: memory.update(place=[2**70, 1])),
    "with a vector that is too short": _with(lambda memory: memory.update(vector="AAAA")),
    "with a vector that is no base64": _with(lambda memory: memory.update(vector="***")),
    "with an unknown zone": _with(lambda bank: bank.update(zone="Atlantis/Capital"), "bank"),
    "with a name that can't be": _with(lambda bank: bank.update(name=["", "x"]), "bank"),
    "with a line that is no object": lambda text: text + "[1, 2]\n",
    "with more after its end": lambda text: text + text,
    "of another program": lambda text: '{"role": "user", "content": "Hello"}\n',
    "empty": lambda text: "",
    "of bytes": lambda text: "\udcff\udcfe\n",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_can_not_be_is_an_error_in_one_paragraph_and_nothing_is_loaded(
    file: Path, place: str | Path, damage: str
) -> None:
    broken = DAMAGES[damage](file.read_text("utf-8"))
    file.write_bytes(broken.encode("utf-8", errors="surrogateescape"))
    with opened(place) as store:
        with pytest.raises(InputError, match=r"^load: ") as raised:
            store.load(file)
        assert "\n" not in str(raised.value)
        assert not any(secret in str(raised.value) for secret in ("live in", "zebrafinch", "trains"))
        assert store.banks() == []
        assert store.settings.keep == ()
        assert store.doctor() == []


def test_an_export_without_a_version_says_which_memkit_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "old.jsonl"
    file.write_text('{"bank": ["ana"], "zone": "UTC", "memory": {"id": "t1"}}\n', "utf-8")
    with opened(":memory:") as store, pytest.raises(InputError, match="no version"):
        store.load(file)


@pytest.mark.parametrize("field", ["id", "uuid"])
def test_an_id_that_comes_twice_is_seen_before_anything_is_loaded(file: Path, place: str | Path, field: str) -> None:
    lines = lines_of(file)
    memories = [line["memory"] for line in lines if "memory" in line]
    if field == "id":
        memories[1]["content"]["id"] = memories[0]["content"]["id"]
    else:
        memories[1]["uuid"] = memories[0]["uuid"]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    with opened(place) as store:
        with pytest.raises(InputError, match="an id comes twice"):
            store.load(file)
        assert (store.banks(), store.doctor()) == ([], [])


def test_banks_that_were_loaded_before_an_error_are_named(many: Path, place: str | Path) -> None:
    with opened(place) as store:
        done = 0

        def count(number: int) -> None:
            nonlocal done
            done += number
            if done == 2:
                store.bank("b").observe([("Bo", "I was here first.")])

        with pytest.raises(ConflictError, match="Loaded before it: a"):
            store.load(many, progress=count)
        assert (store.banks(), store.doctor()) == ([("a",), ("b",)], [])
        store.bank("b").erase_all(confirm=("b",))
        assert store.load(many).new == 2
        assert store.banks() == [("a",), ("b",), ("c",)]


def test_an_export_that_fails_leaves_the_older_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()
    with opened(":memory:") as store:
        fill(store)
        monkeypatch.setattr("memkit.flows.transfer.as_line", lambda record: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.export(file)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.glob("*.part")] == []


# a load that is cut off


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.jsonl"
    with opened(":memory:") as store:
        bank = fill(store)
        bank.observe(memkit.Turn(f"On day {n} it rained in Faro.", "Ana", id=f"r{n}") for n in range(2300))
        bank.erase(ids=["r7"])
        store.export(path)
    return path


@pytest.mark.parametrize("after", [500, 1500, 2307])
def test_a_load_that_was_killed_shows_nothing_and_goes_on_with_the_same_file(
    large: Path, tmp_path: Path, after: int
) -> None:
    location = tmp_path / "second.db"
    process = multiprocessing.get_context("spawn").Process(
        target=bank_workers.load_and_die, args=(location, large, after, NOON)
    )
    process.start()
    process.join()
    assert process.exitcode == 9
    with opened(tmp_path / "whole.db") as store:
        store.load(large)
        expected = everything(store.bank("acme", "ana"))
    with opened(location) as store:
        assert store.banks() == []
        assert [problem for problem in store.doctor() if "load the same file again" in problem.lower()]
        report = store.load(large)
        assert (report.new, everything(store.bank("acme", "ana"))) == (len(expected), expected)
        assert store.stats()["banks"]["acme/ana"]["queue"]["waiting"] > 0
        assert store.doctor() == []


def test_what_a_killed_load_left_is_dropped_on_request_or_by_another_file(large: Path, tmp_path: Path) -> None:
    context, again = multiprocessing.get_context("spawn"), tmp_path / "again.jsonl"
    with opened(":memory:") as store:
        store.load(large)
        store.export(again)
    for location in (tmp_path / "repaired.db", tmp_path / "other.db"):
        process = context.Process(target=bank_workers.load_and_die, args=(location, large, 500, NOON))
        process.start()
        process.join()
    with opened(tmp_path / "repaired.db") as store:
        store.doctor(repair=True)
        assert store.doctor() == []
    with opened(tmp_path / "other.db") as store:
        assert store.load(again).new == len(everything(store.bank("acme", "ana"))) > 2300
        assert store.doctor() == []


def test_a_bank_made_while_its_load_went_on_stays_as_it_is(large: Path, place: str | Path) -> None:
    with opened(place) as store:
        bank = store.bank("acme", "ana")

        def meanwhile(done: int) -> None:
            bank.observe([memkit.Turn("I was here first.", "Ana", id="mine")])

        with pytest.raises(ConflictError, match="while it was being loaded"):
            store.load(large, progress=meanwhile)
        assert [memory.id for memory in everything(bank)] == ["mine"]


def test_a_load_of_many_memories_holds_few_of_them_at_a_time(large: Path) -> None:
    counts: list[int] = []
    with opened(":memory:") as store:
        total = store.load(large, progress=counts.append).new
    assert sum(counts) == total
    assert max(counts) <= 500
