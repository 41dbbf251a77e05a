"""Work that a verb does as a bank of one pattern grows: counted, since times are for benchmarks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.encoders import HashingEncoder
from memkit.flows.thinking import copies
from memkit.storage.sql.view import SqlView
from memkit.think import audit

SIZES = (150, 600)
MAX_COMPARISONS_EACH = audit.MAX_IN_BAND * 16  # 16 bands


@pytest.fixture
def count_calls(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Count what goes through functions, by `size` of their result or argument."""

    @contextmanager
    def counting(places: list[tuple[Any, str]], size: Callable[..., int]) -> Iterator[list[int]]:
        counts: list[int] = []
        with monkeypatch.context() as patch:
            for owner, name in places:
                patch.setattr(owner, name, counted(getattr(owner, name), size, counts))
            yield counts

    return counting


def counted(function: Callable[..., Any], size: Callable[..., int], counts: list[int]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        counts.append(size(*arguments, result))
        return result

    return call


def orders(first: int, count: int) -> list[str]:
    return [f"Order {n} was shipped on day {n % 28 + 1} of May." for n in range(first, first + count)]


def read_memories(view: Any, seqs: Any, result: Any) -> int:
    return len(result)


READING_PLACES = [(SqlView, "records")]

VERBS_OVER_ONE: dict[str, Callable[[memkit.MemoryBank, int], object]] = {
    "insert": lambda bank, n: bank.insert(orders(n, 1)),
    "observe": lambda bank, n: bank.observe([("Ana", f"I like shop {n} in street {n % 97}.")]),
    "supersede": lambda bank, n: bank.supersede("first", f"Order {n} was lost."),
    "pin": lambda bank, n: bank.pin("first"),
    "forget": lambda bank, n: bank.forget("first", reason="test"),
    "get": lambda bank, n: bank.get("first"),
    "history": lambda bank, n: bank.history("first"),
    "list": lambda bank, n: bank.list(limit=10),
    "plan_erase of a session": lambda bank, n: bank.plan_erase(session="one"),
    "plan_erase by id": lambda bank, n: bank.plan_erase(ids=["first"]),
    "recall": lambda bank, n: bank.recall("When was order 7 shipped?", k=5),
}


@pytest.mark.parametrize("verb", VERBS_OVER_ONE)
def test_a_verb_over_one_memory_reads_as_many_whatever_the_size(
    tmp_path: Path, verb: str, count_calls: Callable[..., Any]
) -> None:
    reads = []
    for size in SIZES:
        with memkit.open(tmp_path / f"{size}.db", encoder=HashingEncoder()) as store:
            bank = store.bank("ana")
            bank.observe([memkit.Turn("The first of all.", "Ana", id="first", session="one")])
            bank.insert(orders(0, size))
            bank.recall("anything")
            with count_calls(READING_PLACES, read_memories) as counts:
                VERBS_OVER_ONE[verb](bank, size)
            reads.append(sum(counts))
    assert reads[1] <= reads[0] + 2


def test_inserting_many_of_one_pattern_reads_none_of_them(path: Path, count_calls: Callable[..., Any]) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.insert(orders(0, 300))
        with count_calls(READING_PLACES, read_memories) as counts:
            receipt = bank.insert(orders(200, 300))
        assert sum(counts) == 100, "the copies alone"
        assert (receipt.count("added"), receipt.count("skipped")) == (200, 100)


@pytest.mark.parametrize("pattern", ["Order {n} was shipped on day {d} of May.", "Rita likes the {w} cake."])
def test_an_audit_compares_each_thought_with_a_bounded_number(
    path: Path, pattern: str, count_calls: Callable[..., Any]
) -> None:
    letters = "abcdefghij"
    texts = [pattern.format(n=n, d=n % 28, w="".join(letters[int(c)] for c in f"{n:03}")) for n in range(600)]
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("ana").insert(texts)
        with count_calls([(audit, "is_near_copy")], lambda *_: 1) as counts:
            [report] = store.audit()
        assert report.thoughts == 600
        assert report.counts["near copies"] == 0
        assert sum(counts) <= 600 * MAX_COMPARISONS_EACH


def test_thinking_compares_a_statement_with_what_may_be_a_near_copy_alone(
    tmp_path: Path, count_calls: Callable[..., Any]
) -> None:
    compared = []
    for size in SIZES:
        with memkit.open(tmp_path / f"{size}.db", encoder=HashingEncoder()) as store:
            bank = store.bank("ana")
            bank.observe([("Ana", f"I like shop {n} in street {n % 97}.") for n in range(size)])
            bank.think(batch=50)
            bank.observe([("Ana", "I like shop 9999 in street 3.")])
            with count_calls([(copies, "says_all_of")], lambda *_: 1) as counts:
                bank.think()
            assert len(bank.list(kinds=["thought"], limit=10_000)) == size + 1
            compared.append(sum(counts))
    assert compared[1] <= compared[0] + 2


def test_a_near_copy_among_many_of_one_pattern_is_found_all_the_same(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        fruits = [f"{a}{b}berry" for a in "abcdefghijklmnopqrst" for b in "aeiouwxyz"]
        bank.insert([f"Rita brought a basket of fresh {fruit} to school." for fruit in fruits])
        bank.insert(["Rita brought a small basket of fresh abberry to school."])
        bank.insert(["Rita brought a small basket of fresh aeberry to school."])
        [report] = store.audit()
        assert report.counts["near copies"] == 1
