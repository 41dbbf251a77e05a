"""Tenses of English clauses: whether a time that one names is past or still to come when it is said."""

import re
from typing import Literal

Tense = Literal["past", "future"]

PAST_VERBS = """
was were wasn't weren't did didn't had hadn't ate became began bought broke brought built came caught chose
couldn't drank drew drove fell felt fought found flew forgot gave got grew heard held hid hurt kept knew learnt
left lent lost made meant met paid ran rang rode rose said sang sat saw sent shook shot slept sold spent spoke
stood swam taught thought threw told took understood went woke won wore wrote been done gone seen
""".split()
NO_PAST = (
    "need|feed|speed|breed|bleed|seed|indeed|hundred|embed|exceed|succeed|proceed|naked|sacred|wicked|kindred|shared"
)
PRESENT_FORMS = ("am", "is", "are", "be", "get", "gets", "being")  # before a participle, they make no past of it
NOT_PRESENT = "".join(rf"(?<!\b{form} )" for form in PRESENT_FORMS)
PAST_PATTERN = re.compile(
    rf"\b(?:{'|'.join(PAST_VERBS)})\b"
    rf"|{NOT_PRESENT}(?<!['’]m )(?<!['’]re )(?<!['’]s )"
    rf"\b(?!(?:{NO_PAST})\b)[a-z]{{2,}}ed\b",
    re.IGNORECASE,
)
FUTURE_PATTERN = re.compile(
    r"\bwill\b|['’]ll\b|\bwon['’]t\b|\bshall\b|(?<!\bwas )(?<!\bwere )\bgoing to\b|\bgonna\b|\bneeds? to\b"
    r"|\bha(?:ve|s) to\b|\bmust\b|\bshould\b|\blet['’]s\b"
    r"|\bplan(?:s|ning)? (?:to|on|for)\b|\bhop(?:e|ing) to\b|\babout to\b|\bupcoming\b"
    r"|\bremind me\b|\bdon['’]t (?:let me )?forget\b|\bdue\b|\bdeadline\b|\blooking forward\b|\bcan['’]t wait\b"
    r"|(?:\b(?:am|is|are)|['’](?:m|re|s)) (?:\w+ )?\w{2,}ing\b|\btomorrow\b|\bnext (?!to\b|door)\w",
    re.IGNORECASE,
)
ARRANGED_PATTERN = re.compile(
    r"\b(?:booked|scheduled|planned|arranged|reserved|promised|agreed|decided|invited|registered|signed up|tickets|set"
    r"|moved|postponed|rescheduled|pushed|changed|brought forward|put off|delayed|made an appointment|appointment)\b",
    re.IGNORECASE,
)
LEADING_PATTERN = re.compile(r"\b(?:for|to|until|till)(?: the)? $", re.IGNORECASE)
PURPOSE_PATTERN = re.compile(r"\bto (?!the\b|my\b|a\b)[a-z]+", re.IGNORECASE)


def tense_of(clause: str, place: int) -> Tense:
    """The tense of a clause at the time that begins at `place`; without a verb that says so it is to come.

    What was arranged for a time lies ahead of it: "I booked a table for Friday", "I promised to call on Sunday".
    """
    before = clause[:place]
    arranged = ARRANGED_PATTERN.search(before)
    if arranged and (LEADING_PATTERN.search(before) or PURPOSE_PATTERN.search(before, arranged.end())):
        return "future"
    if FUTURE_PATTERN.search(clause):
        return "future"
    return "past" if PAST_PATTERN.search(clause) else "future"
