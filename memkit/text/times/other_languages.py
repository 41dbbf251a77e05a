"""Times told in other languages than English, in the English words that mean the same.

The words are dateparser's: of each language its months, weekdays, units, and what is told relative to today. They are
met by their stems, so in other cases and genders, too. A language's words are loaded when the first text in it is read.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from memkit.text.terms.language import ENGLISH_STEMMER, CommonWords, common_words, language_of, words_of
from memkit.text.terms.tokens import MONTH_NAMES, stem
from memkit.text.times.patterns import WEEKDAY_NAMES

TOKEN_PATTERN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|\d+")
SCRIPT_LOCALES = (("[぀-ヿ]", "ja"), ("[一-鿿]", "zh"), ("[가-힣]", "ko"), ("[\u0e00-\u0e7f]", "th"))
LOCALE_CODES = {"no": "nb", "sr": "sr-Latn"}
UNIT_NAMES = ("day", "week", "month", "year")
STEP_NAMES = {"1 {} ago": "last", "in 1 {}": "next"}
NAMES_BY_PHRASE = {
    "0 day ago": "today",
    "1 day ago": "yesterday",
    "2 day ago": "the day before yesterday",
    "3 day ago": "3 days ago",
    "in 1 day": "tomorrow",
    "in 2 day": "the day after tomorrow",
    **{form.format(unit): f"{step} {unit}" for unit in UNIT_NAMES[1:] for form, step in STEP_NAMES.items()},
    **{f"0 {unit} ago": f"this {unit}" for unit in UNIT_NAMES[1:]},
}
COUNT_FORMS = {"\\1 {} ago": "{} {}s ago", "in \\1 {}": "in {} {}s"}
DATEPARSER_NUMBER = "(\\d++[.,]?\\d*+)"
SPACELESS_DATE = (
    r"(?:(?P<year>\d{4}) ?[年년] ?)?(?P<month>1[0-2]|0?[1-9]) ?[月월](?: ?(?P<day>[12]\d|3[01]|0?[1-9]) ?[日号일])?"
)
MIN_WORD_CHARS = 3  # of a name that isn't an abbreviation


class TimeWords(NamedTuple):
    """A language's words for times: stems of phrases, units, steps, months and weekdays, each with its English."""

    stemmer: str
    phrases: dict[tuple[str, ...], str]
    units: dict[str, str]
    steps: dict[str, str]
    months: dict[str, str]
    short_months: dict[str, str]  # abbreviations: beside the number of a day alone
    weekdays: dict[str, str]
    counted: re.Pattern[str]
    count_names: dict[str, str]  # group of `counted` -> form of the English phrase
    numbers: dict[str, str]


class ForeignTime(NamedTuple):
    """A time in English words, and where it is told in the text."""

    english: str
    start: int
    end: int


def times_in(text: str) -> Iterator[ForeignTime]:
    """The times that a text tells in its language, in order; none in English."""
    stemmer = language_of(text)
    code = next((code for code, words in common_words().items() if words.stemmer == stemmer), "en")
    if stemmer != ENGLISH_STEMMER:
        yield from _spaced(text, time_words(code))
    elif not text.isascii() and (locale := _script_locale(text)) is not None:
        yield from _spaceless(text, locale)


def _script_locale(text: str) -> str | None:
    return next((locale for letters, locale in SCRIPT_LOCALES if re.search(letters, text)), None)


def _info(locale: str) -> dict[str, Any]:
    from dateparser.languages.loader import default_loader

    info: dict[str, Any] = default_loader.get_locale(locale).info
    return info


@cache
def time_words(code: str) -> TimeWords:
    """The time words of a language by its code."""
    own, info = common_words()[code], _info(LOCALE_CODES.get(code, code))
    numbers = {word: value for form in info.get("simplifications") or () for word, value in form.items()}
    numbers = {word: value for word, value in numbers.items() if word.isalpha() and value.isdecimal()}
    numbers |= {word: str(number) for number, word in enumerate(own.numbers, 2)}
    units = {stem(word, own.stemmer): unit for unit in UNIT_NAMES[1:] for word in _spelt_out(info.get(unit))}
    phrases = list(_phrases(info, own.stop))
    counted, count_names = _counted(info, numbers)
    return TimeWords(
        own.stemmer,
        {tuple(stem(word, own.stemmer) for word in words): english for words, english in phrases},
        units,
        steps=_steps(phrases, own),
        months={stem(word, own.stemmer): name for name in MONTH_NAMES for word in _long(info.get(name))},
        short_months={word.casefold(): name for name in MONTH_NAMES for word in info.get(name, ())},
        weekdays={stem(word, own.stemmer): name for name in WEEKDAY_NAMES for word in _long(info.get(name))},
        counted=re.compile(rf"(?<!\w)(?:{counted})(?!\w)", re.IGNORECASE),
        count_names=count_names,
        numbers=numbers,
    )


