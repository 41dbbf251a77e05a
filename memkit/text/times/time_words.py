"""A language's words for times: dateparser's, and what its lists lack (`time_words.toml`), each with its English.

Words are met by their stems, so in other cases and genders, too; but only where they begin alike: an article that a
language writes before a word ("اليوم", today, the day) is no ending. A language is loaded when a text in it is read.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Any, NamedTuple

from memkit.text.terms.forms import without_marks
from memkit.text.terms.language import CommonWords, common_words, with_plain
from memkit.text.terms.tokens import LETTER_PATTERN, MONTH_NAMES, stem
from memkit.text.times.patterns import WEEKDAY_NAMES

TOKEN_PATTERN = re.compile(rf"{LETTER_PATTERN}+(?:-{LETTER_PATTERN}+)*|\d+")
LOCALE_CODES = {"no": "nb", "sr": "sr-Latn"}
OTHER_SCRIPTS = {"zh": ("zh", "zh-Hant")}  # locales of one language
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
COUNT_FORMS = {"\\1 {} ago": "{{}} {}s ago", "in \\1 {}": "in {{}} {}s"}
DATEPARSER_NUMBER = "(\\d++[.,]?\\d*+)"
COUNT_DIGITS = r"(?<!\d)\d{1,3}"
HAN_DIGITS = "一二三四五六七八九"
HAN_NUMBER = rf"(?<![{HAN_DIGITS}十])(?:[{HAN_DIGITS}两兩]?十)?[{HAN_DIGITS}两兩]|[{HAN_DIGITS}]?十"
MIN_WORD_CHARS = 3  # of a name that isn't an abbreviation

Numbers = dict[str, str]  # regular expression of a number's words -> its digits
CountForms = dict[str, str]  # group of a pattern -> English form


class TimeWords(NamedTuple):
    """Words for times of a language with spaces: keys of units, steps, months and weekdays, with their English."""

    stemmer: str
    phrases: dict[tuple[str, ...], str]  # by their words, and by the keys of these
    units: dict[str, str]
    steps: dict[str, str]
    months: dict[str, str]
    short_months: dict[str, str]  # abbreviations: beside the number of a day alone
    weekdays: dict[str, str]
    written_weekdays: dict[str, str]  # a day without a word that leads to it is one as it is written here alone
    counted: re.Pattern[str]
    count_forms: CountForms
    numbers: Numbers


class SpacelessWords(NamedTuple):
    """Words for times of a script without spaces, in one pattern; "" for those that are none."""

    pattern: re.Pattern[str]
    phrases: dict[str, str]  # written without spaces
    weekdays: dict[str, str]  # after a week, by what they leave of their names: "二" of "周二"
    count_forms: CountForms
    numbers: Numbers


class OwnWords(NamedTuple):
    """Words of a language from the file beside this program."""

    numbers: Numbers
    phrases: dict[str, str]  # -> English
    counted: dict[str, list[str]]  # English form -> forms with a number in them


@cache
def _own_words() -> dict[str, OwnWords]:
    listed = tomllib.loads((files("memkit.text.times") / "time_words.toml").read_text("utf-8"))
    return {locale: _own(words.get("numbers", ""), words["phrases"]) for locale, words in listed.items()}


def _own(numbers: str, phrases: Mapping[str, list[str]]) -> OwnWords:
    plain = {word: english for english, listed in phrases.items() if "{}" not in english for word in listed}
    counted = {
        english: [form.replace("{}", DATEPARSER_NUMBER) for form in forms]
        for english, forms in phrases.items()
        if "{}" in english
    }
    return OwnWords({form: str(number) for number, form in enumerate(numbers.split(), 1)}, plain, counted)


def _info(locale: str) -> dict[str, Any]:
    from dateparser.languages.loader import default_loader

    info: dict[str, Any] = default_loader.get_locale(locale).info
    return info


def word_key(word: str, stemmer: str) -> str:
    """The key that all forms of a word share: how they begin, and their stem."""
    return f"{without_marks(word[:2])} {stem(word, stemmer)}"


@cache
def time_words(code: str) -> TimeWords:
    """The time words of a language with spaces by its code."""
    common, locale = common_words()[code], LOCALE_CODES.get(code, code)
    info, own = _info(locale), _own_words().get(locale, _own("", {}))
    numbers = _numbers(info) | own.numbers
    listed = list(_phrases(info, common.stop))
    phrases = [*((TOKEN_PATTERN.findall(words.casefold()), english) for words, english in own.phrases.items()), *listed]
    counted, count_forms = _counted(_spaced_forms(info, own), _any_of([r"\d{1,4}", *map(_grouped, numbers)]))
    keyed = _Keys(common.stemmer)
    return TimeWords(
        common.stemmer,
        keyed.phrases(phrases),
        units=keyed.names({unit: _spelt_out(info.get(unit)) for unit in UNIT_NAMES[1:]}),
        steps=_steps(listed, common),
        months=keyed.names({name: _long(info.get(name)) for name in MONTH_NAMES}),
        short_months={word.casefold(): name for name in MONTH_NAMES for word in info.get(name, ())},
        weekdays=keyed.names({name: _long(info.get(name)) for name in WEEKDAY_NAMES}),
        written_weekdays={
            form: name for name in WEEKDAY_NAMES for form in with_plain(" ".join(_long(info.get(name)))) if form
        },
        counted=re.compile(rf"(?<!\w)(?:{counted})(?!\w)", re.IGNORECASE),
        count_forms=count_forms,
        numbers=numbers,
    )


class _Keys(NamedTuple):
    """Tables by the keys of words."""

    stemmer: str

    def names(self, listed: Mapping[str, Iterable[str]]) -> dict[str, str]:
        return {word_key(word, self.stemmer): name for name, words in listed.items() for word in words}

    def phrases(self, listed: Iterable[tuple[list[str], str]]) -> dict[tuple[str, ...], str]:
        """Phrases by their words, longer ones by keys, too; of two that are alike the first.

        One word has no other forms but that without accents: "morgens" isn't tomorrow. One with a hyphen may be two.
        """
        keyed = dict[tuple[str, ...], str]()
        for words, english in listed:
            for parts in (words, [part for word in words for part in word.split("-")]):
                form = without_marks if len(parts) == 1 else partial(word_key, stemmer=self.stemmer)
                keyed.setdefault(tuple(parts), english)
                keyed.setdefault(tuple(map(form, parts)), english)
        return keyed


def _numbers(info: Mapping[str, Any]) -> Numbers:
    """Regular expressions of the words for numbers, without what must stand beside them."""
    every = {form.split("(?=")[0]: value for each in info.get("simplifications") or () for form, value in each.items()}
    return {_grouped(form): value for form, value in every.items() if value.isdecimal() and "(?" not in form}


def _grouped(form: str) -> str:
    """A regular expression whose groups aren't kept."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", form)


