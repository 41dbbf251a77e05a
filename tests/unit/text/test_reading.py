"""How far an encoder reads a text: by the share of letters in words that its vocabulary holds whole."""

import re

import pytest

from memkit.text.reading import Piece, reading

ENGLISH_WORDS = frozenset(
    "i moved to the town in may and my sister visits us on thursday with her old dog again que me la".split()
)
HAN_OF_A_CHINESE_MODEL = frozenset("我昨天去了北京和妈妈一起吃饭")


def english_pieces(text: str) -> list[Piece]:
    """As a word-piece tokenizer with an English vocabulary cuts: known words whole, others letter by letter."""
    pieces = []
    for match in re.finditer(r"[㐀-鿿]|\w+|[^\w\s]", text):
        start, end = match.span()
        if "㐀" <= match[0] <= "鿿":
            pieces.append(Piece(start, end, False))
        elif match[0].lower() in ENGLISH_WORDS or not match[0].isalpha():
            pieces.append(Piece(start, end, True))
        else:
            pieces += [Piece(i, i + 1, True) for i in range(start, end)]
    return pieces


def read(text: str) -> float:
    return reading(text, english_pieces(text))


@pytest.mark.parametrize(
    "text",
    [
        "I moved to the town in May and my sister visits us on Thursday.",
        "My sister visits us with her old dog.",
        "I moved to Wroclaw with Guilherme Azevedo, my old dog and Przemyslaw.",
        "7:45!",
        "🎉🎉",
        "",
    ],
)
def test_what_is_known_whole_is_read_and_names_and_numbers_take_nothing_from_it(text: str) -> None:
    assert read(text) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "Я переехала в Лиссабон в мае, и сестра приезжает к нам в четверг.",
        "昨天我和妈妈一起去了北京吃饭",
        "Me mudé a la ciudad en mayo y mi hermana nos visita los jueves con su perro.",
        "Meine Schwester kommt am Donnerstag mit ihrem alten Hund zu uns.",
        "妹妹星期四来",
        "昨日、東京で寿司を食べました",
        "मैं मई में शहर आया था",
        "¿Qué me dijo la hermana?",
    ],
)
def test_what_is_spelt_or_unknown_is_not_read(text: str) -> None:
    assert read(text) == 0.0


def test_what_is_mixed_is_read_in_part() -> None:
    assert 0 < read("my sister visits us on thursday aber meine liebe tante kommt heute") < 1


def test_a_model_of_han_characters_reads_them() -> None:
    text = "我昨天和妈妈一起去北京吃饭"
    assert reading(text, [Piece(i, i + 1, c in HAN_OF_A_CHINESE_MODEL) for i, c in enumerate(text)]) == 1.0


def test_a_model_that_knows_some_han_characters_reads_no_chinese() -> None:
    text = "我昨天和妈妈一起去北京吃饭"
    assert reading(text, [Piece(i, i + 1, c in "我天一去北和吃") for i, c in enumerate(text)]) == 0.0


def test_a_model_of_pieces_reads_scripts_without_spaces_in_pieces_of_two_and_more() -> None:
    text = "すしをたべました"
    assert reading(text, [Piece(0, 2, True), Piece(2, 3, True), Piece(3, 6, True), Piece(6, 8, True)]) == 1.0
    assert reading(text, [Piece(i, i + 1, True) for i in range(len(text))]) == 0.0


def test_what_lies_behind_the_last_piece_was_cut_off_and_counts_for_nothing() -> None:
    text = "my sister visits us на четверг"
    assert reading(text, english_pieces(text[:19])) == 1.0
