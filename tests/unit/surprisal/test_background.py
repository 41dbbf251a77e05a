"""The background of language: fixed, so that a turn's salience rests on its words alone; in any script."""

import math
import subprocess
import sys

import pytest

from memkit.protocols import SurprisalModel
from memkit.surprisal.background import BackgroundSurprisal, prior, surprisal
from memkit.surprisal.ngram import NgramSurprisal
from memkit.surprisal.salience import salience

FACT = "My blood group is AB negative and my surgeon is called Dr. Okonkwo."
TEXTS = (FACT, "haha yes", "Привет, как дела?", "我妹妹住在里斯本。", "ขอบคุณ", "καλημέρα", "🎉", "", "½ ² ٣")


def how_salient(text: str) -> float:
    return salience(BackgroundSurprisal().score(text))


def test_it_is_a_surprisal_model() -> None:
    assert isinstance(BackgroundSurprisal(), SurprisalModel)


@pytest.mark.parametrize("text", TEXTS)
def test_its_tokens_lie_in_order_in_the_text_with_finite_surprisals(text: str) -> None:
    tokens = BackgroundSurprisal().score(text)
    assert all(0 <= t.start < t.end <= len(text) and 0 < t.surprisal < math.inf for t in tokens)
    assert [t.start for t in tokens] == sorted({t.start for t in tokens})


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_the_adaptive_model_that_has_read_nothing(text: str) -> None:
    fresh = NgramSurprisal().score(text)
    assert [t[:2] for t in BackgroundSurprisal().score(text)] == [t[:2] for t in fresh]
    assert [t.surprisal for t in BackgroundSurprisal().score(text)] == pytest.approx([t.surprisal for t in fresh])


def test_it_learns_nothing() -> None:
    model = BackgroundSurprisal()
    before = model.score(FACT)
    for _ in range(20):
        model.learn(FACT)
    assert model.score(FACT) == before


def test_another_process_scores_the_same() -> None:
    code = f"from memkit.surprisal.background import BackgroundSurprisal as B; print(B().score({FACT!r}))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert printed == str(BackgroundSurprisal().score(FACT))


@pytest.mark.parametrize(
    ("small", "fact"),
    [
        ("Ну да, конечно, я так и думал.", "Соседка Зинаида печёт ватрушки каждое воскресенье."),
        ("そうですね、ありがとうございます。", "妹は九月から長崎の造船所で働いています。"),
        ("是啊,我也是这么想的。", "儿子考上了音乐学院的大提琴专业。"),
        ("네, 그래 나도 좋아", "여동생은 포르투갈에서 해양생물학을 전공하고 있습니다"),
        ("Ναι, το ξέρω και εγώ", "Η γειτόνισσα καλλιεργεί πορτοκαλιές στη Θεσσαλονίκη"),
        ("כן, גם אני לא", "השכנה מגדלת תפוזים בירושלים המזרחית"),
        ("Ja, das ist so gut", "Die Nachbarin züchtet Königspudel in Mecklenburg"),
    ],
)
def test_a_fact_tells_more_than_small_talk_of_as_many_words_in_any_script(small: str, fact: str) -> None:
    assert how_salient(fact) > how_salient(small) + 0.5


def test_a_word_of_an_unknown_alphabet_surprises_the_more_the_longer_it_is() -> None:
    assert prior("και") > prior("σπίτι") > prior("πορτοκαλιές")
    assert prior("네") > prior("여동생은")


def test_frequent_words_and_characters_are_likelier_than_rare_ones() -> None:
    assert prior("не") > prior("потом") > prior("виолончель")
    assert prior("的") > prior("爱") > prior("鹤")
    assert prior("の") > prior("鶴")


def test_long_words_of_any_alphabet_stay_possible() -> None:
    assert prior("ё" * 24) > 0
    assert prior("q" * 24) > 0


@pytest.mark.parametrize("word", ["x" * 5_000, "7" * 5_000, "a\u0301" * 2_000, "😀" * 2_000])
def test_a_word_without_an_end_has_a_finite_surprisal(word: str) -> None:
    assert math.isfinite(surprisal(word))
