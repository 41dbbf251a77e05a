"""Damaged pages: doctor sees them, nothing answers with other words than were stored, repair saves what can be read."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

import memkit
from memkit.cli import main
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import BusyError, CorruptError, MemkitError, NotADatabaseError
from memkit.models import MEMORY_STATES, Memory
from memkit.storage.sqlite.pages import INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE, Pages, varint
from memkit.storage.sqlite.repair.reconcile import TIME_COLUMNS

PAGE_BYTES = 4096
BANK_NAMES = ("ana", "bob")
WORD_FIELDS = {"head", "relation", "tail", "key_phrases"}
Memories = dict[str, dict[str, Memory]]


def opened(path: Path) -> memkit.MemoryStore:
    return memkit.open(path, encoder=HashingEncoder())


def write_banks(path: Path) -> Memories:
    """Two banks with turns, thoughts, summaries, changes and a history; gives back all that is in them."""
    with opened(path) as store:
        for name in BANK_NAMES:
            bank = store.bank(name, zone="Europe/Lisbon")
            for day in range(6):
                towns = [f"{name}{day}x{n}" for n in range(30)]
                bank.observe(
                    [
                        (name, f"I moved to {town} with {len(town)} cats {'and a dog ' * (n % 4)}")
                        for n, town in enumerate(towns)
                    ]
                )
                bank.think()
            for thought in bank.list(kinds=["thought"])[:5]:
                bank.correct(thought.id, f"{thought.text} No longer.")
            bank.insert([f"The garden of {name} has {number} trees" for number in range(40)])
            bank.forget(bank.list(kinds=["turn"])[3].id, reason="asked for")
            bank.reflect()
    with opened(path) as store:
        return contents(store)


def contents(store: memkit.MemoryStore) -> Memories:
    return {name: {m.id: m for m in store.bank(name).list(states=MEMORY_STATES, limit=10_000)} for name in BANK_NAMES}


def damaged(whole: bytes, chance: random.Random) -> tuple[bytes, list[int]]:
    """The file with some pages flipped, zeroed or overwritten, and which."""
    data = bytearray(whole)
    pages = [chance.randrange(len(data) // PAGE_BYTES) for _ in range(chance.choice((1, 1, 2, 4)))]
    for page in pages:
        start = page * PAGE_BYTES
        kind = chance.choice(("flipped", "flipped", "zeroed", "noise"))
        if kind == "flipped":
            for _ in range(chance.choice((1, 8))):
                data[start + chance.randrange(PAGE_BYTES)] ^= 1 << chance.randrange(8)
        else:
            data[start : start + PAGE_BYTES] = bytes(PAGE_BYTES) if kind == "zeroed" else chance.randbytes(PAGE_BYTES)
    return bytes(data), pages


def answers(path: Path) -> Iterator[Memory]:
    """All that the damaged file still answers."""
    try:
        with opened(path) as store:
            for name in BANK_NAMES:
                try:
                    yield from store.bank(name).list(states=MEMORY_STATES, limit=10_000)
                except CorruptError:
                    yield from (hit.memory for hit in store.bank(name).recall("Who moved?", k=50, min_score=0))
    except (CorruptError, NotADatabaseError):
        return


def repaired(path: Path) -> list[str]:
    try:
        with opened(path) as store:
            return store.doctor(repair=True)
    except (CorruptError, NotADatabaseError):
        return memkit.repair(path, encoder=HashingEncoder())


def lay_in(whole: bytes, pages: list[int], text: str) -> bool:
    """Whether the beginning or the end of a text lay in one of these pages."""
    return any(
        part.encode() in whole[p * PAGE_BYTES : (p + 1) * PAGE_BYTES] for p in pages for part in (text[:12], text[-12:])
    )


def check(path: Path, before: Memories, whole: bytes, chance: random.Random) -> bool:
    """Damage the file and mend it; whether the damage was seen."""
    data, pages = damaged(whole, chance)
    path.write_bytes(data)
    texts = {memory.text for memories in before.values() for memory in memories.values()}
    assert {memory.text for memory in answers(path)} <= texts, "a damaged file answered with other words"
    losses = repaired(path)
    with opened(path) as store:
        assert [p for p in store.doctor() if "chain of erasure" not in p] == []
        after = contents(store)
        for name in BANK_NAMES:
            store.bank(name).observe([(name, "I moved back home after the repair")])
            assert store.bank(name).recall("Who moved back home after the repair?")
            assert [m.zone for m in [store.bank(name)._context.ensure()]] == ["Europe/Lisbon"] or "zone" in str(losses)
    for name in BANK_NAMES:
        there = {memory.text for memory in after[name].values()}
        assert there <= texts
        lost = [m for m in before[name].values() if m.text not in there]
        assert all(lay_in(whole, pages, memory.text) for memory in lost), "lost, but not on a damaged page"
        changed = [m for id, m in before[name].items() if id in after[name] and not same(m, after[name][id])]
        assert all(after[name][m.id].state == "archived" for m in changed), "a record was changed by the repair"
        assert not lost or losses
    if "damaged" in str(losses):  # else it was mended where it lay
        assert path.with_name(f"{path.name}.damaged").read_bytes()[:PAGE_BYTES] == data[:PAGE_BYTES]
    return bool(losses)


def same(memory: Memory, other: Memory) -> bool:
    """Equal in all that checksums cover: words, and who said them when."""
    covered = {"id", "kind", "text", "occurred_at", "speaker", "role", "author", "session", "metadata"}
    return memory.model_dump(include=covered | WORD_FIELDS) == other.model_dump(include=covered | WORD_FIELDS)


@pytest.fixture(scope="module")
def undamaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Memories, bytes]:
    path = tmp_path_factory.mktemp("damage") / "memory.db"
    return write_banks(path), path.read_bytes()


def damage(folder: Path, undamaged: tuple[Memories, bytes], seeds: range) -> int:
    before, whole = undamaged
    return sum(check(folder / f"{seed}.db", before, whole, random.Random(seed)) for seed in seeds)


def test_damaged_pages_never_answer_wrongly_and_repair_loses_only_what_lay_in_them(
    tmp_path: Path, undamaged: tuple[Memories, bytes]
) -> None:
    assert damage(tmp_path, undamaged, range(12)) > 6


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_five_hundred_damaged_files_are_repaired(tmp_path: Path, undamaged: tuple[Memories, bytes]) -> None:
    assert damage(tmp_path, undamaged, range(100, 600)) > 250


@pytest.mark.parametrize("time", [2**62, -(2**62)], ids=["too late", "too early"])
@pytest.mark.parametrize("column", TIME_COLUMNS)
def test_a_time_that_no_clock_shows_is_found_and_the_memorys_words_stay(tmp_path: Path, column: str, time: int) -> None:
    path = tmp_path / "memory.db"
    with opened(path) as store:
        store.bank("ana").observe([memkit.Turn(f"I like tea number {number}.", "ana") for number in range(3)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE memory SET {column} = ? WHERE seq = 2", (time,))
        connection.commit()
    assert repaired(path)
    with opened(path) as store:
        texts = {memory.text for memory in store.bank("ana").list(states=MEMORY_STATES)}
        assert texts == {f"I like tea number {number}." for number in range(3)}
        assert store.doctor() == []


def types(whole: bytes) -> Iterator[int]:
    """Places in the file of the types of columns, of two rows from every page (sqlite.org/fileformat.html, 2.1)."""
    for number in owners(whole):
        data, _, kind, cells = Pages(whole)._cells(number)
        for cell in {cells[0], cells[-1]} if kind in (LEAF_TABLE, LEAF_INDEX) and cells else ():
            _, at = varint(data, cell)
            _, at = varint(data, at) if kind == LEAF_TABLE else (0, at)
            yield from ((number - 1) * PAGE_BYTES + at + n for n in range(1, data[at]))


def try_everything(bank: memkit.MemoryBank, texts: set[str]) -> None:
    """Each verb answers with what was stored or raises memkit's own error."""
    verbs: list[Callable[[], object]] = [
        lambda: check_words([m.text for m in bank.list(kinds=["turn"])], texts),
        lambda: check_words([hit.memory.text for hit in bank.recall("Who moved?", kinds=["turn"])], texts),
        lambda: bank.recall("Who moved?", as_of=datetime(2100, 1, 1, tzinfo=UTC)),
        lambda: [bank.history(f"t{number}") for number in range(3)],
        bank.beliefs,
        bank.think,
        lambda: bank.observe([("ana", "I moved to Oslo")]),
    ]
    for verb in verbs:
        with suppress(MemkitError):
            verb()


