"""Regular expressions of the times that English texts name."""

import re
from functools import cache

from memkit.text.hints import hint_words

MONTH_NAMES_PATTERN = "january|february|march|april|may|june|july|august|september|october|november|december"
SHORT_MONTHS_PATTERN = "feb|apr|jul|aug|sept|oct|nov|dec"  # abbreviations that are no other word
PLAIN_MONTH_PATTERN = rf"(?:(?:{MONTH_NAMES_PATTERN})\b|(?:{SHORT_MONTHS_PATTERN})\b\.?)"
# beside a day or a year, where "mar" is no name
MONTH_PATTERN = rf"(?:(?:{MONTH_NAMES_PATTERN})\b|(?:{SHORT_MONTHS_PATTERN}|jan|mar|jun|sep)\b\.?)"
YEAR_PATTERN = r"(?:(?:,? |,)\d{4}\b)"
DAY_PATTERN = (
    rf"(?:\d{{4}}-\d{{2}}-\d{{2}}\b|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH_PATTERN}{YEAR_PATTERN}?"
    rf"|{MONTH_PATTERN} \d{{1,2}}(?:st|nd|rd|th)?\b{YEAR_PATTERN}?)"
)
MONTH_AND_YEAR_PATTERN = rf"{MONTH_PATTERN}{YEAR_PATTERN}?"
POINT_PATTERN = rf"(?:{DAY_PATTERN}|{MONTH_AND_YEAR_PATTERN}|(?:19|20)\d{{2}}\b)"
DAY_NUMBER_PATTERN = rf"\d{{1,2}}(?:st|nd|rd|th)?\b{YEAR_PATTERN}?"
TO_PATTERN = "(?:and|to|until|till|through)"
WEEKDAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAY_PATTERN = rf"(?:{'|'.join(WEEKDAY_NAMES)})"
NUMBER_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COUNT_WORDS = {"a couple of": 2, "a few": 3, "a": 1, "an": 1, **{word: n for n, word in enumerate(NUMBER_NAMES, 1)}}
COUNT_PATTERN = rf"(?:\d{{1,4}}|{'|'.join(COUNT_WORDS)})"
DATED_PATTERN = rf"(?:,? (?:the )?{DAY_PATTERN})"  # after a weekday: "Saturday 9 August" is that day
UNIT_PATTERN = "(?:day|week|month|year)s?"
SEASON_MONTHS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}  # the month that each begins with
SEASON_PATTERN = rf"(?:{'|'.join(SEASON_MONTHS)})"
FURTHER_PATTERN = re.compile(  # times that are asked about, and seldom told
    rf"\b(?:the (?P<unit>week|month|year) (?P<side>before last|after next)"
    rf"|(?P<weekday>{WEEKDAY_PATTERN}) (?:of )?"
    r"(?P<week>(?:last|this|next) week|the week (?:before last|after next)))\b",
    re.IGNORECASE,
)
RANGE_PATTERN = re.compile(rf"^(?:between|from|since) (?:the )?(.+?) {TO_PATTERN} (?:the )?(.+)$")
OFFSET_PATTERN = re.compile(r"^(the|last|.+?) (\w+?)s? (before|prior to|after|following) (?:the )?(.+)$")
UNIT_WORDS = frozenset("hour day week weekend month year hours days weeks weekends months years".split())
TIME_WORDS = UNIT_WORDS.union(  # one of them, or a digit, is part of every name of a time
    WEEKDAY_NAMES,
    SEASON_MONTHS,
    MONTH_NAMES_PATTERN.split("|"),
    SHORT_MONTHS_PATTERN.split("|"),
    "jan mar jun sep night tonight today tomorrow yesterday morning".split(),
    "0123456789",
)


@cache
def time_pattern(*, small: bool = False) -> re.Pattern[str]:
    """The pattern of all of them, made when it is first needed: most texts name no time.

    `small`: for small letters alone, in a third of the time.
    """
    return re.compile(
        r"\b(?:"  # once for all of them
        rf"(?P<offset>(?:the|last|{COUNT_PATTERN}) (?:{UNIT_PATTERN}|weekend|{WEEKDAY_PATTERN})"
        rf" (?:before|prior to|after|following) (?:the )?{DAY_PATTERN})"
        rf"|(?P<week>week of (?:the )?{DAY_PATTERN})"
        rf"|(?P<range>(?:between|from|since) (?:the )?"
        rf"(?:{POINT_PATTERN} {TO_PATTERN} (?:the )?(?:{POINT_PATTERN}|{DAY_NUMBER_PATTERN})"
        rf"|{DAY_NUMBER_PATTERN} {TO_PATTERN} (?:the )?{DAY_PATTERN}))"
        rf"|(?P<day>{DAY_PATTERN})"
        rf"|(?P<part>(?:early|mid|late)[- ](?:in )?{MONTH_AND_YEAR_PATTERN}"
        rf"|(?:beginning|start|middle|end) of {MONTH_AND_YEAR_PATTERN})"
        rf"|(?P<month>(?:in|during|since|until|till|of|last|next|this) {PLAIN_MONTH_PATTERN}{YEAR_PATTERN}?"
        rf"|{MONTH_PATTERN}{YEAR_PATTERN})"
        rf"|(?P<season>(?:(?:last|next|this)|(?:in|during|over|since|for)(?: the)?) {SEASON_PATTERN}\b"
        r"(?:(?: of|,)? (?:19|20)\d{2}\b)?"
        rf"|{SEASON_PATTERN}(?: of|,)? (?:19|20)\d{{2}}\b)"
        rf"|(?P<recent>(?:(?:the )?(?:past|last) {COUNT_PATTERN} (?:hour|day|week|month|year)s?|(?:the )?past"
        r" (?:hour|day|week|month|year)))\b"
        r"|(?P<numeric>\d{1,2}(?:/\d{1,2}/(?:\d{4}|\d{2})|\.\d{1,2}\.\d{4})\b"
        r"|(?:(?<=on )|(?<=since )|(?<=until )|(?<=by )|(?<=from ))"
        r"\d{1,2}/\d{1,2}\b(?![/.]?\d))"
        rf"|(?P<ago>{COUNT_PATTERN} {UNIT_PATTERN} ago)\b"
        rf"|(?P<ahead>in {COUNT_PATTERN} {UNIT_PATTERN})\b"
        r"|(?P<near>the day (?:before yesterday|after tomorrow)|yesterday|today|tonight"
        r"|tomorrow|last night|this morning)\b"
        rf"|(?P<around>(?:last|this|next) (?:week|weekend|month|year)|(?:over|at|on|during) the weekend)\b"
        rf"|(?P<weekday>(?:on|last|next|this|since|until|till) {WEEKDAY_PATTERN})\b(?!{DATED_PATTERN})"
        r"|(?:in|during|since|of|until|till)(?: early| late| mid)? (?P<year>(?:19|20)\d{2})\b(?![-.,/:]?\d))",
        re.NOFLAG if small else re.IGNORECASE,
    )


def may_name_time(text: str) -> bool:
    """Whether a text holds a word of a time; most don't, and are read no further."""
    return not TIME_WORDS.isdisjoint(hint_words(text))


def count_of(words: str) -> int:
    """Number that "a few", "two" or "12" name; "the" is one."""
    return int(words) if words.isdecimal() else COUNT_WORDS.get(words, 1)
