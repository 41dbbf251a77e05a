"""Reasons for a result, in words: names of the parts of a score, and the words that matched."""

from memkit.models import Hit
from memkit.text.terms.language import language_of
from memkit.text.terms.tokens import words

PART_NAMES = {
    "lexical": "words",
    "dense": "meaning",
    "tokens": "meaning of words",
    "reranked": "the reranker",
    "neighbours": "turns beside it",
    "episode": "its episode",
    "session": "its session",
    "speaker": "who spoke",
    "role": "an assistant spoke",
    "asks": "only asks",
    "answers": "follows a question",
    "length": "length",
    "date": "its date",
    "time": "speaks of a time",
    "recency": "how recent",
    "retention": "how fresh",
    "thought": "a thought",
}


def matched_words(hit: Hit) -> list[str]:
    """The words of a memory that the question's words matched, as they stand in it."""
    terms, text = hit.why.get("words"), hit.memory.text
    wanted = set(terms) if isinstance(terms, list) else set()
    every = words(text, language_of(text))
    return list(dict.fromkeys(text[w.start : w.end].casefold() for w in every if w.term in wanted))
