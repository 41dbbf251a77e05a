"""Recollections travel between processes."""

import pickle

import memkit
from memkit.encoders.hashing import HashingEncoder


def test_a_pickled_recollection_gives_the_same_prompt_and_strengthens_nothing() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([("Ana", "Where is the key?"), ("Bob", "Under the mat."), ("Ana", "I moved to Lisbon in May.")])
        bank.think()
        hits = bank.recall("Where is the key, under what mat?", around=1)
        packed = pickle.dumps(hits)
        block = hits.prompt(500)
    copy = pickle.loads(packed)
    assert copy.ids == hits.ids
    assert [hit.why for hit in copy] == [hit.why for hit in hits]
    assert copy.prompt(500) == block
    copy.use()
    assert pickle.loads(pickle.dumps(copy)).prompt(500) == block
