"""A whole run over small conversations: what is measured is what happened."""

from pathlib import Path
from typing import Any

import pytest
from evaluation_samples import TURNS

from memkit.encoders.hashing import HashingEncoder
from memkit.evaluation.formats.conversation import Conversation, Question, Unit
from memkit.evaluation.metrics import fraction
from memkit.evaluation.plot import plot
from memkit.evaluation.recall.report import RANK_CUTOFFS, report
from memkit.evaluation.recall.run import UNRELATED_FILE, RunOptions, RunOutcome, count_steps, run
from memkit.evaluation.texts import lines_of


def conversation(
    *questions: Question, name: str = "c", unit: Unit = "turn", unknown: tuple[str, ...] = ()
) -> Conversation:
    return Conversation(name, TURNS, questions, unit=unit, unknown=unknown)


def question(text: str, *evidence: str, **more: Any) -> Question:
    return Question(text, text, frozenset(evidence), **more)


def ran(*conversations: Conversation, options: RunOptions | None = None) -> RunOutcome:
    return run(conversations, HashingEncoder(), options or RunOptions())


def test_the_evidence_of_an_easy_question_is_found_and_every_system_was_asked() -> None:
    [asked] = ran(conversation(question("Which chestnut tree fell onto the garage?", "t2"))).asked
    assert set(asked.ranks) == {"memkit", "dense", "bm25", "rrf"}
    assert asked.ranks["memkit"].tolist() == [1.0]
    assert asked.floored.tolist() == [1.0]
    assert asked.milliseconds > 0
    assert 0 < asked.tokens <= 1000


def test_a_question_never_finds_what_was_said_after_it() -> None:
    early = question("Who became a veterinarian?", "t4", asked_after=4)
    late = question("Who became a veterinarian, Rita?", "t4")
    before, after = ran(conversation(early, late)).asked
    assert all(fraction(ranks, 50) == 0 for ranks in before.ranks.values())
    assert all(fraction(ranks, 5) == 1 for ranks in after.ranks.values())


def test_questions_are_asked_in_the_order_in_which_the_conversation_unfolds() -> None:
    late, early = question("boat", "t0"), question("tree", "t2", asked_after=3)
    asked = ran(conversation(late, early)).asked
    assert len(asked) == 2
    assert all(a.ranks["memkit"][0] == 1 for a in asked)


def test_a_session_is_found_by_its_best_turn() -> None:
    [asked] = ran(conversation(question("red sailing boat in Porto", "s1"), unit="session")).asked
    assert asked.ranks["memkit"].tolist() == [1.0]


def test_other_wordings_are_asked_only_on_request_and_counted_apart() -> None:
    asked = question("red boat in Porto", "t0", wordings=("sailing boat bought in Porto",))
    assert [a.wording for a in ran(conversation(asked)).asked] == [0]
    outcome = ran(conversation(asked), options=RunOptions(wordings=True))
    assert [a.wording for a in outcome.asked] == [0, 1]
    figures = report("jsonl", [conversation(asked)], outcome, "hashing", RunOptions(wordings=True))
    assert figures.questions == 1
    assert figures.systems["memkit"].wordings == [1.0, 1.0]


def test_with_thoughts_the_turns_are_still_found() -> None:
    outcome = ran(conversation(question("Who became a veterinarian?", "t4")), options=RunOptions(think=True))
    assert fraction(outcome.asked[0].ranks["memkit"], 5) == 1


def test_progress_adds_up_to_the_work_that_was_announced() -> None:
    conversations = [
        conversation(question("boat", "t0"), unknown=("What about Mars?",)),
        conversation(question("tree", "t2"), name="d"),
    ]
    steps: list[int] = []
    run(conversations, HashingEncoder(), RunOptions(), lambda _, count: steps.append(count))
    assert sum(steps) == count_steps(conversations, RunOptions())


def test_the_list_of_unrelated_questions_is_long_enough_and_without_repeats() -> None:
    questions = lines_of(UNRELATED_FILE)
    assert len(questions) >= 50
    assert len(set(questions)) == len(questions)
    assert all(question.endswith("?") for question in questions)


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    return [
        conversation(
            question("red sailing boat", "t0", category="easy"),
            question("Who was hurt and who fell?", "t3", "t4", category="hard"),
            name=name,
            unknown=("How deep is the ocean?",),
        )
        for name in "abc"
    ]


def test_a_report_counts_conversations_turns_and_questions_by_category(conversations: list[Conversation]) -> None:
    figures = report("jsonl", conversations, ran(*conversations), "hashing", RunOptions())
    assert (figures.conversations, figures.turns, figures.questions) == (3, 15, 6)
    assert figures.counts == {"easy": 3, "hard": 3}
    assert figures.floor.unrelated_questions == 3 * len(lines_of(UNRELATED_FILE))
    assert figures.floor.unknown_questions == 3
    memkit = figures.systems["memkit"]
    assert memkit.categories["easy"][0] == 1.0
    assert len(memkit.metrics["ndcg"]) == len(RANK_CUTOFFS)
    assert memkit.interval is not None
    assert memkit.lead is None
    assert figures.systems["dense"].lead is not None


def test_a_report_tells_sessions_where_turns_are_scored_and_the_categories_that_others_publish() -> None:
    asked = conversation(
        question("red sailing boat", "t0", category="single-hop"),
        question("Who was hurt and who fell?", "t3", "t4", category="adversarial"),
    )
    figures = report("jsonl", [asked], ran(asked), "hashing", RunOptions())
    memkit = figures.systems["memkit"]
    assert figures.counts == {"adversarial": 1, "single-hop": 1, "all but adversarial": 1}
    assert memkit.categories["all but adversarial"] == memkit.categories["single-hop"]
    assert memkit.sessions is not None
    assert memkit.sessions[-1] == 1.0


def test_a_report_as_plain_values_holds_no_text_of_the_conversation(conversations: list[Conversation]) -> None:
    dumped = report("jsonl", conversations, ran(*conversations), "hashing", RunOptions()).dump()
    assert "boat" not in str(dumped)
    assert dumped["systems"]["memkit"]["metrics"]["any"][-1] == 1.0


def test_recall_against_k_is_drawn(conversations: list[Conversation], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figures = report("jsonl", conversations, ran(*conversations), "hashing", RunOptions())
    path = plot([figures, figures], tmp_path / "recall.png")
    assert path.read_bytes().startswith(b"\x89PNG")
