"""A backup doesn't bring back what was erased since."""

import random
import shutil
from pathlib import Path

import pytest
from canaries import canary, everything, left, opened, turns

import memkit
from memkit.errors import InputError, NotADatabaseError


def make_backup(path: Path) -> Path:
    """A bank, its backup, and four erasures since."""
    backup = path.parent / "kept" / "backup.db"
    backup.parent.mkdir()
    with opened(path) as store:
        ana = store.bank("acme", "ana")
        ana.observe([*turns(30, random.Random(1)), memkit.Turn("I moved to Lisbon in May 2024.", "Ana", id="moved")])
        ana.think()
        ana.reflect()
        store.bank("acme", "bob").observe(list(turns(10, random.Random(2))))
        ana.erase(ids=["t0"], requested_by="before")
        store.backup(backup)
        ana.erase(ids=["t1", "moved"], requested_by="Ana")
        ana.erase(ids=["t2"])
        store.bank("acme", "bob").erase_all(confirm=("acme", "bob"))
        ana.observe([memkit.Turn("This was said after the backup.", "Ana", id="later")])
    return backup


def check(path: Path) -> None:
    with opened(path) as store:
        ana = store.bank("acme", "ana")
        assert store.banks() == [("acme", "ana")]
        assert {m.id for m in ana.list(kinds=["turn"], limit=100)} == {f"t{i}" for i in range(3, 30)}
        assert "Lisbon" not in " ".join(m.text for m in everything(ana))
        assert [r.requested_by for r in store.receipts()][:2] == ["before", "Ana"]
        assert [(*r.bank, r.number) for r in store.receipts()] == [
            *(("acme", "ana", n) for n in (1, 2, 3)),
            ("acme", "bob", 1),
        ]
        assert not any(r.bytes_pending for r in store.receipts())
        assert store.doctor() == []
        ana.erase(ids=["t3"])
        chain = [r for r in store.receipts() if r.bank == ana.name]
        assert chain[3].previous == chain[2].hash
        assert store.doctor() == []


def test_restoring_over_the_live_file_carries_out_again_what_was_erased_since(path: Path) -> None:
    backup = make_backup(path)
    gone = [t.text.split()[9].encode()[:16] for t in list(turns(3, random.Random(1)))]
    with opened(path) as other:
        assert other.bank("acme", "ana").get("later") is not None
        other.bank("acme", "ana").recall("river", min_score=0)
        done = memkit.restore(backup, path)
        assert [r.number for r in done] == [2, 3, 1]
        assert other.bank("acme", "ana").get("later") is None
        seen = {hit.memory.id for hit in other.bank("acme", "ana").recall("river boat", k=50, min_score=0)}
        assert seen == {f"t{i}" for i in range(3, 30)}
    assert left(path.parent, set(gone)) == []
    check(path)


def test_restoring_beside_the_live_file_takes_its_list_of_erasures(path: Path, tmp_path: Path) -> None:
    backup = make_backup(path)
    beside = tmp_path / "elsewhere" / "memory.db"
    beside.parent.mkdir()
    memkit.restore(backup, beside, erasures=path)
    check(beside)
    assert sorted(file.name for file in beside.parent.iterdir()) == ["memory.db"]


def test_an_exported_list_of_erasures_is_enough(path: Path, tmp_path: Path) -> None:
    backup, listed = make_backup(path), tmp_path / "receipts.jsonl"
    with opened(path) as store:
        assert store.export_receipts(listed) == 4
    assert canary(random.Random(1)) not in listed.read_text()
    path.unlink()
    memkit.restore(backup, path, erasures=listed)
    check(path)


def test_without_a_list_a_backup_is_as_it_was(path: Path, tmp_path: Path) -> None:
    backup = make_backup(path)
    memkit.restore(backup, tmp_path / "old.db")
    with opened(tmp_path / "old.db") as store:
        assert store.bank("acme", "ana").get("t1") is not None
        assert len(store.banks()) == 2


def test_a_list_that_was_shortened_or_changed_is_refused_and_nothing_is_written(path: Path, tmp_path: Path) -> None:
    backup, listed = make_backup(path), tmp_path / "receipts.jsonl"
    with opened(path) as store:
        store.export_receipts(listed)
        lines = listed.read_text().splitlines()
    for wrong in (lines[1:], [lines[0].replace('"before"', '"nobody"'), *lines[1:]]):
        listed.write_text("\n".join(wrong))
        with pytest.raises(InputError):
            memkit.restore(backup, tmp_path / "new.db", erasures=listed)
        assert not (tmp_path / "new.db").exists()
    listed.write_text("this is no backup")
    with pytest.raises((InputError, NotADatabaseError)):
        memkit.restore(listed, tmp_path / "new.db")


def test_the_list_of_another_database_is_refused(path: Path, tmp_path: Path) -> None:
    backup = make_backup(path)
    with opened(tmp_path / "other.db") as store:
        store.bank("x").observe(list(turns(5, random.Random(6))))
        store.bank("x").erase(ids=["t1"])
    with pytest.raises(InputError, match="doesn't go on"):
        memkit.restore(backup, tmp_path / "new.db", erasures=tmp_path / "other.db")


def test_a_database_set_back_by_others_is_told_what_was_erased_since_and_told_twice_it_stays_so(
    path: Path, tmp_path: Path
) -> None:
    backup, listed = make_backup(path), tmp_path / "receipts.jsonl"
    with opened(path) as store:
        store.export_receipts(listed)
    set_back = tmp_path / "set_back.db"
    shutil.copy(backup, set_back)
    with opened(set_back) as store:
        assert [r.number for r in store.repeat_erasures(listed)] == [2, 3, 1]
        assert store.repeat_erasures(listed) == []
    check(set_back)


def test_a_file_that_is_no_list_of_receipts_is_refused_and_nothing_is_erased(path: Path, tmp_path: Path) -> None:
    with opened(path) as store:
        store.bank("x").observe(list(turns(3, random.Random(6))))
        for name, words in (("missing", None), ("notes.txt", "no receipt"), ("none.jsonl", '{"number": 1}')):
            if words is not None:
                (tmp_path / name).write_text(words)
            with pytest.raises(InputError, match="erasures: "):
                store.repeat_erasures(tmp_path / name)
        assert len(store.bank("x").list()) == 3
