"""Requests to forget, told from a turn's words; "don't forget the milk" is none.

A request that corrects ("forget that the code is 12, it's 34 now") asks for no erasure: it says what holds instead.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

from memkit.text.forgetting.rules import ForgettingRules, forgetting_rules
from memkit.text.parts import SENTENCE_END_PATTERN
from memkit.text.pasted.spans import own_words
from memkit.text.terms.tokens import Word, words

QUOTED_PATTERN = re.compile(r"\"[^\"]*\"|“[^”]*”")
EDGE_CHARS = " \t\n.,;:!?¿¡…–—-"

Scope = Literal["topic", "last", "everything"]


class AskedTopic(NamedTuple):
    """A topic that a person asks to have forgotten.

    scope: a topic, what was said just before, or everything about the speaker
    topic: in the speaker's words; `terms` are its search terms, `keys` those of the relations that it means
    is_own: it is the speaker's ("my number"); of what they say of others only what names these belongs to it
    instead: the sentence that holds in its place, where the request is a correction
    language: whose rules read it
    """

    scope: Scope
    topic: str = ""
    terms: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    is_own: bool = False
    instead: str = ""
    language: str = ""


class ReadSentence(NamedTuple):
    """A sentence of a turn, and the request that it makes, if it does."""

    text: str
    asked: AskedTopic | None


def asked_topics(text: str) -> list[AskedTopic]:
    """Topics that a turn asks to have forgotten, in order; corrections are no such requests."""
    topics = (sentence.asked for sentence in _sentences(text))
    return [asked for asked in topics if asked is not None and not asked.instead]


def corrected_topics(text: str) -> list[AskedTopic]:
    """Facts that a turn asks to have forgotten because others hold instead, in order."""
    topics = (sentence.asked for sentence in _sentences(text))
    return [asked for asked in topics if asked is not None and asked.instead]


def without_requests(text: str) -> str:
    """A turn's text without what it asks to have forgotten; of a correction, what holds instead."""
    sentences = list(_sentences(text))
    if all(sentence.asked is None for sentence in sentences):
        return text
    parts = (sentence.text if sentence.asked is None else sentence.asked.instead for sentence in sentences)
    return " ".join(part for part in parts if part)


def only_asks_to_forget(text: str) -> bool:
    """Whether a turn tells nothing but that something is to be forgotten."""
    return bool(asked_topics(text)) and not words(without_requests(text))


def may_ask(text: str) -> bool:
    """Whether a text holds any of the verbs; most don't, and are read no further."""
    plain = text.casefold()
    return any(map(plain.__contains__, _verbs()))


@cache
def _verbs() -> tuple[str, ...]:
    return tuple(dict.fromkeys(verb for rules in forgetting_rules() for verb in rules.file["verbs"]))


def _sentences(text: str) -> Iterator[ReadSentence]:
    """A text's sentences; one that only says what holds instead belongs to the one before. Pasted ones ask nothing."""
    if not may_ask(text):
        return
    own = own_words(text)
    parts = [part.strip() for part in SENTENCE_END_PATTERN.split(text) if part.strip()]
    while parts:
        sentence = parts.pop(0)
        asked = read_request(sentence) if sentence in own else None
        instead = _value_instead(asked, parts[0]) if asked is not None and parts else ""
        if asked is not None and instead:
            sentence, asked = f"{sentence} {parts.pop(0)}", asked._replace(instead=instead)
        yield ReadSentence(sentence, asked)


def read_request(sentence: str) -> AskedTopic | None:
    """The request that a sentence makes, if it does."""
    bare = QUOTED_PATTERN.sub(" … ", sentence.replace("’", "'")).strip(EDGE_CHARS)
    for rules in forgetting_rules():
        for form, is_sure in rules.sentences:
            match = form.fullmatch(bare)
            asked = _asked(match["rest"], rules, is_sure=is_sure, polite=bool(match["polite"])) if match else None
            if asked is not None:
                return asked
    return None


def _asked(rest: str, rules: ForgettingRules, *, is_sure: bool, polite: bool) -> AskedTopic | None:
    """The topic that the rest of a request names. `is_sure`: its verb alone means the memory."""
    forms = rules.patterns
    rest, memory_count = forms["memory"].subn("", rest)
    rest = forms["closing"].sub("", rest.strip(EDGE_CHARS)).strip(EDGE_CHARS)
    is_sure = is_sure or memory_count > 0
    if not rest or forms["idioms"].fullmatch(rest):
        return None
    changed = forms["instead"].search(rest)
    named = rest if changed is None else rest[: changed.start()].strip(EDGE_CHARS)
    claim = forms["claim"].fullmatch(named) if is_sure else None
    asked = _topic(claim["claim"], rules) if claim else _named(named, rules, is_sure=is_sure, polite=polite)
    if asked is None or changed is None:
        return asked
    return asked._replace(instead=_instead(asked.topic, changed["new"], rules))