def _spelt_out(names: list[str] | None) -> set[str]:
    return {name.casefold() for name in names or () if len(name) >= MIN_WORD_CHARS}


def _long(names: list[str] | None) -> list[str]:
    """Names in small letters without abbreviations of each other."""
    lows = _spelt_out(names)
    return [low for low in lows if not any(other != low and other.startswith(low) for other in lows)]


def _phrases(info: dict[str, Any], stop: frozenset[str]) -> Iterator[tuple[list[str], str]]:
    """The words of what is told relative to today, without abbreviations, and its English."""
    for key, english in NAMES_BY_PHRASE.items():
        for phrase in info.get("relative-type", {}).get(key, ()):
            words = TOKEN_PATTERN.findall(phrase.casefold())
            if all(len(word) >= MIN_WORD_CHARS or word in stop for word in words):
                yield words, english


def _steps(phrases: list[tuple[list[str], str]], common: CommonWords) -> dict[str, str]:
    """Stems of the words for "last" and "next": of those that are told of more than one unit."""
    longer = [(words, english) for words, english in phrases if len(words) > 1]
    told_of = {(stem(w, common.stemmer), english) for words, english in longer for w in words if w not in common.stop}
    steps = Counter((part, step) for part, name in told_of for step in STEP_NAMES.values() if name.startswith(step))
    return {part: step for (part, step), unit_count in steps.items() if unit_count > 1}


