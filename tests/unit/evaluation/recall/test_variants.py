"""Parts switched off, weights moved, and settings chosen without the conversation that they are tried on."""

import json
from math import inf
from typing import Any

import numpy as np
import pytest
from evaluation_samples import TURNS

from memkit.encoders.hashing import HashingEncoder
from memkit.evaluation.formats.conversation import Conversation, Question
from memkit.evaluation.metrics import Ranks
from memkit.evaluation.recall.comparison import DEFAULTS_NAME, ablation, as_written, leave_one_out, ranks_under
from memkit.evaluation.recall.report import RecallReport, report
from memkit.evaluation.recall.run import AskedQuestion, RunOptions, RunOutcome, count_steps, run
from memkit.evaluation.recall.variants import (
    ABLATION_VARIANTS,
    CANDIDATE_VARIANTS,
    MOVED_WEIGHTS,
    SKETCH_SEARCH,
    WEIGHT_FACTORS,
    Variant,
)
from memkit.settings import RankingSettings, Settings

UNCHANGED_VARIANT = Variant("nothing changed")


def question(text: str, *evidence: str, **more: Any) -> Question:
    return Question(text, text, frozenset(evidence), **more)


def conversations(names: str) -> list[Conversation]:
    asked = (question("red sailing boat", "t0"), question("Who was hurt and who fell?", "t3", "t4"))
    return [Conversation(name, TURNS, asked) for name in names]


def ran(asked: list[Conversation], options: RunOptions) -> RunOutcome:
    return run(asked, HashingEncoder(), options)


@pytest.fixture(scope="module")
def ablated() -> RecallReport:
    options = RunOptions(ablated=(*ABLATION_VARIANTS, UNCHANGED_VARIANT))
    three = conversations("abc")
    return report("jsonl", three, ran(three, options), "hashing", options)


# parts switched off


def test_every_variant_changes_a_setting_that_is_there_and_no_two_are_the_same() -> None:
    table = [variant.settings.model_dump_json() for variant in (*ABLATION_VARIANTS, *CANDIDATE_VARIANTS)]
    assert Settings().model_dump_json() not in table
    assert len(set(table)) == len(table)


def test_an_ablation_has_a_row_per_variant_and_the_defaults_of_the_main_table(ablated: RecallReport) -> None:
    assert ablated.ablation is not None
    assert [row.name for row in ablated.ablation.variants] == [v.name for v in (*ABLATION_VARIANTS, UNCHANGED_VARIANT)]
    fraction_at = dict(zip(ablated.ks, ablated.systems["memkit"].metrics["fraction"], strict=True))
    assert ablated.ablation.defaults == [fraction_at[k] for k in ablated.ablation.ks]


def test_a_variant_that_changes_nothing_makes_no_difference(ablated: RecallReport) -> None:
    assert ablated.ablation is not None
    unchanged = ablated.ablation.variants[-1]
    assert (unchanged.difference, unchanged.interval) == (0.0, (0.0, 0.0))
    assert unchanged.fractions == ablated.ablation.defaults


def test_without_words_and_vectors_less_is_found() -> None:
    blind = Variant("blind", dict.fromkeys(("lexical", "dense", "passages", "speaker", "length", "asks"), 0))
    [asked] = ran(
        [Conversation("c", TURNS, (question("chestnut tree garage", "t2"),))], RunOptions(ablated=(blind,))
    ).asked
    assert asked.ranks["memkit"].tolist() == [1.0]
    assert asked.varied["blind"].tolist() > [1.0]


def test_two_conversations_are_too_few_for_the_interval_of_a_difference() -> None:
    options = RunOptions(ablated=(UNCHANGED_VARIANT,))
    [row] = ablation(as_written(ran(conversations("ab"), options).asked), options.ablated).variants
    assert row.interval is None


def test_the_figures_of_an_ablation_are_in_the_json(ablated: RecallReport) -> None:
    dumped = json.loads(json.dumps(ablated.dump()))
    [lexical] = [row for row in dumped["ablation"]["variants"] if row["name"] == "no lexical"]
    assert set(lexical) == {"name", "fractions", "difference", "interval"}
    assert len(lexical["fractions"]) == len(dumped["ablation"]["ks"])


def test_variants_too_know_only_what_was_said_before_the_question() -> None:
    early = question("Who became a veterinarian?", "t4", asked_after=4)
    late = question("Who became a veterinarian, Rita?", "t4")
    before, after = ran([Conversation("c", TURNS, (early, late))], RunOptions(ablated=(UNCHANGED_VARIANT,))).asked
    assert ranks_under(before, UNCHANGED_VARIANT.name).tolist() == [inf]
    assert ranks_under(after, UNCHANGED_VARIANT.name).tolist() == after.ranks["memkit"].tolist()