def _any_of(forms: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(forms, key=len, reverse=True)) or '(?!)'})"


def number_of(words: str, numbers: Numbers) -> str:
    """The digits of a number in words, Chinese characters or digits."""
    values = (value for form, value in numbers.items() if re.fullmatch(form, words, re.IGNORECASE))
    return words if words.isdecimal() else next(values, None) or str(han_number(words))


def han_number(number: str) -> int:
    """Number of at most two digits that is written in Chinese characters, or in digits."""
    if number.isdecimal():
        return int(number)
    tens, ten, ones = number.replace("两", "二").replace("兩", "二").rpartition("十")
    return 10 * (HAN_DIGITS.index(tens) + 1 if tens else bool(ten)) + (HAN_DIGITS.index(ones) + 1 if ones else 0)


def _spelt_out(names: list[str] | None) -> set[str]:
    return {name.casefold() for name in names or () if len(name) >= MIN_WORD_CHARS}


def _long(names: list[str] | None) -> list[str]:
    """Names in small letters without abbreviations of each other."""
    lows = _spelt_out(names)
    return [low for low in lows if not any(other != low and other.startswith(low) for other in lows)]


def _phrases(info: Mapping[str, Any], stop: frozenset[str]) -> Iterator[tuple[list[str], str]]:
    """The words of what is told relative to today, without abbreviations, and its English."""
    for key, english in NAMES_BY_PHRASE.items():
        for phrase in info.get("relative-type", {}).get(key, ()):
            words = TOKEN_PATTERN.findall(phrase.casefold())
            if all(len(word) >= MIN_WORD_CHARS or word in stop for word in words):
                yield words, english


def _steps(phrases: list[tuple[list[str], str]], common: CommonWords) -> dict[str, str]:
    """Keys of the words for "last" and "next": of those that are told of more than one unit."""
    longer = [(words, english) for words, english in phrases if len(words) > 1]
    told_of = {
        (word_key(word, common.stemmer), english)
        for words, english in longer
        for word in words
        if word not in common.stop
    }
    steps = Counter((part, step) for part, name in told_of for step in STEP_NAMES.values() if name.startswith(step))
    return {part: step for (part, step), unit_count in steps.items() if unit_count > 1}


def _count_forms(info: Mapping[str, Any], own: OwnWords) -> Iterator[tuple[str, str, list[list[str]]]]:
    """Each unit, the English of so many of it, and what stands around the number in the language's forms."""
    for unit in UNIT_NAMES:
        for key, form in COUNT_FORMS.items():
            english = form.format(unit)
            forms = [*info.get("relative-type-regex", {}).get(key.format(unit), ()), *own.counted.get(english, ())]
            yield unit, english, [form.split(DATEPARSER_NUMBER) for form in forms if DATEPARSER_NUMBER in form]


