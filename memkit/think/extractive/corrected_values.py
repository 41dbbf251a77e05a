"""Values of anything, corrected: "forget that the gate code is 12, it's 34 now", where no rule knows of gate codes."""

from collections.abc import Iterator
from typing import NamedTuple

from memkit.models import Memory
from memkit.operations import Proposal
from memkit.text.forgetting.requests import AskedTopic, corrected_topics, value_parts
from memkit.think.extractive.language import Language, languages

VALUE_RELATION = "is now"  # the rules know it as one of which a head has one at a time


class CorrectedValue(NamedTuple):
    """A value of something as it was said to be, and as it is now."""

    head: str
    joint: str
    old: str
    new: str


def corrected_values(turn: Memory) -> Iterator[CorrectedValue]:
    """The values that a turn corrects, of things that it names; what its speaker does or is isn't one."""
    for asked in corrected_topics(turn.text):
        language = languages().get(asked.language)
        value = _value(asked, turn.speaker or "", language) if language is not None else None
        if value is not None:
            yield value


def _value(asked: AskedTopic, speaker: str, language: Language) -> CorrectedValue | None:
    parts = value_parts(asked)
    if parts is None or language.begins(language.file.subject.self, parts.subject):
        return None
    own, names = language.subjects["own"].match(parts.subject), language.file.people.other
    if own is not None:
        owned = language.file.people.whose.format(owner=speaker, noun=parts.subject[own.end() :])
        return CorrectedValue(owned, parts.joint, parts.old, parts.new)
    head = language.patterns["shifted"].sub(
        lambda m: names.get(m[0].casefold(), m[0]).format(speaker=speaker), parts.subject
    )
    return CorrectedValue(head, parts.joint, parts.old, parts.new)


def value_proposals(turn: Memory) -> Iterator[Proposal]:
    """Proposals for each corrected value: the old one, and the new one, which takes its place."""
    for value in corrected_values(turn):
        for tail in (value.old, value.new):
            text = f"{value.head} {value.joint} {tail}."
            yield Proposal(
                "insert",
                text=f"{text[:1].upper()}{text[1:]}",
                head=value.head,
                relation=VALUE_RELATION,
                tail=tail,
                source_ids=(turn.id,),
                speaker=turn.speaker,
            )