def check_words(answers: list[str], texts: set[str]) -> None:
    assert set(answers) <= texts, "a damaged file answered with other words"


def mistype(path: Path, count: int) -> None:
    """Columns of all tables and indexes read as NULL, as numbers of other lengths and kinds, as bytes and text."""
    texts = {f"I moved to town{number}. I like tea." for number in range(6)}
    with opened(path) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn(text, "ana", id=f"t{text[15]}", metadata={"a": "b"}) for text in sorted(texts)])
        bank.think()
        bank.pin("t1")
        bank.forget("t2", reason="test")
        bank.erase(ids=["t5"])
        bank.observe([("ana", "I live in Rome now")])
    whole, texts = path.read_bytes(), texts | {"I live in Rome now"}
    places = [(at, kind) for at in types(whole) for kind in (0, 2, 6, 7, 8, 9, 12, 13, 16, 45)]
    for at, kind in random.Random(3).sample(places, min(count, len(places))):
        changed = bytearray(whole)
        changed[at] = kind
        path.write_bytes(changed)
        for left in path.parent.glob("*-wal"):  # of the one before, where even closing met the damage
            left.unlink()
        with suppress(MemkitError), opened(path) as store:
            with suppress(MemkitError):
                store.doctor()
            try_everything(store.bank("ana"), texts)


