"""Search by sketches: what may be a result is compared exactly, so that it ranks as if everything were."""

import memkit
from memkit.encoders.hashing import HashingEncoder

TOPICS = ("harbour", "orchard", "violin", "kiln", "glacier", "beehive", "lantern", "saddle")
QUESTIONS = [f"What was said of the {topic} number {n}?" for n, topic in enumerate(TOPICS * 3)]


def answers(settings: memkit.Settings) -> list[list[tuple[str, float, float]]]:
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=settings) as store:
        bank = store.bank("ana")
        bank.observe(
            [
                memkit.Turn(
                    f"On day {n} the {TOPICS[n % 8]} number {n % 29} was mended by neighbour {n}.", "Ana", id=str(n)
                )
                for n in range(600)
            ]
        )
        return [
            [(hit.memory.id, hit.score, float(str(hit.why.get("cosine", 0)))) for hit in bank.recall(q, min_score=0)]
            for q in QUESTIONS
        ]


def test_results_of_a_search_by_sketches_have_exact_cosines_and_are_nearly_those_of_exact_search() -> None:
    exact = answers(memkit.Settings())
    sketched = answers(memkit.Settings(ranking={"exact_up_to": 0, "compact_up_to": 0}))
    cosines = {(q, id): cosine for q, hits in enumerate(exact) for id, _, cosine in hits}
    shared = [{id for id, *_ in a} & {id for id, *_ in b} for a, b in zip(exact, sketched, strict=True)]
    assert sum(map(len, shared)) >= 0.9 * sum(map(len, exact))
    for q, hits in enumerate(sketched):
        for id, _, cosine in hits:
            if (q, id) in cosines:
                assert abs(cosine - cosines[q, id]) < 2e-3
