"""The adaptive surprisal model: what is rare surprises, what was read surprises less, in bounded memory."""

import math
import time

import pytest

from memkit.protocols import SurprisalModel, Token
from memkit.surprisal import ngram as module
from memkit.surprisal.background import TOKEN_PATTERN, BackgroundSurprisal, prior
from memkit.surprisal.ngram import NgramSurprisal
from memkit.surprisal.salience import key_phrases, salience

FACT = "My blood group is AB negative and my surgeon is called Dr. Okonkwo."


def surprisals(model: NgramSurprisal, text: str) -> dict[str, float]:
    return {text[t.start : t.end]: t.surprisal for t in model.score(text)}


def how_salient(text: str) -> float:
    return salience(NgramSurprisal().score(text))


def test_it_is_a_surprisal_model() -> None:
    assert isinstance(NgramSurprisal(), SurprisalModel)


def test_tokens_come_in_order_with_the_characters_where_they_stand() -> None:
    text = "Ana's flat: n° 12, 3rd floor — 我住在里斯本 🎉"
    tokens = NgramSurprisal().score(text)
    assert [text[t.start : t.end] for t in tokens] == [
        *("Ana's", "flat", ":", "n", "°", "12", ",", "3", "rd", "floor", "—"),
        *("我", "住", "在", "里", "斯", "本", "🎉"),
    ]
    assert all(t.surprisal > 0 and math.isfinite(t.surprisal) for t in tokens)


def test_names_numbers_and_rare_words_surprise_more_than_everyday_words() -> None:
    found = surprisals(NgramSurprisal(), "and then Okonkwo said the 4471 is in the flowerpot")
    assert min(found["Okonkwo"], found["4471"], found["flowerpot"]) > 8
    assert max(found["and"], found["then"], found["the"], found["in"]) < 8


def test_scoring_learns_nothing() -> None:
    model = NgramSurprisal()
    assert model.score(FACT) == model.score(FACT)
    assert model.size == 0


def test_what_was_read_surprises_less_and_a_pair_less_than_its_words() -> None:
    model = NgramSurprisal()
    before = surprisals(model, "Doctor Okonkwo")["Okonkwo"]
    model.learn("I have to see doctor Okonkwo")
    apart, together = surprisals(model, "Okonkwo")["Okonkwo"], surprisals(model, "doctor Okonkwo")["Okonkwo"]
    assert together < apart < before


def test_a_language_becomes_familiar_by_reading_it() -> None:
    model = NgramSurprisal()
    text = "Мою сестру зовут Рита, и она живёт в Лиссабоне"
    before = salience(model.score(text))
    for _ in range(5):
        model.learn(text)
    assert salience(model.score(text)) < before / 1.5


def test_probabilities_of_all_tokens_that_can_follow_add_up_to_at_most_one() -> None:
    model = NgramSurprisal()
    model.learn(FACT)
    model.learn("my surgeon is kind and my flat is cold")
    words = sorted(
        {text for part in (FACT, "the a of in to you it kind flat cold 1 2 3 , ? !") for text in part.split()}
    )
    pieces = sorted({p for word in words for p in TOKEN_PATTERN.findall(word.casefold())})
    for lead in ("my", "is", "nowhere"):
        total = sum(math.exp(-model.score(f"{lead} {piece}")[-1].surprisal) for piece in pieces)
        assert 0 < total <= 1


def test_the_prior_gives_frequent_words_their_rank_and_long_unknown_ones_little() -> None:
    assert prior("the") > prior("because") > prior("volunteer") > prior("zyxomma")
    assert prior("reading") > prior("xqzzvkw")
    assert prior(".") > prior("&") > 0
    assert prior("1") > prior("12") > prior("123") > 0


def test_the_priors_of_short_words_add_up_to_at_most_one() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [a + b for a in ["", *letters] for b in letters] + [
        a + b + c for a in letters for b in "aeiou" for c in letters
    ]
    assert sum(prior(word) for word in set(words)) < 0.78


def test_small_talk_tells_little_and_facts_tell_much() -> None:
    small = ["haha yes", "ok", "Good night!", "How are you?", "thanks a lot!", "see you later", "yes, that's right"]
    facts = [
        FACT,
        "I moved to Lisbon in May. I can't eat nuts.",
        "My sister Rita visits on Thursday at 7:45.",
        "The key lies under the green flowerpot.",
        "We married in Toledo in 2009 and have two daughters.",
    ]
    assert max(map(how_salient, small)) < min(map(how_salient, facts)) - 2


def test_a_text_without_tokens_tells_nothing() -> None:
    assert salience([]) == 0.0
    assert how_salient("   ") == 0.0


def test_common_words_around_a_fact_take_nothing_from_its_salience() -> None:
    chatter = "well you know that is so good and it was just like that for us all "
    assert how_salient(chatter + FACT + chatter) >= how_salient(FACT)


def test_one_strange_token_alone_does_not_make_a_text_tell_much() -> None:
    assert how_salient("hmmmmmmmmmmmmmmmmm") < 3


def test_key_phrases_are_the_telling_words_in_the_order_of_the_text() -> None:
    found = key_phrases(FACT, NgramSurprisal().score(FACT), most=4)
    assert found
    assert list(found) == sorted(found, key=FACT.index)
    assert not {"is", "my", "and"} & set(" ".join(found).casefold().split())


def test_neighbouring_telling_words_are_one_phrase() -> None:
    text = "We climbed the Serra da Estrela with Guilherme Azevedo."
    assert "Guilherme Azevedo" in key_phrases(text, NgramSurprisal().score(text))


def test_small_talk_has_no_key_phrases() -> None:
    for text in ("haha yes", "Good night!", "How are you?", "", "!!!"):
        assert key_phrases(text, NgramSurprisal().score(text)) == ()


def test_key_phrases_follow_any_models_tokens() -> None:
    tokens = [Token(0, 3, 1.0), Token(4, 9, 20.0), Token(10, 15, 20.0), Token(15, 16, 20.0)]
    assert key_phrases("the green heron.", tokens) == ("green heron",)


@pytest.mark.slow
def test_it_scores_and_learns_at_least_a_hundred_thousand_tokens_a_second() -> None:
    text = " ".join(f"word{i % 977} and some of what was said {i % 31}" for i in range(20_000))
    model = NgramSurprisal()
    model.score(text)
    start = time.process_time()
    count = len(model.score(text))
    model.learn(text)
    assert count / (time.process_time() - start) > 100_000


def test_all_counts_are_halved_once_many_tokens_were_counted_so_that_memory_stays_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HALVED_AT", 1_000)
    model = NgramSurprisal()
    for i in range(400):
        model.learn(f"this is small talk number {i}")
    assert model.size < 1_000
    assert len(model._counts) < 2_000
    assert surprisals(model, "number")["number"] < surprisals(NgramSurprisal(), "number")["number"]


def test_of_a_long_text_its_beginning_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEARNT_TOKENS", 3)
    model = NgramSurprisal()
    model.learn("one two three four five")
    assert model.size == 4
    assert surprisals(model, "four") == surprisals_after_three("four")


def surprisals_after_three(word: str) -> dict[str, float]:
    """The surprisals of a word under a model that read only the three words before it."""
    fresh = NgramSurprisal()
    fresh.learn("one two three")
    return surprisals(fresh, word)


def test_no_part_is_cut_out_of_an_endless_address() -> None:
    address = "a.b" * 100
    assert key_phrases(address, BackgroundSurprisal().score(address)) == ()