def test_columns_that_lost_their_types_are_errors_of_memkits_own_or_change_nothing(path: Path) -> None:
    mistype(path, 100)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_columns_that_lost_their_types_are_errors_of_memkits_own_or_change_nothing(path: Path) -> None:
    mistype(path, 100_000)


def test_a_file_that_lost_its_first_page_is_saved_whole(tmp_path: Path, undamaged: tuple[Memories, bytes]) -> None:
    before, whole = undamaged
    path = tmp_path / "memory.db"
    path.write_bytes(bytes(PAGE_BYTES) + whole[PAGE_BYTES:])
    with pytest.raises(NotADatabaseError, match="doctor --repair"):
        opened(path)
    memkit.repair(path, encoder=HashingEncoder())
    with opened(path) as store:
        assert contents(store) == before
        assert store.doctor() == []


def owners(whole: bytes) -> dict[int, str]:
    """Names of the tables and indexes that pages belong to."""
    pages = Pages(whole)
    lines = (row.values for row in pages.rows() if row.values[0] in ("table", "index"))
    return pages.trees({int(line[3]): str(line[1]) for line in lines})  # type: ignore[arg-type]


def leaves(whole: bytes, name: str) -> list[int]:
    """The pages that hold the rows of a table."""
    return sorted(
        n for n, owner in owners(whole).items() if owner == name and whole[(n - 1) * PAGE_BYTES] == LEAF_TABLE
    )


def without(whole: bytes, *trees: str) -> bytes:
    """The file with all pages of some tables and indexes zeroed."""
    data = bytearray(whole)
    for number, name in owners(whole).items():
        if name in trees:
            data[(number - 1) * PAGE_BYTES : number * PAGE_BYTES] = bytes(PAGE_BYTES)
    return bytes(data)


@pytest.mark.parametrize("lost", [("source",), ("source_back",), ("source", "source_back")])
def test_what_derived_memories_came_from_is_saved_from_table_or_index_and_its_loss_is_told(
    tmp_path: Path, undamaged: tuple[Memories, bytes], lost: tuple[str, ...]
) -> None:
    before, whole = undamaged
    path = tmp_path / "memory.db"
    path.write_bytes(without(whole, *lost))
    losses = memkit.repair(path, encoder=HashingEncoder())
    with opened(path) as store:
        assert (contents(store) == before) == (len(lost) == 1)
        assert store.doctor() == []
    assert any("which others they came from" in problem for problem in losses) == (len(lost) == 2)