def _spaced_forms(info: Mapping[str, Any], own: OwnWords) -> Iterator[tuple[str, str]]:
    """Forms of so many units, {} for the number, each with its English: every word for the unit in every form."""
    for unit, english, forms in _count_forms(info, own):
        parts = [(before, *_unit_and_rest(after, info.get(unit))) for before, after in forms]
        words = {word.casefold() for word in (*(info.get(unit) or ()), *(word for _, word, _ in parts))}
        for before, own_word, rest in dict.fromkeys(parts):
            alike = words if before.strip() or rest else {own_word}
            yield f"{before}{{}} {_any_of(map(re.escape, alike))}{rest}", english


def _unit_and_rest(after: str, names: list[str] | None) -> tuple[str, str]:
    """The words after a number, parted behind its unit: "дня" and " назад", "de zile" and ""."""
    tokens = after.split()
    size = next((n for n, token in enumerate(tokens, 1) if token in (names or ())), 1)
    return " ".join(tokens[:size]), "".join(f" {token}" for token in tokens[size:])


def _counted(forms: Iterable[tuple[str, str]], number: str) -> tuple[str, CountForms]:
    """A regular expression of so many units ago or ahead, and the English form by its groups."""
    listed = sorted(dict(forms).items(), key=lambda form: len(form[0]), reverse=True)
    parts = [form.replace("{}", f"(?P<g{place}>{number})") for place, (form, _) in enumerate(listed)]
    return "|".join(parts) or "(?!)", {f"g{place}": english for place, (_, english) in enumerate(listed)}


@cache
def spaceless_words(locale: str) -> SpacelessWords:
    """The time words of a script without spaces."""
    infos, own = [_info(name) for name in OTHER_SCRIPTS.get(locale, (locale,))], _own_words()[locale]
    phrases = {
        word: english
        for info in infos
        for key, english in NAMES_BY_PHRASE.items()
        for word in info["relative-type"].get(key, ())
    } | own.phrases
    weekdays = {word: name for info in infos for name in WEEKDAY_NAMES for word in _spaceless_names(info, name)}
    after_week = weekdays | {
        word.removeprefix(week): name for word, name in weekdays.items() for week in _weeks(infos, word)
    }
    forms = {
        re.sub(r"\\? ", " ?", f"{before}{{}} {after}"): english
        for info in infos
        for _, english, parts in _count_forms(info, own)
        for before, after in parts
    }
    numbers = COUNT_DIGITS if locale in ("ko", "th") else f"{COUNT_DIGITS}|{HAN_NUMBER}"
    counted, count_forms = _counted(forms.items(), f"(?:{'|'.join([numbers, *own.numbers])})")
    none = _any_of(re.escape(word) for word, english in phrases.items() if not english)
    weeks = [word for word, english in phrases.items() if "week" in english.split()]
    of_week = rf"(?P<week>{_listed(weeks)})(?:の|的| )?(?!{none})(?P<weekday>{_listed(after_week)})"
    phrases |= {word: f"on {name}" for word, name in weekdays.items() if word not in phrases}
    pattern = re.compile(f"{counted}|{of_week}|(?P<phrase>{_listed(phrases)})|{_spaceless_date()}")
    unspaced = {word.replace(" ", ""): english for word, english in phrases.items()}
    return SpacelessWords(pattern, unspaced, after_week, count_forms, own.numbers)


def _listed(words: Iterable[str]) -> str:
    """Words as alternatives, with or without their spaces."""
    return _any_of(re.escape(word).replace("\\ ", " ?") for word in words)


def _spaceless_names(info: Mapping[str, Any], name: str) -> list[str]:
    return [word for word in _long(info.get(name)) or info.get(name, ()) if len(word) > 1]


def _weeks(infos: Iterable[Mapping[str, Any]], weekday: str) -> list[str]:
    """The words for a week that a weekday begins with: "周" of "周二"."""
    return [week for info in infos for week in info.get("week", ()) if weekday.startswith(week)]


def _spaceless_date() -> str:
    month = rf"(?<![\d{HAN_DIGITS}十])(?P<month>1[0-2]|0?[1-9]|十[一二]?|[{HAN_DIGITS}])"
    day = rf"(?P<day>[12]\d|3[01]|0?[1-9]|[一二三]?十[{HAN_DIGITS}]?|[{HAN_DIGITS}])"
    return rf"(?:(?P<year>\d{{4}}) ?[年년] ?)?{month} ?[月월](?: ?{day} ?[日号號일])?"
