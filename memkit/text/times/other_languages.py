"""Times told in other languages than English, in the English words that mean the same."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from memkit.text.terms.language import common_words, language_of, tied_languages, words_of
from memkit.text.terms.tokens import MONTH_NAMES
from memkit.text.times.time_words import (
    TOKEN_PATTERN,
    SpacelessWords,
    TimeWords,
    han_number,
    number_of,
    spaceless_words,
    time_words,
    word_key,
)

SCRIPT_LOCALES = (("[぀-ヿ]", "ja"), ("[一-鿿]", "zh"), ("[가-힣]", "ko"), ("[\u0e00-\u0e7f]", "th"))
CAPITAL_WEEKDAYS = frozenset({"german", "greek", "indonesian"})  # languages that write them so
MAX_PHRASE_WORDS = 5


class ForeignTime(NamedTuple):
    """A time in English words, where it is told in the text, and the stemmer of its language, if that has one."""

    english: str
    start: int
    end: int
    language: str | None = None


def times_in(text: str) -> Iterator[ForeignTime]:
    """The times that a text tells in its language, in order; none in English."""
    yield from next(filter(None, map(list, _readings(text))), [])


def _readings(text: str) -> Iterator[Iterator[ForeignTime]]:
    """Times of a text in each language that it may be in, the likeliest first."""
    stemmers = dict.fromkeys([language_of(text), *tied_languages(text)])
    for code in (code for stemmer in stemmers for code in _foreign_codes().get(stemmer, ())):
        yield spaced_times(text, time_words(code))
    if not text.isascii() and (locale := script_locale(text)) is not None:
        yield spaceless_times(text, locale)


@cache
def _foreign_codes() -> dict[str, tuple[str, ...]]:
    """The codes of the languages but English of each stemmer."""
    by_code = {code: words.stemmer for code, words in common_words().items() if code != "en"}
    return {stemmer: tuple(code for code in by_code if by_code[code] == stemmer) for stemmer in by_code.values()}


def script_locale(text: str) -> str | None:
    """The language of a text in a script without spaces; None in others."""
    return next((locale for letters, locale in SCRIPT_LOCALES if re.search(letters, text)), None)


def spaced_times(text: str, words: TimeWords) -> Iterator[ForeignTime]:
    """Times of a text in words with spaces between them."""
    counted = [_count(match, words) for match in words.counted.finditer(text)]
    tokens = [(match[0], *match.span()) for match in TOKEN_PATTERN.finditer(text)]
    written = [token for token, _, _ in tokens]
    keys = [word_key(token.casefold(), words.stemmer) for token in written]
    every, place = list(counted), 0
    while place < len(tokens):
        english, size = _read_at(place, written, keys, words)
        if english:
            every.append(ForeignTime(english, tokens[place][1], tokens[place + size - 1][2], words.stemmer))
        place += max(size, 1)
    yield from _with_weeks(text, sorted(every, key=lambda time: (time.start, -time.end)), words)


def _with_weeks(text: str, times: list[ForeignTime], words: TimeWords) -> Iterator[ForeignTime]:
    """The times, a weekday and the week beside it as one: "el martes de la semana pasada"."""
    rest = _apart(times)
    while rest:
        time = rest.pop(0)
        named = _weekday_of_week(time.english, rest[0].english) if rest else None
        if named is not None and _are_joined(text[time.end : rest[0].start], words):
            time = time._replace(english=named, end=rest.pop(0).end)
        yield time


def _apart(times: list[ForeignTime]) -> list[ForeignTime]:
    """The times without those that lie in the one before: "недели назад" in "две недели назад"."""
    return [time for place, time in enumerate(times) if all(time.start >= before.end for before in times[:place])]


def _weekday_of_week(first: str, second: str) -> str | None:
    for day, week in ((first, second), (second, first)):
        if day.startswith("on ") and "week" in week.split() and not week.endswith("ago"):
            return f"{day.removeprefix('on ')} of {week}"
    return None


def _are_joined(between: str, words: TimeWords) -> bool:
    """Whether nothing but words without content stands between two times."""
    return all(token.casefold() in words_of(words.stemmer).stop for token in TOKEN_PATTERN.findall(between))


def _count(match: re.Match[str], words: TimeWords) -> ForeignTime:
    name = str(match.lastgroup)
    english = words.count_forms[name].format(number_of(match[name], words.numbers))
    return ForeignTime(english, *match.span(), words.stemmer)


def _read_at(place: int, tokens: list[str], keys: list[str], words: TimeWords) -> tuple[str, int]:
    """The English of the time that begins with a token, and how many tokens tell it; "" and 0 where none does."""
    for size in range(min(MAX_PHRASE_WORDS, len(tokens) - place), 0, -1):
        written = tuple(token.casefold() for token in tokens[place : place + size])
        phrase = written if written in words.phrases else tuple(keys[place : place + size])
        if phrase in words.phrases and not (size == 1 and _is_noun(place, words.phrases[phrase], tokens, words)):
            return words.phrases[phrase], size
    return _stepped(place, tokens, keys, words) or _dated(place, tokens, keys, words) or ("", 0)


def _is_noun(place: int, english: str, tokens: list[str], words: TimeWords) -> bool:
    """Whether one word is no time: "la mañana" is the morning, and so is "Morgen"."""
    is_named = place > 0 and tokens[place][0].isupper()
    is_led = place > 0 and tokens[place - 1].casefold() in words_of(words.stemmer).stop
    return is_named or (is_led and english == "tomorrow")


def _stepped(place: int, tokens: list[str], keys: list[str], words: TimeWords) -> tuple[str, int] | None:
    """A unit or a weekday beside "last" or "next"."""
    stop = words_of(words.stemmer).stop
    for first, second in ((place, place + 1), (place + 1, place)):
        if max(first, second) >= len(keys) or tokens[first].casefold() in stop:
            continue
        if (step := words.steps.get(keys[first])) is not None:
            name = words.units.get(keys[second]) or words.weekdays.get(keys[second])
            if name is not None:
                return f"{step} {name}", 2
    return None


def _dated(place: int, tokens: list[str], keys: list[str], words: TimeWords) -> tuple[str, int] | None:
    """A day of a month; a month, a weekday or a year after a word that leads to it, or in another case."""
    stop = words_of(words.stemmer).stop
    if tokens[place].isdecimal() and len(tokens[place]) <= 2:
        return _day(place, tokens, keys, words)
    is_led = place > 0 and tokens[place - 1].casefold() in stop
    if (month := words.months.get(keys[place])) is not None:
        year, size = _year_after(place, tokens, stop)
        if not year and tokens[place + 1 : place + 2] and re.fullmatch(r"\d{3,}", tokens[place + 1]):
            return None  # a year that no memory is of
        is_inflected = tokens[place].casefold() not in words.short_months
        return (f"{month} {year}", size) if year else ((f"in {month}", 1) if is_led or is_inflected else None)
    weekday = None if keys[place] in words.units else words.weekdays.get(keys[place])
    if weekday is not None and (is_led or _is_plain_weekday(place, tokens, keys, words)):
        return f"on {weekday}", 1
    return (f"in {tokens[place]}", 1) if is_led and re.fullmatch(r"(?:19|20)\d\d", tokens[place]) else None


def _is_plain_weekday(place: int, tokens: list[str], keys: list[str], words: TimeWords) -> bool:
    """Whether a token is a weekday's name as its language writes it: "mardi", "Dienstag", but not "Frau Sonntag"."""
    is_capital = tokens[place][0].isupper()
    follows_name = place > 0 and tokens[place - 1][0].isupper() and keys[place - 1] not in words.units
    has_capital = words.stemmer in CAPITAL_WEEKDAYS
    is_usual = (is_capital and not follows_name) if has_capital else (place == 0 or not is_capital)
    return is_usual and tokens[place].casefold() in words.written_weekdays