def test_pages_that_a_damaged_pointer_gives_to_another_table_are_saved(
    tmp_path: Path, undamaged: tuple[Memories, bytes]
) -> None:
    """Every tree but that of the texts claims the same page of texts as its last one."""
    before, whole = undamaged
    data, owner = bytearray(whole), owners(whole)
    texts = leaves(whole, "content")[0]
    for number, name in owner.items():
        start = (number - 1) * PAGE_BYTES
        if name != "content" and whole[start] in (INTERIOR_INDEX, INTERIOR_TABLE):
            data[start + 8 : start + 12] = texts.to_bytes(4, "big")
    path = tmp_path / "memory.db"
    path.write_bytes(data)
    memkit.repair(path, encoder=HashingEncoder())
    with opened(path) as store:
        after = contents(store)
    for name in BANK_NAMES:
        assert {m.text for m in after[name].values()} == {m.text for m in before[name].values()}


def numbered(whole: bytes) -> list[tuple[int, int]]:
    """Ids, of two bytes, of the first bank's texts, and their places in the file."""
    pages, places = Pages(whole), list[tuple[int, int]]()
    for page in leaves(whole, "content"):
        data, _, kind, cells = pages._cells(page)
        for cell in cells:
            bank, id, text, *_ = pages._row(page, data, kind, cell).values
            if bank == 1 and isinstance(id, int) and id > 127 and text is not None:
                _, header = varint(data, varint(data, cell)[1])  # after the lengths of payload and rowid
                places.append((id, (page - 1) * PAGE_BYTES + header + data[header]))  # a bank of 1 takes no bytes
    return places


@pytest.mark.parametrize("later", [False, True])
def test_a_text_whose_number_became_that_of_another_costs_neither(
    tmp_path: Path, undamaged: tuple[Memories, bytes], later: bool
) -> None:
    before, whole = undamaged
    texts = numbered(whole)
    [(_, at), (number, _)] = (texts[-20], texts[20]) if later else (texts[20], texts[-20])
    data = bytearray(whole)
    data[at : at + 2] = number.to_bytes(2, "big")
    path = tmp_path / "memory.db"
    path.write_bytes(data)
    memkit.repair(path, encoder=HashingEncoder())
    with opened(path) as store:
        assert contents(store) == before
        assert store.doctor() == []


def test_what_only_the_log_holds_is_saved_from_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with opened(path) as store:
        store.bank("ana").observe([("ana", f"I moved to town{n}") for n in range(50)])
        files = {file.name: file.read_bytes() for file in tmp_path.glob("memory.db*")}
        before = [m.text for m in store.bank("ana").list()]
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "memory.db").write_bytes(bytes(len(files["memory.db"])))
    (copy / "memory.db-wal").write_bytes(files["memory.db-wal"])
    memkit.repair(copy / "memory.db", encoder=HashingEncoder())
    with opened(copy / "memory.db") as store:
        assert [m.text for m in store.bank("ana").list()] == before


def test_a_damaged_file_is_only_rebuilt_alone(tmp_path: Path, undamaged: tuple[Memories, bytes]) -> None:
    path = tmp_path / "memory.db"
    data = bytearray(undamaged[1])
    for page in leaves(undamaged[1], "content"):
        data[(page - 1) * PAGE_BYTES : (page - 1) * PAGE_BYTES + 8] = b"\xff" * 8
    path.write_bytes(data)
    with opened(path) as first_store:
        first_store.banks()
        with opened(path) as other, pytest.raises(BusyError, match="alone"):
            other.doctor(repair=True)
    assert path.read_bytes() == bytes(data)


def test_a_diary_is_not_repaired_into_a_database(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    path.write_bytes(b"this is a diary, not a database" * 1000)
    with pytest.raises(NotADatabaseError):
        memkit.repair(path)
    assert path.read_bytes() == b"this is a diary, not a database" * 1000
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["index_entry SET data = x'0501'", "memory SET recorded_at = 1 << 62"])
def test_rows_that_no_checksum_covers_are_not_carried_over_unread(path: Path, damage: str) -> None:
    with opened(path) as store:
        store.bank("ana").observe([("ana", f"The lighthouse number {n} is painted red") for n in range(5)])
        with store._storage._connections.writing() as connection:  # type: ignore[attr-defined]
            connection.execute(f"UPDATE {damage} WHERE seq = 3")
    memkit.repair(path, encoder=HashingEncoder())
    with opened(path) as store:
        assert store.doctor() == []
        assert len(store.bank("ana").list(states=MEMORY_STATES)) == 5
        assert store.bank("ana").recall("lighthouse number 1")


