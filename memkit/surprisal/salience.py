"""Salience of a text, in nats, and its key phrases, from the surprisal of its tokens."""

from collections.abc import Iterator, Sequence

from memkit.protocols import Token
from memkit.text.terms.tokens import STOP_WORDS

MAX_TOKEN_NATS = 16.0  # what is spelled strangely tells no more than a rare name
SALIENT_TOKENS = 8  # the highest of a text, which decide
MAX_PHRASE_WORDS = 3
RARE_WORD_NATS = 8.5  # of a word that one in 5,000 is


def salience(tokens: Sequence[Token]) -> float:
    """The mean of a text's 8 highest surprisals, in nats; a shorter text's missing tokens count 0.

    So "haha yes" tells little, whatever its words are, a sentence with a name, a place or a number much,
    and a long text as much as its telling words, however many common ones stand between them.
    """
    highest = sorted([surprisal for _, _, surprisal in tokens], reverse=True)[:SALIENT_TOKENS]
    return sum([min(surprisal, MAX_TOKEN_NATS) for surprisal in highest]) / SALIENT_TOKENS


def key_phrases(text: str, tokens: Sequence[Token], *, most: int = 3) -> tuple[str, ...]:
    """The runs of at most three neighbouring words that surprise most, in the order of the text."""
    bare = [_bare(text, token) for token in tokens if token.surprisal >= RARE_WORD_NATS]
    telling = [t for t in bare if _tells(text[t.start : t.end])]
    runs = sorted(_runs(text, telling), key=_weight, reverse=True)
    phrases = {text[run[0].start : run[-1].end]: run[0].start for run in reversed(runs[:most])}
    return tuple(sorted(phrases, key=lambda phrase: phrases[phrase]))


def _weight(run: Sequence[Token]) -> tuple[float, float]:
    """The surprisal of a run, for comparing; among equal ones the stranger words come first."""
    return sum(min(token.surprisal, MAX_TOKEN_NATS) for token in run), sum(token.surprisal for token in run)


def _bare(text: str, token: Token) -> Token:
    """Without the spaces at its ends: a language model's tokens hold the one before a word."""
    start, word = token.start, text[token.start : token.end]
    start += len(word) - len(word.lstrip())
    return Token(start, start + len(word.strip()), token.surprisal)


def _tells(word: str) -> bool:
    return word[:1].isalnum() and (len(word) > 2 or not word.isascii() or word.isdigit()) and not _is_stop(word)


def _is_stop(word: str) -> bool:
    return word.casefold().replace("’", "'") in STOP_WORDS


def _runs(text: str, tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Tokens with nothing but a space or a hyphen between them, together."""
    run: list[Token] = []
    for token in tokens:
        apart = run and text[run[-1].end : token.start] not in {"", " ", "-"}
        if apart or len(run) == MAX_PHRASE_WORDS:
            yield run
            run = []
        run.append(token)
    if run:
        yield run
