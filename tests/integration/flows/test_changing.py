"""What is changed by hand: copies, supersession, correction, pinning, forgetting, history."""

import itertools

import pytest

import memkit
from memkit.errors import UnknownMemoryError

DIFFERENCES = {
    "number": ["has 12 hens|has 13 hens", "lives at number 7|lives at number 71", "wakes at 7:15|wakes at 7:45"],
    "date": ["was born on 3 May|was born on 4 May", "flies in March|flies in April", "left in 2024-05|left in 2024-06"],
    "name": ["married Rita|married Rosa", "works for Volvo|works for Valeo", "moved to Porto|moved to Faro"],
    "negation": [
        "is allergic to nuts|is not allergic to nuts",
        "can eat eggs|can't eat eggs",
        "smokes|no longer smokes",
    ],
}
PEOPLE = ["Ana", "My neighbour Ana", "Ana's sister", "The old captain", "Our teacher"]
ENDINGS = ["", " as everybody knows", " since the summer", " and talks about it a lot"]


def pairs() -> list[tuple[str, str]]:
    made = itertools.product(PEOPLE, itertools.chain(*DIFFERENCES.values()), ENDINGS)
    split = ((who, *pair.split("|"), end) for who, pair, end in made)
    return [(f"{who} {one}{end}.", f"{who} {other}{end}.") for who, one, other, end in split]


def test_none_of_240_near_identical_pairs_is_merged(store: memkit.MemoryStore) -> None:
    assert len(pairs()) >= 200
    merged = []
    for number, (one, other) in enumerate(pairs()):
        bank = store.bank("pair", str(number))
        bank.insert([one])
        if bank.insert([other]).count("added") != 1:
            merged.append((one, other))
    assert merged == []


def test_a_text_that_only_differs_in_case_and_punctuation_is_kept_once(bank: memkit.MemoryBank) -> None:
    bank.insert(["Ana plays the cello in an orchestra."])
    receipt = bank.insert(["ana plays the cello in an orchestra"])
    assert [o.action for o in receipt.outcomes] == ["skipped"]
    assert "same" in (receipt.outcomes[0].reason or "")
    assert len(bank.list()) == 1


def test_what_supersedes_ranks_above_what_it_replaced_and_both_stay(bank: memkit.MemoryBank) -> None:
    [old] = bank.insert(["Ana lives in Lisbon."]).ids
    bank.supersede(old, "Ana lives in Porto.")
    found = [h.memory.text for h in bank.recall("Where does Ana live?", min_score=0)]
    assert found[0] == "Ana lives in Porto."
    closed = bank.get(old)
    assert closed is not None
    assert closed.valid_until is not None
    assert [entry.event for entry in bank.history(old)][-1] == "superseded"


def test_merging_unites_what_it_was_made_of(bank: memkit.MemoryBank) -> None:
    ids = bank.insert(["Ana has a dog.", "Ana's dog is called Pipo."]).ids
    receipt = bank.merge(ids, "Ana has a dog called Pipo.")
    assert receipt.count("merged") == 1
    assert [m.text for m in bank.list()] == ["Ana has a dog called Pipo."]


def test_a_correction_is_in_the_history_as_the_users_word(bank: memkit.MemoryBank) -> None:
    [old] = bank.insert(["Ana is a nurse."]).ids
    assert bank.correct(old, "Ana is a doctor.").count("corrected") == 1
    assert bank.history(old)[-1].author == "user"


def test_what_is_forgotten_is_never_recalled_until_it_is_restored(bank: memkit.MemoryBank) -> None:
    [id] = bank.insert(["The treasure lies on the island."]).ids
    bank.forget(id, reason="no longer wanted")
    assert len(bank.recall("Where does the treasure lie?", min_score=0)) == 0
    assert bank.history(id)[-1].event == "forgotten"
    bank.restore(id)
    assert len(bank.recall("Where does the treasure lie?", min_score=0)) == 1


def test_unknown_ids_are_errors_and_change_nothing(bank: memkit.MemoryBank) -> None:
    [id] = bank.insert(["Ana sings."]).ids
    with pytest.raises(UnknownMemoryError):
        bank.forget([id, "nobody"], reason="test")
    kept = bank.get(id)
    assert kept is not None
    assert kept.state == "active"
    with pytest.raises(UnknownMemoryError):
        bank.merge([id, "nobody"], "Both")


def test_ids_of_one_bank_mean_nothing_in_another(store: memkit.MemoryStore) -> None:
    [id] = store.bank("a").insert(["Ana sings."]).ids
    assert store.bank("b").get(id) is None
    with pytest.raises(UnknownMemoryError):
        store.bank("b").pin(id)
