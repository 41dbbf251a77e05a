"""From what a person says of themselves to a sentence that stands alone: who, and when."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from memkit.text.dates import Prefer, first_span

SENTENCE = re.compile(r"[^.!?\n]+(?:\.(?=\d)[^.!?\n]+)*[.!?]*")
OPENING = re.compile(
    r"^(?:(?:oh|ah|hey|hi|hello|well|so|and|but|also|actually|honestly|anyways?|btw|by the way|guess what|yes|yeah"
    r"|yep|no|nope|haha\w*|lol|wow|thanks|thank you|okay|ok|sure|hmm+|um+|right|unfortunately|luckily|sadly|recently"
    r"|because|since then|then|you know|to be honest|good news|bad news|great|nice|sorry)\b[\s,:;!.\u2014-]*)+",
    re.IGNORECASE,
)
FUTURE = re.compile(
    r"\b(will|'ll|going to|gonna|next|tomorrow|plan|planning|visits|comes|arrives|flies|lands|starts|due"
    r"|(?:is|are|am) \w+ing|signed up|booked|registered|scheduled|set for)\b",
    re.IGNORECASE,
)
THIRD_PERSON = {
    "am": "is",
    "'m": "is",
    "have": "has",
    "'ve": "has",
    "'ll": "will",
    "do": "does",
    "don't": "doesn't",
    "'d": "would",
    "haven't": "hasn't",
}
SAME_FOR_ALL = frozenset(
    """
    was will would can can't cannot could couldn't must should shouldn't might may had did didn't won't wouldn't
    never
    """.split()
)
ADVERBS = frozenset(
    """
    just also still really already recently finally always usually actually currently now only even never often
    both
    """.split()
)
IRREGULAR_PAST = frozenset(
    """
    went got bought began broke brought built came chose did drove ate fell felt found forgot gave grew heard
    held kept knew left lost made met paid ran said saw sold sent spent stood swam taught told thought took
    understood woke won wore wrote flew became caught cut hurt put quit set shut let read had was were
    """.split()
)


def sentences(text: str) -> list[str]:
    """A text's sentences, without what only opens them ("oh", "haha yes,")."""
    found = (OPENING.sub("", match[0].strip()).strip() for match in SENTENCE.finditer(text.replace("’", "'")))
    return [sentence for sentence in found if sentence]


def third_person(sentence: str, speaker: str) -> str:
    """ "I moved ..." as "Ana moved ...", "my sister" as "Ana's sister"; the first mention by name."""
    own = f"{speaker}'" if speaker.endswith("s") else f"{speaker}'s"
    text = re.sub(r"\b[Ii]('m|'ve|'ll|'d)\b", lambda m: f"I {m[1]}", sentence)
    text = re.sub(r"\b(?:my|mine)\b", own, text, flags=re.IGNORECASE)
    text = re.sub(r"\b(?:me|myself)\b", speaker, text)
    text = re.sub(r"\bI ((?:\w+ly|" + "|".join(ADVERBS) + r") )?([\w']+)", lambda m: _conjugated(m, speaker), text)
    return text[0].upper() + text[1:] if text[:1].islower() and not text.startswith(speaker) else text


def _conjugated(match: re.Match[str], speaker: str) -> str:
    adverb, verb = match[1] or "", match[2]
    return f"{speaker} {adverb}{_verb(verb)}"


def _verb(verb: str) -> str:
    low = verb.casefold()
    if low in THIRD_PERSON:
        return THIRD_PERSON[low]
    if low in SAME_FOR_ALL or low in IRREGULAR_PAST or low.endswith("ed"):
        return verb
    if low.endswith(("s", "sh", "ch", "x", "z", "o")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if low.endswith("y") and low[-2:-1] not in "aeiou" else f"{verb}s"


def dated(sentence: str, at: datetime, zone: str) -> tuple[str, datetime | None]:
    """The sentence with a relative time made absolute, and the day that it names (if it names one)."""
    prefer: Prefer = "future" if FUTURE.search(sentence) else "past"
    span = first_span(sentence, at, zone, prefer=prefer)
    if span is None:
        return sentence, None
    shown = _shown(span.start, span.end, span.unit)
    if str(span.start.year) in span.words:
        return sentence, span.start
    end = span.at[1]
    return f"{sentence[:end]} ({shown}){sentence[end:]}", span.start.astimezone(ZoneInfo("UTC"))


def _shown(start: datetime, end: datetime, unit: str) -> str:
    if unit == "day":
        return f"{start.day} {start:%B %Y}"
    if unit == "year":
        return f"{start:%Y}"
    if unit == "month":
        return f"{start:%B %Y}"
    last = end - timedelta(days=1)
    return f"{start.day} {start:%B} to {last.day} {last:%B %Y}"
