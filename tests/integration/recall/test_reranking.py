"""A reranker's scores are evidence; where it fails, hangs or is late, the order stays as it was and `why` says so."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memkit
from memkit.encoders import HashingEncoder
from memkit.errors import InputError
from memkit.protocols import FloatArray
from memkit.rerankers import CrossEncoderReranker
from memkit.rerankers.base import RerankCandidate
from memkit.settings import RuntimeSettings, Settings

TURNS = [
    ("Ana", "The weather was fine at the lake."),
    ("Ana", "We bought a boat for the lake last year."),
    ("Rita", "I sold mine, the lake is too small."),
    ("Ana", "Dinner at the lake was cold."),
    ("Ana", "Swimming in the lake is what I miss."),
    *(
        ("Rita", f"My {thing} is in the {place}.")
        for thing in ("car", "bag", "coat")
        for place in ("hall", "attic", "yard")
    ),
]
QUESTION = "What is it about the lake?"


class ScriptedReranker:
    """Scores by a function; keeps what it was asked."""

    name = "scripted"

    def __init__(self, score: Callable[[RerankCandidate], Any]) -> None:
        self._score = score
        self.asked: list[tuple[str, list[RerankCandidate]]] = []

    def scores(self, question: str, candidates: Sequence[RerankCandidate]) -> FloatArray:
        self.asked.append((question, list(candidates)))
        return np.array([self._score(candidate) for candidate in candidates], dtype=np.float32)


def open_with(reranker: Any, *, timeout: float = 30.0) -> memkit.MemoryStore:
    settings = Settings(runtime=RuntimeSettings(rerank_timeout=timeout))
    store = memkit.open(":memory:", encoder=HashingEncoder(), reranker=reranker, settings=settings)
    store.bank("ana").observe(TURNS)
    return store


def texts(hits: memkit.Recollection) -> list[str]:
    return [hit.memory.text for hit in hits]


@pytest.mark.parametrize("wanted", [text for _, text in TURNS[:5]])
def test_what_a_reranker_prefers_comes_first(wanted: str) -> None:
    with open_with(ScriptedReranker(lambda c: 9.0 if c.text == wanted else 0.0)) as store:
        hits = store.bank("ana").recall(QUESTION, k=3, min_score=0)
        assert hits[0].memory.text == wanted
        assert hits[0].why["reranked"] > 0
        assert hits[0].why["reranker"] == "ran"


def test_a_reranker_sees_speaker_moment_and_two_turns_on_each_side() -> None:
    reranker = ScriptedReranker(lambda c: 0.0)
    with open_with(reranker) as store:
        store.bank("ana").recall(QUESTION, min_score=0)
    [(question, candidates)] = reranker.asked
    middle = next(c for c in candidates if c.speaker == "Rita")
    assert question == QUESTION
    assert middle.before == (f"Ana: {TURNS[0][1]}", f"Ana: {TURNS[1][1]}")
    assert middle.after == (f"Ana: {TURNS[3][1]}", f"Ana: {TURNS[4][1]}")
    assert middle.occurred_at.tzinfo is not None


def failing(candidate: RerankCandidate) -> float:
    raise ValueError(candidate.text)


@pytest.mark.parametrize(
    "score", [failing, lambda c: float("nan"), lambda c: [1.0, 2.0]], ids=["raises", "not finite", "wrong shape"]
)
def test_a_reranker_that_fails_leaves_the_order_and_tells_no_text(
    score: Callable[[RerankCandidate], Any], caplog: pytest.LogCaptureFixture
) -> None:
    with open_with(ScriptedReranker(score)) as store:
        bank = store.bank("ana")
        hits, plain = bank.recall(QUESTION), bank.recall(QUESTION, rerank=False)
        assert texts(hits) == texts(plain)
        assert hits[0].why["reranker"] == "failed"
        assert "reranker" not in plain[0].why
    assert "lake" not in caplog.text


@pytest.fixture
def hung() -> Iterator[threading.Event]:
    going = threading.Event()
    yield going
    going.set()


def test_a_reranker_that_hangs_is_left_behind_and_not_asked_again_meanwhile(hung: threading.Event) -> None:
    reranker = ScriptedReranker(lambda c: float(hung.wait(60)))
    with open_with(reranker, timeout=0.05) as store:
        bank = store.bank("ana")
        plain = texts(bank.recall(QUESTION, rerank=False))
        assert [texts(bank.recall(QUESTION)) for _ in range(3)] == [plain] * 3
        assert bank.recall(QUESTION)[0].why["reranker"] == "late"
        assert len(reranker.asked) == 1


def test_others_read_and_write_the_bank_while_a_reranker_thinks(hung: threading.Event) -> None:
    started = threading.Event()

    def slow(candidate: RerankCandidate) -> float:
        started.set()
        return float(hung.wait(60))

    with open_with(ScriptedReranker(slow)) as store:
        bank = store.bank("ana")
        asking = threading.Thread(target=bank.recall, args=(QUESTION,))
        asking.start()
        assert started.wait(60)
        bank.observe([("Ana", "And the lake froze in March.")])
        assert "froze" in texts(bank.recall("When did the lake freeze over, and froze?", rerank=False))[0]
        hung.set()
        asking.join(60)


def test_nothing_relevant_stays_nothing() -> None:
    with open_with(ScriptedReranker(lambda c: 1.0)) as store:
        assert len(store.bank("ana").recall("How do I reset a router?")) == 0


def test_wrong_rerankers_are_errors_that_name_the_remedy() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        store.bank("ana").observe(TURNS)
        with pytest.raises(InputError, match=r"memkit.open\(..., reranker=...\)"):
            store.bank("ana").recall(QUESTION, rerank=True)
    for wrong in (object(), ScriptedReranker, 3):
        with pytest.raises(InputError, match="is no reranker"):
            memkit.open(":memory:", reranker=wrong)  # type: ignore[arg-type]


def test_a_cross_encoder_is_loaded_from_its_folder_and_gives_a_score_each(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"]))
    config = transformers.BertConfig(
        vocab_size=15, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, num_labels=1
    )
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path)
    transformers.BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    reranker = CrossEncoderReranker(tmp_path)
    candidates = [RerankCandidate(text, who, memkit.times.utc_now()) for who, text in TURNS]
    scores = reranker.scores(QUESTION, candidates)
    assert (scores.shape, scores.dtype) == ((len(TURNS),), np.float32)
    with open_with(str(tmp_path)) as store:
        assert store.bank("ana").recall(QUESTION, min_score=0)[0].why["reranker"] == "ran"