def test_lost_index_rows_are_made_again_from_the_texts(tmp_path: Path) -> None:
    """Small talk has no vector; its words must be found again, too."""
    path = tmp_path / "memory.db"
    with opened(path) as store:
        store.bank("ana").observe([("ana", f"The lighthouse number {n} is painted red") for n in range(30)])
        before = [(h.memory.id, h.score) for h in store.bank("ana").recall("lighthouse number 7")]
        with store._storage._connections.writing() as connection:  # type: ignore[attr-defined]
            connection.execute("DELETE FROM index_entry WHERE seq % 2 = 1")
        assert store.doctor() != []
        store.doctor(repair=True)
        assert store.doctor() == []
    with opened(path) as store:
        assert [(h.memory.id, h.score) for h in store.bank("ana").recall("lighthouse number 7")] == before


def test_the_command_repairs_a_file_that_does_not_open_and_says_what_it_did(
    tmp_path: Path, undamaged: tuple[Memories, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "memory.db"
    path.write_bytes(bytes(PAGE_BYTES) + undamaged[1][PAGE_BYTES:])

    def run(*more: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop:
            main(["doctor", "--db", str(path), *more])
        said = capsys.readouterr()
        return int(stop.value.code or 0), said.out + said.err

    code, said = run()
    assert code == 1
    assert "--repair" in said
    code, said = run("--repair")
    assert code == 0
    assert "memory.db.damaged" in said.replace("\n", "")
    assert run()[0] == 0


@pytest.mark.parametrize("false", ["session = 4377", "episode = 4377", "session = -2"])
def test_a_place_that_can_not_be_is_told_and_taken_away_and_the_words_stay(tmp_path: Path, false: str) -> None:
    path = tmp_path / "memory.db"
    with opened(path) as store:
        store.bank("ana").observe([("ana", "I moved to Faro."), ("ana", "My dog is called Rex.")])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"UPDATE memory SET {false} WHERE seq = 1")
    with opened(path) as store:
        assert any("can't be" in problem for problem in store.doctor())
        store.doctor(repair=True)
        assert store.doctor() == []
        assert store.bank("ana").recall("Who moved to Faro?")[0].memory.text == "I moved to Faro."


@pytest.mark.parametrize(
    "false", ["memory SET bank = 2 WHERE seq = 1 AND bank = 1", "content SET bank = 2 WHERE id = 1"]
)
def test_damaged_numbers_never_give_anybodys_words_to_another_bank(tmp_path: Path, false: str) -> None:
    path = tmp_path / "memory.db"
    with opened(path) as store:
        store.bank("ana").observe([("ana", "My safe opens with a silver key."), ("ana", "My dog is called Rex.")])
        store.bank("bob")._context.ensure()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute("SELECT text FROM content WHERE id = 1").fetchone()[0].startswith("My safe")
        connection.execute(f"UPDATE {false}")
    with opened(path) as store:
        with suppress(CorruptError):
            assert not store.bank("bob").recall("How does the safe open?", min_score=0)
        assert any("another bank" in problem for problem in store.doctor())
        store.doctor(repair=True)
        assert store.doctor() == []
        assert store.bank("bob").list(states=MEMORY_STATES) == []
        texts = [memory.text for memory in store.bank("ana").list(states=MEMORY_STATES)]
        assert sorted(texts) == ["My dog is called Rex.", "My safe opens with a silver key."]


@pytest.mark.parametrize("key", ["settings.index", "settings.observe", "settings.keep", "encoder.dimension", "terms.1"])
def test_a_setting_that_is_not_what_was_written_gives_way_to_its_default(tmp_path: Path, key: str) -> None:
    path = tmp_path / "memory.db"
    with opened(path) as store:
        store.bank("ana").observe([("ana", "I moved to Lisbon in May.")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, '{\"epis')", (key,))
    assert any("settings of the file are lost" in loss for loss in memkit.repair(path, encoder=HashingEncoder()))
    with opened(path) as store:
        assert store.doctor() == []
        assert store.bank("ana").recall("Where did I move to in May?")
