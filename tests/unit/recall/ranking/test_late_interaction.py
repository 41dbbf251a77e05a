"""Late interaction: what the words of a question say of a text."""

import numpy as np

from memkit.recall.index.token_rows import TokenRows, packed, unpacked
from memkit.recall.ranking.late_interaction import token_evidence

RANDOM = np.random.default_rng(8)
SAMPLE = [RANDOM.standard_normal((6, 64)).astype(np.float32) for _ in range(40)]


def rows(*texts: list[np.ndarray]) -> TokenRows:
    return unpacked({seq: data for seq, own in enumerate(texts) if (data := packed(own))}, 64)


def evidence(question: np.ndarray, *texts: list[np.ndarray], idfs: tuple[float, ...] = (1, 1)) -> list[float]:
    unit = question / np.linalg.norm(question, axis=1, keepdims=True)
    sample = rows(*([own] for own in SAMPLE))
    seqs, values = token_evidence(unit.astype(np.float32), np.array(idfs, np.float32), rows(*texts), sample)
    assert seqs.tolist() == list(range(len(texts)))
    return list(values.tolist())


def test_a_text_that_holds_a_questions_words_stands_out_and_one_that_holds_none_is_average() -> None:
    question = SAMPLE[0][:2]
    holds, other = evidence(question, [SAMPLE[0]], [SAMPLE[1]])
    assert holds > 3
    assert abs(other) < 2


def test_a_rare_word_says_more_than_a_frequent_one() -> None:
    question = np.stack([SAMPLE[0][0], SAMPLE[1][0]])
    rare, frequent = evidence(question, [SAMPLE[0]], [SAMPLE[1]], idfs=(5, 1))
    assert rare > frequent


def test_the_best_passage_of_a_long_text_counts_most_and_the_others_hardly() -> None:
    question = SAMPLE[0][:2]
    alone, among = evidence(question, [SAMPLE[0]], [SAMPLE[2], SAMPLE[0], SAMPLE[3]])
    assert abs(among - alone) < 0.5


def test_in_a_bank_without_a_sample_what_is_usual_elsewhere_is_taken() -> None:
    question = (SAMPLE[0][:2] / np.linalg.norm(SAMPLE[0][:2], axis=1, keepdims=True)).astype(np.float32)
    _, values = token_evidence(question, np.ones(2, np.float32), rows([SAMPLE[0]], [SAMPLE[1]]), rows())
    assert values[0] > 3
    assert np.isfinite(values).all()
