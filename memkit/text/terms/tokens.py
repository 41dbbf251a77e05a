"""Words of a text as search terms: stemmed, without stop words, numbers, dates and clock times in one form."""

import re
import threading
from functools import lru_cache
from typing import NamedTuple

import snowballstemmer

CACHED_WORDS = 16_384  # words of which something is kept in RAM, those of all banks together: 150 to 450 bytes each
CJK_RANGES = "぀-ヿ㐀-鿿가-힯々ｦ-ﾟ"
LETTER_PATTERN = rf"[^\W\d_{CJK_RANGES}]"
MONTH_NAMES = ("january february march april may june july august september october november december").split()
TEN_NAMES = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
UNIT_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NUMBER_WORDS = {  # without "one", which is mostly a pronoun
    **{word: str(number) for number, word in enumerate((*UNIT_NAMES[1:], "ten", "eleven", "twelve"), 2)},
    **{word: str(number) for number, word in zip(range(20, 100, 10), TEN_NAMES, strict=True)},
    **{
        f"{ten} {unit}": str(20 + 10 * i + j) for i, ten in enumerate(TEN_NAMES) for j, unit in enumerate(UNIT_NAMES, 1)
    },
    "hundred": "100",
    "thousand": "1000",
}
AFTER_A_DAY = r"(?:(?<=\d )|(?<=\d(?:st|nd|rd|th) ))"
TOKEN_PATTERN = re.compile(  # where a look ahead stands first, it only spares the rest of its branch
    rf"(?=[\w{CJK_RANGES}])(?:(?=\d)(?:"
    r"(?P<date>(?<!\d)\d{4}(?:-(?:0[1-9]|1[0-2])-\d{2}(?!\d)(?:T(?=\d))?|年(?:1[0-2]|0?[1-9])月\d{1,2}日))"
    r"|(?P<clock>(?:1[0-2]|0?[1-9])(?::[0-5]\d)? ?(?:[ap]m|[ap]\.m\.?)(?!\w)|(?:[01]?\d|2[0-3]):[0-5]\d(?![\w:]))"
    rf"|(?P<number>\d{{1,3}}(?:,\d{{2,3}})*,\d{{3}}(?!\d)(?:\.\d+)?|\d+(?:[.:]\d+)*)(?:st|nd|rd|th)?(?=[{CJK_RANGES}]|\b))"
    rf"|(?P<cjk>[{CJK_RANGES}]+)"
    r"|(?=[adfjmnos])(?P<month>(?:feb|apr|jul|aug|sept|oct|nov|dec)\b"
    rf"|(?:jan|mar|jun|sep)\b(?=\.? ?\d)|{AFTER_A_DAY}(?:jan|mar|jun|sep)\b)"  # elsewhere, a name or a word
    rf"|(?=[efnst])(?P<compound>(?:{'|'.join(TEN_NAMES)})[- ](?:{'|'.join(UNIT_NAMES)})\b)"
    rf"|(?P<word>{LETTER_PATTERN}+(?:['’]{LETTER_PATTERN}+)*|[^\W{CJK_RANGES}]+))",
    re.IGNORECASE,
)
QUESTION_MARKS = ("?", "？", "؟")
POSSESSIVE_PATTERN = re.compile(r"['’]s?$")
STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are aren't as at be because been before being below
    between both but by can can't could couldn't did didn't do does doesn't doing don't down during each ever
    few for from further get gets getting got had hadn't has hasn't have haven't having he her here hers herself
    him himself his how i i'd i'll i'm i've if in into is isn't it it's its itself just let let's me more most
    my myself no nor not now of off on once only or other our ours ourselves out over own same she should
    shouldn't so some such than that that's the their theirs them themselves then there these they they're this
    those through to too under until up us very was wasn't we we're were weren't what what's when where which
    while who whom why will with won't would wouldn't you you're your yours yourself yourselves
    """.split()
)


class Word(NamedTuple):
    """A term, and where it stands in the text."""

    term: str
    start: int
    end: int


_stemmers = threading.local()


@lru_cache(maxsize=CACHED_WORDS)
def stem(word: str, language: str = "english") -> str:
    """The Snowball stem of a casefolded word."""
    stemmers = vars(_stemmers)
    if language not in stemmers:
        stemmers[language] = snowballstemmer.stemmer(language)
    return str(stemmers[language].stemWord(word))


def words(text: str, language: str = "english") -> list[Word]:
    """Search terms in order. Chinese, Japanese and Korean runs are cut into pairs of characters.

    One thing has one form: "three" is "3", "Sept." is "September", "2023-05-08" is "8 May 2023", and
    "7pm", "7:00 p.m." and "19:00" are "7" and "7pm" (a clock without its half of the day is the first alone).
    """
    terms, word = list[Word](), Word._make  # in half of the time that Word takes
    for match in TOKEN_PATTERN.finditer(text):
        if match.lastgroup != "word":
            terms += _others(match, language)
        elif (term := _term(match[0], language)) is not None:
            terms.append(word((term, *match.span())))
    return terms


def _others(match: re.Match[str], language: str) -> list[Word]:
    """The terms of what is no word: a number, a time, a run of ideographs."""
    start, end = match.span()
    kind, matched = str(match.lastgroup), match[0]
    if kind == "cjk":
        return [Word(matched[i : i + 2], start + i, start + i + 2) for i in range(max(1, len(matched) - 1))]
    return [Word(term, start, end) for term in READERS_BY_GROUP[kind](match[kind], language)]


def _date(phrase: str, language: str) -> list[str]:
    year, month, day = (int(number) for number in re.findall(r"\d+", phrase))
    return [str(day), stem(MONTH_NAMES[month - 1], language), str(year)]


def _clock(phrase: str, language: str) -> list[str]:
    hours, minutes = int(re.split(r"\D", phrase)[0]), re.findall(r":(\d\d)", phrase)
    half = "".join(re.findall(r"[apm]", phrase.casefold()))
    if not half and (hours > 12 or hours == 0):
        half = "pm" if hours else "am"
    plain = f"{(hours - 1) % 12 + 1}" + "".join(f":{m}" for m in minutes if m != "00")
    return [plain, plain + half] if half else [plain]


def _number(phrase: str, language: str) -> list[str]:
    return [re.sub(r"^0+(?=\d)", "", phrase.replace(",", ""))]


def _month(phrase: str, language: str) -> list[str]:
    return [stem(next(month for month in MONTH_NAMES if month.startswith(phrase[:3].casefold())), language)]


def _compound(phrase: str, language: str) -> list[str]:
    return [NUMBER_WORDS[phrase.casefold().replace("-", " ")]]


READERS_BY_GROUP = {"date": _date, "clock": _clock, "number": _number, "month": _month, "compound": _compound}


@lru_cache(maxsize=CACHED_WORDS)
def _term(word: str, language: str) -> str | None:
    low = word.casefold().replace("’", "'")
    if low in STOP_WORDS:
        return None
    low = POSSESSIVE_PATTERN.sub("", low)
    if low in STOP_WORDS or not low:
        return None
    return NUMBER_WORDS.get(low) or stem(low, language)


def has_words(text: str) -> bool:
    """True where there is a letter or a digit in the text."""
    return any(character.isalnum() for character in text)


def asks(text: str) -> bool:
    """True where the text ends in a question mark."""
    return text.rstrip().endswith(QUESTION_MARKS)