def _named(rest: str, rules: ForgettingRules, *, is_sure: bool, polite: bool) -> AskedTopic | None:
    forms = rules.patterns
    if is_sure and forms["last"].fullmatch(rest):
        return AskedTopic("last", language=rules.code)
    if forms["everything"].fullmatch(rest):
        tells = is_sure or forms["ours"].search(rest) is not None
        return AskedTopic("everything", language=rules.code) if tells else None
    about, own = forms["about"].fullmatch(rest), forms["own"].fullmatch(rest)
    if about is not None:
        elsewhere = None if is_sure else forms["elsewhere"].search(about["topic"])
        return None if elsewhere else _topic(about["topic"], rules)
    if own is not None and (is_sure or forms["personal"].fullmatch(own["topic"])):
        return _topic(own["topic"], rules)
    plain = forms["asked"].fullmatch(rest) or (forms["bare"].fullmatch(rest) if polite else None)
    return _topic(rest, rules, plain.groupdict().get("question", "")) if is_sure and plain else None


def _topic(topic: str, rules: ForgettingRules, question: str = "") -> AskedTopic:
    """A topic; the words that it asks with (`question`) are none of its terms."""
    ours = rules.patterns["ours"]
    terms = frozenset(word.term for word in topic_words(topic.removeprefix(question), rules.code))
    keys = frozenset(key for form, means in rules.keys if form.fullmatch(topic) for key in means)
    return AskedTopic("topic", topic, terms, keys, is_own=bool(ours.search(topic)), language=rules.code)


def _value_instead(asked: AskedTopic, following: str) -> str:
    """The sentence that holds instead, where the next one says only a value: "It's 34 now."."""
    rules = _rules_of(asked.language)
    is_value = asked.topic and rules.patterns["value"].fullmatch(following.strip(EDGE_CHARS))
    return _instead(asked.topic, following, rules) if is_value and rules.patterns["joints"].search(asked.topic) else ""


def _instead(fact: str, new: str, rules: ForgettingRules) -> str:
    """The sentence that holds in the place of a fact: the fact with its new value, or what was said instead."""
    sentence = new.strip(EDGE_CHARS)
    value, joints = rules.patterns["value"].fullmatch(sentence), [*rules.patterns["joints"].finditer(fact)]
    if value is not None and joints:
        sentence = f"{fact[: joints[-1].end()]} {value['value'].removeprefix(f'{joints[-1][0]} ')}"
    return f"{sentence[:1].upper()}{sentence[1:]}."


class ValueParts(NamedTuple):
    """A corrected fact: what it is about, the word that joins its value, and the value before and now."""

    subject: str
    joint: str
    old: str
    new: str


def value_parts(asked: AskedTopic) -> ValueParts | None:
    """The parts of a correction that only changes a value; None for others."""
    joints = [*_rules_of(asked.language).patterns["joints"].finditer(asked.topic)]
    before = asked.topic[: joints[-1].end()] if joints else ""
    if not before or not asked.instead.casefold().startswith(before.casefold()):
        return None
    subject, old = asked.topic[: joints[-1].start()].strip(), asked.topic[joints[-1].end() :].strip(EDGE_CHARS)
    return ValueParts(subject, joints[-1][0], old, asked.instead[len(before) :].strip(EDGE_CHARS))


def speaks_of_self(sentence: str, language: str) -> bool:
    """Whether somebody speaks of themselves in a sentence, by the words of a language."""
    return _rules_of(language).patterns["ours"].search(sentence) is not None


def stands_by_self(sentence: str, start: int, language: str) -> bool:
    """Whether the word that starts there is the speaker's: "my age", "I now live", "vivo"."""
    patterns = _rules_of(language).patterns
    return bool(patterns["beside"].search(sentence, 0, start) or patterns["ours"].match(sentence, start))


def topic_words(text: str, language: str) -> list[Word]:
    """Search terms of a text in order, as those of a topic are made in its language."""
    return words(text, _rules_of(language).stemmer)


def _rules_of(language: str) -> ForgettingRules:
    return next(rules for rules in forgetting_rules() if rules.code == language)