def _counted(info: dict[str, Any], numbers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """A regular expression of so many units ago or ahead, and the English form by its groups."""
    number = rf"(?:\d{{1,4}}|{'|'.join(sorted(map(re.escape, numbers), key=len, reverse=True)) or '(?!)'})"
    parts, names = list[str](), dict[str, str]()
    for unit in UNIT_NAMES:
        for key, english in COUNT_FORMS.items():
            forms = info.get("relative-type-regex", {}).get(key.format(unit), ())
            for form in sorted((form for form in forms if DATEPARSER_NUMBER in form), key=len, reverse=True):
                name = f"g{len(parts)}"
                parts.append(form.replace(DATEPARSER_NUMBER, f"(?P<{name}>{number})"))
                names[name] = english.replace("{}s", f"{unit}s")
    return "|".join(parts) or "(?!)", names


def _spaced(text: str, words: TimeWords) -> Iterator[ForeignTime]:
    """Times of a text in words with spaces between them."""
    counted = [_count(match, words) for match in words.counted.finditer(text)]
    tokens = [(match[0], *match.span()) for match in TOKEN_PATTERN.finditer(text)]
    stems = [stem(token.casefold(), words.stemmer) for token, _, _ in tokens]
    every, place = list(counted), 0
    while place < len(tokens):
        english, size = _read_at(place, [token for token, _, _ in tokens], stems, words)
        if english:
            every.append(ForeignTime(english, tokens[place][1], tokens[place + size - 1][2]))
        place += max(size, 1)
    yield from sorted(every, key=lambda time: (time.start, -time.end))


def _count(match: re.Match[str], words: TimeWords) -> ForeignTime:
    name = str(match.lastgroup)
    number = words.numbers.get(match[name].casefold(), match[name])
    return ForeignTime(words.count_names[name].format(number), *match.span())


def _read_at(place: int, tokens: list[str], stems: list[str], words: TimeWords) -> tuple[str, int]:
    """The English of the time that begins with a token, and how many tokens tell it; "" and 0 where none does."""
    for size in (4, 3, 2, 1):
        phrase = tuple(stems[place : place + size])
        if len(phrase) == size and phrase in words.phrases and not _is_noun(place, size, tokens, words):
            return words.phrases[phrase], size
    return _stepped(place, tokens, stems, words) or _dated(place, tokens, stems, words) or ("", 0)


def _is_noun(place: int, size: int, tokens: list[str], words: TimeWords) -> bool:
    """Whether one word is no time: "la mañana" is the morning, and so is "Morgen"."""
    before = tokens[place - 1].casefold() if place else ""
    is_named = place > 0 and tokens[place][0].isupper()
    is_after_article = words.phrases.get((stem(tokens[place].casefold(), words.stemmer),)) == "tomorrow" and (
        before in words_of(words.stemmer).stop
    )
    return size == 1 and (is_named or is_after_article)


def _stepped(place: int, tokens: list[str], stems: list[str], words: TimeWords) -> tuple[str, int] | None:
    """A unit or a weekday beside "last" or "next"."""
    stop = words_of(words.stemmer).stop
    for first, second in ((place, place + 1), (place + 1, place)):
        if max(first, second) >= len(stems) or tokens[first].casefold() in stop:
            continue
        if (step := words.steps.get(stems[first])) is not None:
            name = words.units.get(stems[second]) or words.weekdays.get(stems[second])
            if name is not None:
                return f"{step} {name}", 2
    return None


def _dated(place: int, tokens: list[str], stems: list[str], words: TimeWords) -> tuple[str, int] | None:
    """A day of a month; a month, a weekday or a year after a word that leads to it, or in another case."""
    stop = words_of(words.stemmer).stop
    if tokens[place].isdecimal() and len(tokens[place]) <= 2:
        return _day(place, tokens, stems, words)
    is_led = place > 0 and tokens[place - 1].casefold() in stop
    if (month := words.months.get(stems[place])) is not None:
        year, size = _year_after(place, tokens, stop)
        is_inflected = tokens[place].casefold() not in words.short_months
        return (f"{month} {year}", size) if year else ((f"in {month}", 1) if is_led or is_inflected else None)
    if is_led and (weekday := words.weekdays.get(stems[place])) is not None:
        return f"on {weekday}", 1
    return (f"in {tokens[place]}", 1) if is_led and re.fullmatch(r"(?:19|20)\d\d", tokens[place]) else None


def _day(place: int, tokens: list[str], stems: list[str], words: TimeWords) -> tuple[str, int] | None:
    stop = words_of(words.stemmer).stop
    at = place + 2 if place + 1 < len(tokens) and tokens[place + 1].casefold() in stop else place + 1
    if at >= len(tokens):
        return None
    month = words.months.get(stems[at]) or words.short_months.get(tokens[at].casefold())
    year, size = _year_after(at, tokens, stop)
    return (f"{int(tokens[place])} {month} {year}".strip(), at - place + size) if month else None


def _year_after(place: int, tokens: list[str], stop: frozenset[str]) -> tuple[str, int]:
    """The year that stands after a month, and how many tokens both are."""
    following = tokens[place + 1 : place + 3]
    if following and following[0].casefold() in stop:
        following = following[1:]
        size = 3
    else:
        size = 2
    return (following[0], size) if following and re.fullmatch(r"(?:19|20)\d\d", following[0]) else ("", 1)


@cache
def _spaceless_pattern(locale: str) -> tuple[re.Pattern[str], dict[str, str], dict[str, str]]:
    info = _info(locale)
    phrases = {word: english for key, english in NAMES_BY_PHRASE.items() for word in info["relative-type"].get(key, ())}
    names = [word for name in WEEKDAY_NAMES for word in _long(info.get(name)) or info.get(name, ()) if len(word) > 1]
    weekdays = {word: f"on {name}" for name in WEEKDAY_NAMES for word in info.get(name, ()) if word in names}
    phrases |= weekdays
    counted, count_names = _counted(info, {})
    listed = "|".join(map(re.escape, sorted(phrases, key=len, reverse=True)))
    pattern = re.compile(rf"(?P<phrase>{listed})|{SPACELESS_DATE}|{counted}")
    return pattern, phrases, count_names


def _spaceless(text: str, locale: str) -> Iterator[ForeignTime]:
    """Times of a text in a script without spaces."""
    pattern, phrases, count_names = _spaceless_pattern(locale)
    for match in pattern.finditer(text):
        if match["phrase"]:
            english = phrases[match["phrase"]]
        elif match["month"]:
            english = _date(match)
        else:
            english = next(form.format(match[name]) for name, form in count_names.items() if match[name])
        yield ForeignTime(english, *match.span())


def _date(match: re.Match[str]) -> str:
    month = MONTH_NAMES[int(match["month"]) - 1]
    named = f"{int(match['day'])} {month}" if match["day"] else month
    if match["year"]:
        return f"{named} {match['year']}"
    return named if match["day"] else f"in {month}"