def test_variants_rank_sessions_where_evidence_names_them() -> None:
    asked = Conversation("c", TURNS, (question("red sailing boat in Porto", "s1"),), unit="session")
    [row] = ran([asked], RunOptions(ablated=(UNCHANGED_VARIANT,))).asked
    assert ranks_under(row, UNCHANGED_VARIANT.name).tolist() == [1.0]


def test_progress_counts_the_variants() -> None:
    steps: list[int] = []
    options = RunOptions(ablated=ABLATION_VARIANTS, candidates=CANDIDATE_VARIANTS[:2])
    asked = conversations("ab")
    run(asked, HashingEncoder(), options, lambda _, count: steps.append(count))
    assert sum(steps) == count_steps(asked, options)


# sketches


def test_a_small_bank_is_searched_alike_by_sketches_and_exactly(ablated: RecallReport) -> None:
    assert (ablated.sketches.sketch_recall, ablated.sketches.same_top) == (1.0, 1.0)


def test_a_plain_run_compares_sketches_and_asks_no_other_variant() -> None:
    outcome = ran(conversations("a"), RunOptions())
    assert {name for row in outcome.asked for name in row.varied} == {SKETCH_SEARCH.name}
    table = report("jsonl", conversations("a"), outcome, "hashing", RunOptions())
    assert table.ablation is None
    assert table.dump()["sketches"]["same_top"] == 1.0


# each conversation left out


def test_candidates_move_one_weight_each_and_keep_its_bounds() -> None:
    assert len(CANDIDATE_VARIANTS) == len(MOVED_WEIGHTS) * len(WEIGHT_FACTORS)
    moved = [{k: v for k, v in c.settings.ranking if v != getattr(RankingSettings(), k)} for c in CANDIDATE_VARIANTS]
    assert all(len(changes) == 1 for changes in moved)
    assert {"cohesive_own": -1.0} in moved  # -0.8 × 1.4 would be less


def ranks_at(*, at: int) -> Ranks:
    return np.array([float(at)])


def asked(conversation: str, defaults: int, **varied: int) -> AskedQuestion:
    ranks = {name: ranks_at(at=rank) for name, rank in varied.items()}
    first = ranks_at(at=defaults)
    return AskedQuestion(conversation, "c", 0, {"memkit": first}, first, first, 1.0, 1, varied=ranks)


VARIANT_X, VARIANT_Y = Variant("x", {"dense": 2.0}), Variant("y", {"dense": 3.0})


def test_a_candidate_is_chosen_without_looking_at_the_conversation_that_it_is_tried_on() -> None:
    table = leave_one_out(
        {"f": [asked("a", 11, x=1, y=11), asked("b", 11, x=11, y=1), asked("c", 11, x=11, y=1)]}, (VARIANT_X, VARIANT_Y)
    )
    a, b, c = table.conversations
    assert (a.candidate, a.defaults, a.chosen) == ("y", 0.0, 0.0)  # x is the best for a alone, and isn't chosen
    assert (b.candidate, c.candidate) == ("x", "x")  # x and y find as much on the others: the first
    assert table.chosen == 0.0
    assert table.candidates == 3


def test_where_nothing_is_better_on_the_others_the_defaults_stay() -> None:
    table = leave_one_out({"f": [asked("a", 1, x=11), asked("b", 2, x=2)]}, (VARIANT_X,))
    assert [row.candidate for row in table.conversations] == [DEFAULTS_NAME, DEFAULTS_NAME]
    assert table.defaults == table.chosen == 1.0


def test_formats_take_part_together_and_count_alike_however_many_questions_they_have() -> None:
    many = [asked("m", 11, x=1, y=11) for _ in range(2)] + [asked("m", 11, x=11, y=11) for _ in range(2)]
    few = [asked("n", 11, x=11, y=1)]
    table = leave_one_out({"f": [*many, asked("left", 11, x=11, y=11)], "g": few}, (VARIANT_X, VARIANT_Y))
    by_name = {row.conversation: row for row in table.conversations}
    assert by_name["left"].candidate == "y"  # x finds 2 of 4 in one format, y all of the one in the other
    assert by_name["n"].candidate == "x"
    assert {row.format for row in table.conversations} == {"f", "g"}


def test_the_figures_of_leaving_out_are_in_the_json() -> None:
    table = leave_one_out({"f": [asked("a", 11, x=1), asked("b", 1, x=1)]}, (VARIANT_X,))
    dumped = json.loads(json.dumps(table.dump()))
    [a, _] = dumped["conversations"]
    assert a == {
        "format": "f", "conversation": "a", "questions": 1, "defaults": 0.0, "chosen": 0.0, "candidate": DEFAULTS_NAME
    }  # fmt: skip
    assert (dumped["defaults"], dumped["candidates"]) == (0.5, 2)
