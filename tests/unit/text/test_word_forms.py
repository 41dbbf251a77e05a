"""Other forms of a word under which a search meets it, and names that look like stop words."""

import unicodedata

import pytest

from memkit.text.terms.tokens import Word, words


def every_term(text: str) -> set[str]:
    return {term for word in words(text) for form in every_form(word) for term in form}


def every_form(word: Word) -> list[tuple[str, ...]]:
    return [(word.term,), *((spelling,) for spelling in word.spellings), *word.others]


def meets(question: str, text: str) -> bool:
    """Whether each word of a question is in a text, in one of its forms."""
    terms = every_term(text)
    return all(any(terms >= set(form) for form in every_form(word)) for word in words(question))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("null pointer", "It ends in a NullPointerException at start."),
        ("api base", "Set OPENAI_API_BASE first."),
        ("OPENAI_API_BASE", "the base of the api of openai"),
        ("http server", "The HTTPServer class"),
        ("user id", "the column userId"),
        ("sha 256", "a SHA256 sum"),
        ("5550123456", "Call 555-012-3456."),
        ("555 012 3456", "Call (555) 012-3456"),
        ("+1 555 012 3456", "Call 555.012.3456"),
        ("030 1234567", "Ring +49 30 1234567 tonight"),
        ("A12345678", "Order A-1234-5678 came"),
        ("order ORD 2291", "my order is ORD-2291"),
        ("ORD-2291", "order ORD2291"),
        ("12345", "number 12-345"),
        ("cafe", "the Café"),
        ("Café", "the cafe"),
        ("strasse", "Straße"),
        ("lodz", "Łódź"),
        ("istanbul", "İstanbul'da"),
        ("еж", "ёж"),
        ("ABC 123", "ＡＢＣ　１２３"),
        ("محمد", "مُحَمَّد"),
        ("שלום", "שָׁלוֹם"),
    ],
)
def test_one_thing_is_met_in_whatever_form_it_is_written(question: str, text: str) -> None:
    assert meets(question, text)


@pytest.mark.parametrize(
    "text", ["Zoë mangea du pâté à Łódź", "हिन्दी की किताब", "বাংলা বই", "தமிழ் நூல்", "ภาษาไทย", "한국어 책", "がぎぐ"]
)
def test_decomposed_letters_make_the_same_terms(text: str) -> None:
    assert [word.term for word in words(unicodedata.normalize("NFD", text))] == [word.term for word in words(text)]


@pytest.mark.parametrize("text", ["किताब", "বাংলা", "தமிழ்", "مُحَمَّد", "שָׁלוֹם"])
def test_vowel_signs_do_not_cut_a_word(text: str) -> None:
    assert len(words(text)) == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("We moved to the US.", "us"),
        ("I met Will yesterday.", "will"),
        ("My brother works in IT now.", "it"),
        ("IT was down again.", "it"),
        ("This is Will's bike.", "will"),
    ],
)
def test_a_stop_word_written_as_a_name_is_a_term(text: str, name: str) -> None:
    assert name in every_term(text)


@pytest.mark.parametrize("text", ["Will it rain?", "It is late. Will they come?", "tell us", "WILL YOU ALL COME TO US"])
def test_a_stop_word_that_opens_a_sentence_or_is_shouted_is_none(text: str) -> None:
    assert every_term(text).isdisjoint({"will", "it", "us"})


def test_a_words_place_is_where_it_stands_in_the_text() -> None:
    text = "Call 555-012-3456 or Zoe\u0301, ORD-2291"
    assert [text[word.start : word.end] for word in words(text)] == ["Call", "555-012-3456", "Zoe\u0301", "ORD-2291"]
    assert words("Brix") == [Word("brix", 0, 4)]