def _day(place: int, tokens: list[str], keys: list[str], words: TimeWords) -> tuple[str, int] | None:
    stop = words_of(words.stemmer).stop
    at = place + 2 if place + 1 < len(tokens) and tokens[place + 1].casefold() in stop else place + 1
    if at >= len(tokens):
        return None
    month = words.months.get(keys[at]) or words.short_months.get(tokens[at].casefold())
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


def spaceless_times(text: str, locale: str) -> Iterator[ForeignTime]:
    """Times of a text in a script without spaces."""
    words = spaceless_words(locale)
    for match in words.pattern.finditer(text):
        if english := _spaceless_english(match, words):
            yield ForeignTime(english, *match.span())


def _spaceless_english(match: re.Match[str], words: SpacelessWords) -> str:
    if match["weekday"]:
        return f"{words.weekdays[match['weekday']]} of {words.phrases[_unspaced(match['week'])]}"
    if match["phrase"]:
        return words.phrases[_unspaced(match["phrase"])]
    if match["month"]:
        return _date(match)
    name = next(name for name in words.count_forms if match[name])
    return words.count_forms[name].format(number_of(match[name], words.numbers))


def _unspaced(phrase: str) -> str:
    return phrase.replace(" ", "")


def _date(match: re.Match[str]) -> str:
    month = MONTH_NAMES[han_number(match["month"]) - 1]
    named = f"{han_number(match['day'])} {month}" if match["day"] else month
    if match["year"]:
        return f"{named} {match['year']}"
    return named if match["day"] else f"in {month}"
