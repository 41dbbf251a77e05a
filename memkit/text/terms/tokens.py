"""Words of a text as search terms: stemmed, without stop words, numbers, dates and clock times in one form."""

import re
import threading
from functools import cache, lru_cache, partial
from itertools import chain
from typing import NamedTuple

import Stemmer

from memkit.text.terms.forms import composed, identifier_parts, script_stemmer, without_marks
from memkit.text.terms.language import ENGLISH_STEMMER, STOP_PAIRS, words_of

CACHED_WORDS = 16_384  # words of which something is kept in RAM, those of all banks together: 150 to 450 bytes each
UNSPACED_RANGES = "぀-ヿ㐀-鿿가-힯々ｦ-ﾟ\u1100-\u11ff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # scripts without spaces
MARK_RANGES = (  # accents, points and vowel signs, which belong to the letter before them
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u07a6-\u07b0\u0900-\u0903\u093a-\u094f\u0951-\u0957"
    "\u0962\u0963\u0981-\u0983\u09bc-\u09d7\u0a01-\u0a03\u0a3c-\u0a51\u0a70\u0a71\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03"
    "\u0b3c-\u0b57\u0b82\u0bbe-\u0bd7\u0c00-\u0c04\u0c3c-\u0c56\u0c81-\u0c83\u0cbc-\u0cd6\u0d00-\u0d03\u0d3b-\u0d57"
    "\u0d81-\u0d83\u0dca-\u0ddf\u0f71-\u0f84\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
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
LETTER_PATTERN = rf"(?:[^\W\d_{UNSPACED_RANGES}][{MARK_RANGES}]*)"
WORD_PATTERN = rf"(?:{LETTER_PATTERN}|[\d_])+(?:['’]{LETTER_PATTERN}+)*"
ASCII_WORD_PATTERN = r"\w+(?:'[a-z]+)*"
AFTER_A_DAY = r"(?:(?<=\d )|(?<=\d(?:st|nd|rd|th) ))"
DIGIT_GROUPS_PATTERN = (  # of numbers that are names: of a telephone, an order, a card
    r"(?:(?<=\+)\d{1,3}(?:[ .-]{0,2}\(?\d{2,}\)?)+|(?<=\()\d{2,5}\)(?:[ .-]?\d{2,})+|0\d{1,4}(?:[ .-]\d{2,})+"
    r"|\d{3,}(?:[ .-]\d{3,})+|\d{2,}(?:-\d{2,})+)(?![\w:,]|[.-]\d)"
)


@cache
def token_pattern(is_ascii: bool, /) -> re.Pattern[str]:
    """The pattern of all tokens, made when it is first needed: a command may meet ASCII alone.

    Where a look ahead stands first, it only spares the rest of its branch.
    """
    word = ASCII_WORD_PATTERN if is_ascii else WORD_PATTERN
    return re.compile(
        rf"(?=[\w{UNSPACED_RANGES}])(?:(?=\d)(?:"
        r"(?P<date>(?<!\d)\d{4}(?:-(?:0[1-9]|1[0-2])-\d{2}(?!\d)(?:T(?=\d))?|年(?:1[0-2]|0?[1-9])月\d{1,2}日))"
        r"|(?P<clock>(?:1[0-2]|0?[1-9])(?::[0-5]\d)? ?(?:[ap]m|[ap]\.m\.?)(?!\w)|(?:[01]?\d|2[0-3]):[0-5]\d(?![\w:]))"
        rf"|(?P<groups>{DIGIT_GROUPS_PATTERN})"
        r"|(?P<number>\d{1,3}(?:,\d{2,3})*,\d{3}(?!\d)(?:\.\d+)?|\d+(?:[.:]\d+)*)"
        rf"(?:st|nd|rd|th)?(?=[{UNSPACED_RANGES}]|\b))"
        rf"|(?P<run>[{UNSPACED_RANGES}]+)"
        r"|(?=[adfjmnos])(?P<month>(?:feb|apr|jul|aug|sept|oct|nov|dec)\b"
        rf"|(?:jan|mar|jun|sep)\b(?=\.? ?\d)|{AFTER_A_DAY}(?:jan|mar|jun|sep)\b)"  # elsewhere, a name or a word
        rf"|(?=[efnst])(?P<compound>(?:{'|'.join(TEN_NAMES)})[- ](?:{'|'.join(UNIT_NAMES)})\b)"
        rf"|(?P<code>[a-z]{{1,6}}+(?:-[a-z\d]{{1,12}})*-\d[a-z\d]*(?:-[a-z\d]+)*(?![\w'’]))"
        rf"|(?P<word>{word}))",
        re.IGNORECASE,
    )


CLUSTER_PATTERN = re.compile(
    rf".[{MARK_RANGES}\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3]*"
)
LEADING_ZEROS_PATTERN = re.compile(r"^0+(?=\d)")
MIN_CODE_CHARS, LOCAL_NUMBER_DIGITS = 5, 7  # of what is one number in parts; of a telephone number without its prefixes
QUESTION_MARKS = ("?", "？", "؟")
POSSESSIVE_PATTERN = re.compile(r"['’]s?$")
SENTENCE_START_PATTERN = re.compile(r"(?:^|[.!?…:;\n]|[-*•]\s)[\s\"'“‘„«(\[¿¡]*$")
MAX_OPENING_CHARS = 32  # that are read before a word, to see whether it begins a sentence
MIN_NAME_CHARS = 2
MIN_HEAD_CHARS = 3  # before an apostrophe, after which a language may write an ending: "Ankara'da"
TURKISH_CAPITALS = str.maketrans("Iİ", "ıi")


class Word(NamedTuple):
    """A term, and where it stands in the text.

    `others`: other forms, each of one or more terms, under which it is found where nothing is by the term itself: the
    parts of an identifier, the end of a telephone number. `spellings`: terms of the same word without accents, and with
    the stem that English would have.
    """

    term: str
    start: int
    end: int
    others: tuple[tuple[str, ...], ...] = ()
    spellings: tuple[str, ...] = ()

    @property
    def beside(self) -> tuple[str, ...]:
        """All terms under which it is found besides its own."""
        return (*self.spellings, *chain.from_iterable(self.others))


_word = partial(tuple.__new__, Word)  # in less than half of the time that Word takes
_stemmers = threading.local()


@lru_cache(maxsize=CACHED_WORDS)
def stem(word: str, language: str = "english") -> str:
    """The Snowball stem of a casefolded word: by its script, where that is of one language."""
    if not word.isascii():
        language = script_stemmer(word[:1]) or language
    stemmers = vars(_stemmers)
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(language, 0)  # it caches nothing itself
    return str(stemmers[language].stemWord(word))


def words(text: str, language: str = "english") -> list[Word]:
    """Search terms in order. Runs of a script without spaces are cut into pairs of characters.

    One thing has one form: "three" is "3", "Sept." is "September", "2023-05-08" is "8 May 2023", and
    "7pm", "7:00 p.m." and "19:00" are "7" and "7pm" (a clock without its half of the day is the first alone).
    A stop word that is written as a name ("the US", "I met Will") is a term.
    """
    terms = list[Word]()
    for match in token_pattern(text.isascii()).finditer(text):
        if match.lastgroup != "word":
            terms += _others(match, language)
            continue
        written = match[0]
        term, others, spellings = _forms(written, language)
        if term is None and written[0].isupper() and is_name(written, text, match.start(), language):
            term = bare_name(written)
        if term is not None:
            terms.append(_word((term, *match.span(), others, spellings)))
    return terms


@lru_cache(maxsize=16)
def question_words(text: str, language: str) -> tuple[Word, ...]:
    """Search terms of a question, read once for all who look at it."""
    return tuple(words(text, language))


def names_only(text: str) -> list[Word]:
    """Capitalised stop words of a text, for a question that holds nothing else: "Will?"."""
    matches = token_pattern(True).finditer(text)
    return [Word(bare_name(m[0]), *m.span()) for m in matches if m[0][0].isupper() and len(m[0]) > 1]


def bare_name(word: str) -> str:
    """A name in small letters, without the ending of the possessive."""
    return POSSESSIVE_PATTERN.sub("", word.casefold())


def is_name(word: str, text: str, start: int, language: str = ENGLISH_STEMMER) -> bool:
    """Whether a capitalised stop word is written as a name: in capitals, or where no sentence begins."""
    bare = POSSESSIVE_PATTERN.sub("", word) if len(word) >= MIN_NAME_CHARS else ""
    if len(bare) < MIN_NAME_CHARS or not bare.isalpha() or text.isupper() or bare in words_of(language).stop:
        return False
    return bare.isupper() or not SENTENCE_START_PATTERN.search(text, max(0, start - MAX_OPENING_CHARS), start)


def _others(match: re.Match[str], language: str) -> list[Word]:
    """The terms of what is no word: a number, a time, a code, a run of a script without spaces."""
    start, end = match.span()
    kind, matched = str(match.lastgroup), match[0]
    if kind == "run":
        return _pairs(matched, start)
    if kind in ("groups", "code"):
        return _joined(match[kind], start, end, language)
    return [Word(term, start, end) for term in READERS_BY_GROUP[kind](composed(match[kind]))]


def _pairs(run: str, start: int) -> list[Word]:
    """Pairs of characters without stop words; where the letters weren't composed, each stands for the whole run."""
    letters = composed(run)
    pairs = [(letters[first:last], start + first, start + last) for first, last in pair_spans(letters)]
    if len(letters) != len(run):
        pairs = [(pair, start, start + len(run)) for pair, _, _ in pairs]
    return [Word(*pair, spellings=_plainer(pair[0])) for pair in pairs if pair[0] not in STOP_PAIRS]


def pair_spans(run: str) -> list[tuple[int, int]]:
    """Spans of each two characters that follow each other, with the marks on them; of a single one, its own."""
    spans = [match.span() for match in CLUSTER_PATTERN.finditer(run)]
    return [(first, last) for (first, _), (_, last) in zip(spans, spans[1:] or spans, strict=False)]


def _plainer(term: str) -> tuple[str, ...]:
    plain = without_marks(term)
    return () if plain == term else (plain,)


def _joined(phrase: str, start: int, end: int, language: str) -> list[Word]:
    """A code as a whole, and by its parts; what is too short for a code, by its parts alone."""
    whole = composed("".join(filter(str.isalnum, phrase))).casefold()
    parts = tuple(word.term for part in re.findall(r"\w+", phrase) for word in words(part, language))
    if len(whole) < MIN_CODE_CHARS:
        return [Word(term, start, end) for term in parts]
    tail = ((whole[-LOCAL_NUMBER_DIGITS:],),) if whole.isdigit() and len(whole) > LOCAL_NUMBER_DIGITS else ()
    return [Word(whole, start, end, (*tail, parts))]


def _date(phrase: str) -> list[str]:
    year, month, day = (int(number) for number in re.findall(r"\d+", phrase))
    return [str(day), stem(MONTH_NAMES[month - 1]), str(year)]


def _clock(phrase: str) -> list[str]:
    hours, minutes = int(re.split(r"\D", phrase)[0]), re.findall(r":(\d\d)", phrase)
    half = "".join(re.findall(r"[apm]", phrase.casefold()))
    if not half and (hours > 12 or hours == 0):
        half = "pm" if hours else "am"
    plain = f"{(hours - 1) % 12 + 1}" + "".join(f":{m}" for m in minutes if m != "00")
    return [plain, plain + half] if half else [plain]


def _number(phrase: str) -> list[str]:
    return [LEADING_ZEROS_PATTERN.sub("", phrase.replace(",", ""))]


def _month(phrase: str) -> list[str]:
    return [stem(next(month for month in MONTH_NAMES if month.startswith(phrase[:3].casefold())))]


def _compound(phrase: str) -> list[str]:
    return [NUMBER_WORDS[phrase.casefold().replace("-", " ")]]


READERS_BY_GROUP = {"date": _date, "clock": _clock, "number": _number, "month": _month, "compound": _compound}


@lru_cache(maxsize=CACHED_WORDS)
def _forms(word: str, language: str) -> tuple[str | None, tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """A word's term, None for a stop word; its parts, and its other spellings.

    A word of another language than English has the stem of English, too: where the question or the text is too short
    for its language to be told, both meet by that.
    """
    language = (None if word.isascii() else script_stemmer(word[:1])) or language
    bare = _bare(word, language)
    if bare is None:
        return None, (), ()
    if bare in NUMBER_WORDS:
        return NUMBER_WORDS[bare], (), ()
    parts = tuple(term for part in identifier_parts(composed(word)) if (term := _forms(part, language)[0]) is not None)
    head = bare.split("'")[0]
    plain = [without_marks(form) for form in (bare, head if len(head) >= MIN_HEAD_CHARS else bare)]
    spellings = dict.fromkeys(stem(form, language) for form in plain if form != bare)
    if language != ENGLISH_STEMMER:
        spellings |= dict.fromkeys(map(stem, plain))
        spellings.pop(stem(bare, language), None)
    return stem(bare, language), (parts,) if parts else (), tuple(spellings)


def _bare(word: str, language: str) -> str | None:
    """A word in small letters, without what an apostrophe parts from it; None for a stop word."""
    common = words_of(language)
    written = composed(word).replace("’", "'")
    low = (written.translate(TURKISH_CAPITALS) if language == "turkish" else written).casefold()
    first, _, rest = low.partition("'")
    if rest and first in common.elided:
        low = rest
    bare = POSSESSIVE_PATTERN.sub("", low)
    return bare if common.stop.isdisjoint((low, bare, written)) and bare else None


def has_words(text: str) -> bool:
    """True where there is a letter or a digit in the text."""
    return any(map(str.isalnum, text))


def asks(text: str) -> bool:
    """True where the text ends in a question mark."""
    return text.rstrip().endswith(QUESTION_MARKS)
