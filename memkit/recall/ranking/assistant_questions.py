"""Questions about what the assistant said: "What did you recommend against moths?"."""

import re

from memkit.text.hints import hint_words
from memkit.text.parts import SENTENCE_END_PATTERN
from memkit.text.terms.tokens import asks

TELLING_FORMS = (
    "advis|answer|call|come up with|draft|explain|giv|have me|had me|list|mention|nam|offer|propos|quot|recommend"
    "|sa[yi]|sen[dt]|show|suggest|tell|told|translat|warn|writ|wrote"
)
PAST_FORMS = (
    "advised|drafted|explained|gave|had me|listed|mentioned|named|offered|proposed|quoted|recommended|said|sent|showed"
    "|suggested|told|translated|warned|wrote"
)
ASSISTANT_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:did|had|have|were) you (?:\w+ ){{0,2}}?(?:{TELLING_FORMS})",
        rf"\byou (?:just |once |last |then )?(?:{PAST_FORMS})\b",
        r"\b(?:hast|hattest) du (?:\w+ ){0,6}?(?:empfohlen|erklärt|gegeben|genannt|geraten|gesagt|geschrieben"
        r"|vorgeschlagen)",
        r"\b(?:aconsejaste|diste|dijiste|escribiste|explicaste|propusiste|recomendaste|sugeriste)\b",
        r"\b(?:as-tu|tu as|avez-vous|vous avez) (?:\w+ ){0,3}?(?:conseillé|dit|écrit|expliqué|proposé|recommandé"
        r"|suggéré)",
        r"\bты (?:\w+ ){0,2}?(?:говорил|написал|объяснил|посоветовал|предложил|рекомендовал|сказал)",
        "你(?:推荐|建议|说过|写的|告诉)",
    )
)
HINT_WORDS = frozenset(  # one of them is part of every such question in ASCII characters
    "you hast hattest aconsejaste diste dijiste escribiste explicaste propusiste recomendaste sugeriste tu vous".split()
)


def asks_assistant(question: str) -> bool:
    """Whether a sentence asks about what the one who is asked said, wrote or recommended."""
    if question.isascii() and HINT_WORDS.isdisjoint(hint_words(question)):
        return False
    sentences = filter(asks, SENTENCE_END_PATTERN.split(question))
    return any(pattern.search(sentence) for sentence in sentences for pattern in ASSISTANT_PATTERNS)
