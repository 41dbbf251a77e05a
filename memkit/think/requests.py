"""Requests to forget: what each reaches of what was said and thought. Pure.

A request reaches only what its speaker said or what is about them.
"""

import re
from collections.abc import Iterable, Iterator

from memkit.models import Memory
from memkit.text.forgetting.requests import AskedTopic, speaks_of_self, stands_by_self, topic_words
from memkit.text.parts import SENTENCE_END_PATTERN
from memkit.text.terms.forms import is_same_name
from memkit.think.extractive.coreference import NAME_FIELD
from memkit.think.extractive.relation_names import meanings_of

ASKED_REASON = "asked to be forgotten"
ASKING_PATTERN = re.compile(
    r"\b(?:ask\w*|request\w*|forget\w*|wish\w*|privacy|bat\w*|bitte\w*|vergess\w*)\b", re.IGNORECASE
)
MIN_TELLING_DIGITS = 4  # of a number that nobody says by chance
NUMBER_PATTERN = re.compile(r"\+?\d[\d\s./()-]*\d")


def belongs_to(thought: Memory, speaker: str) -> bool:
    """Whether a thought is of what somebody said, or about them."""
    return is_same_name(thought.speaker, speaker) or is_same_name(thought.head, speaker)


def reaches_thought(asked: AskedTopic, speaker: str, thought: Memory) -> bool:
    """Whether a thought is about what somebody asks to have forgotten."""
    if asked.scope == "last" or not belongs_to(thought, speaker):
        return False
    if asked.scope == "everything":
        return True
    is_self = is_same_name(thought.head, speaker)
    if is_self and asked.keys.intersection(meaning.key for meaning in meanings_of(thought.relation)):
        return True
    terms = _terms(f"{thought.text} {thought.head or ''} {thought.metadata.get(NAME_FIELD) or ''}", asked)
    if not asked.terms or not asked.terms <= terms:
        return False
    others = _terms(thought.head or "", asked) - _terms(speaker, asked)
    return is_self or not asked.is_own or not others or not others.isdisjoint(asked.terms)


def reached_sentences(asked: AskedTopic, text: str, *, own: bool) -> Iterator[str]:
    """Sentences of a turn that tell of what is to be forgotten. `own`: the one who asks said it."""
    for sentence in SENTENCE_END_PATTERN.split(text.replace("’", "'")):
        if asked.terms and asked.terms <= _terms(sentence, asked) and _is_meant(asked, sentence, own=own):
            yield sentence


def _is_meant(asked: AskedTopic, sentence: str, *, own: bool) -> bool:
    """Whether a sentence with the topic's words means it: a single word of a known relation may mean anything."""
    if asked.keys and len(asked.terms) < 2:
        starts = [word.start for word in topic_words(sentence, asked.language) if word.term in asked.terms]
        return not own or any(stands_by_self(sentence, start, asked.language) for start in starts)
    return not own or not asked.is_own or speaks_of_self(sentence, asked.language)


def people_named(asked: AskedTopic, thoughts: Iterable[Memory]) -> Iterator[AskedTopic]:
    """Topics that mean the same people by their names, as thoughts about them tell: "my ex", Tom."""
    for thought in thoughts:
        name = str(thought.metadata.get(NAME_FIELD) or "")
        if name and asked.terms and asked.terms <= _terms(thought.head or "", asked):
            yield AskedTopic("topic", name, frozenset(_terms(name, asked)), language=asked.language)


def telling_numbers(text: str) -> set[str]:
    """Long numbers in a text, without what separates their digits: of an account, a phone, a house's code."""
    numbers = (re.sub(r"\D", "", match[0]) for match in NUMBER_PATTERN.finditer(text))
    return {digits for digits in numbers if len(digits) >= MIN_TELLING_DIGITS}


def _terms(text: str, asked: AskedTopic) -> set[str]:
    return {word.term for word in topic_words(text, asked.language)}
