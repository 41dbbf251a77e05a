"""The language that a text's commonest words tell; stop words and stems by it; English stays as it was."""

import pytest

from memkit.text.terms.language import STOP_WORDS, common_words, language_of
from memkit.text.terms.tokens import words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("¿Dónde trabaja mi hermano?", "spanish"),
        ("donde vive tu madre", "spanish"),
        ("Wo arbeitet Ana?", "german"),
        ("Was machte Ana gestern?", "german"),
        ("Qui est Paul ?", "french"),
        ("J'ai vu l'école hier", "french"),
        ("Onde você mora?", "portuguese"),
        ("Dov'è l'università?", "italian"),
        ("Waar woont mijn zus?", "dutch"),
        ("Jag bor här med min syster", "swedish"),
        ("Kardeşim nerede çalışıyor?", "turkish"),
        ("Hvor lenge har dere bodd her?", "norwegian"),
        ("Hvornår kommer I hjem?", "danish"),
        ("Kuka on sinun ystävä?", "finnish"),
        ("Gdzie mieszka twoja siostra?", "polish"),
        ("Kde bydlí tvoje sestra?", "czech"),
        ("Unde locuiește sora mea?", "romanian"),
        ("Hol lakik a testvéred?", "hungarian"),
        ("On viu la teva germana?", "catalan"),
        ("Di mana kakak kamu tinggal?", "indonesian"),
        ("Где живёт твоя сестра?", "russian"),
        ("Ужин позавчера?", "russian"),
        ("عم تحدثنا الأسبوع الماضي؟", "arabic"),
        ("Ωραία λιακάδα!", "greek"),
    ],
)
def test_a_short_question_tells_its_language(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "Lisbon",
        "Die hard fans met in the war museum",
        "Los Angeles trip",
        "La Paz and El Paso",
        "Don't say John's car isn't there",
        "De Niro films, please",
        "We ate pan con tomate and drank vino tinto in Girona",
        "I met Will on a Sunday",
        "Ha ha, take care!",
        "昨日、東京で寿司を食べた",
        "Dinner at Чайка tonight",
    ],
)
def test_english_and_what_tells_nothing_is_english(text: str) -> None:
    assert language_of(text) == "english"


@pytest.mark.parametrize(
    "question",
    [
        "¿Dónde y cuándo?",
        "donde y cuando",
        "Wer war das und wo?",
        "Qui est-ce et où ?",
        "Quem é e onde está?",
        "Chi è e dov'è?",
        "Wie is dat en waar?",
        "Vem är det och var?",
        "Bu kim ve nerede?",
        "Кто это и где?",
    ],
)
def test_words_that_only_ask_are_no_terms(question: str) -> None:
    assert words(question, language_of(question)) == []


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Ich traf Mal und Noch gestern, und was ist mit Ihnen?", {"mal", "noch"}),  # names; a polite form is none
        ("Hablé con Pero en Bilbao", {"pero"}),
        ("je vois la SE avec toi", {"se"}),
    ],
)
def test_a_stop_word_written_as_a_name_is_a_term(text: str, terms: set[str]) -> None:
    found = {word.term for word in words(text, language_of(text))}
    assert terms <= found
    assert "ihnen" not in found


def test_what_an_apostrophe_elides_falls_away() -> None:
    one, other = words("l'amour de l'école", "french"), words("amour, école", "french")
    assert [word.term for word in one] == [word.term for word in other]


def test_a_word_of_another_language_is_found_by_englishs_stem_too() -> None:
    [word] = words("hermanos", "spanish")
    [english] = words("hermanos")
    assert word.term != english.term
    assert english.term in word.spellings


def test_turkish_capitals_become_turkish_small_letters() -> None:
    assert [word.term for word in words("IŞIK", "turkish")] == [word.term for word in words("ışık", "turkish")]


def test_english_words_have_english_stems_and_no_other_spelling() -> None:
    assert [(word.term, word.spellings) for word in words("The sisters bought guitars")] == [
        ("sister", ()),
        ("bought", ()),
        ("guitar", ()),
    ]


def test_each_language_has_a_stemmer_and_words_of_its_own() -> None:
    import Stemmer

    every = common_words()
    assert {own.stemmer for own in every.values()} <= set(Stemmer.algorithms())
    assert every["en"].stop == STOP_WORDS
    assert all(len(own.stop) >= 40 for own in every.values())


@pytest.mark.parametrize("question", ["为什么？", "他们什么时候去哪里？", "どこ", "어디"])
def test_pairs_of_a_script_without_spaces_that_only_ask_are_no_terms(question: str) -> None:
    terms = {word.term for word in words(question)}
    assert terms.isdisjoint({"什么", "哪里", "时候", "他们", "どこ", "어디"})


def test_a_pair_with_content_is_a_term() -> None:
    assert {word.term for word in words("我们在上海吃饺子")} >= {"上海", "饺子"}
