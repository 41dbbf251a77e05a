"""Salience of a text, in nats, and its key phrases, from the surprisal of its tokens.

Surprisal models are foreign code: what they give back is checked, and where they fail no turn is lost.
"""

import logging
import math
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from memkit.errors import MemkitError, StorageError, SurprisalError, SurprisalUnavailableError
from memkit.protocols import SurprisalModel, Token
from memkit.surprisal.background import BackgroundSurprisal
from memkit.surprisal.ngram import NgramSurprisal
from memkit.text.terms.language import STOP_WORDS
from memkit.text.terms.tokens import CACHED_WORDS, DIGIT_GROUPS_PATTERN, MARK_RANGES, UNSPACED_RANGES

log = logging.getLogger("memkit")

MAX_TOKEN_NATS = 16.0  # what is spelled strangely tells no more than a rare name
SALIENT_TOKENS = 8  # the highest of a text, which decide
MAX_PHRASE_WORDS = 3
RARE_WORD_NATS = 8.5  # of a word that one in 5,000 is
MAX_UNIT_CHARS = 64  # of what is written together; of what is longer, the tokens count
SPACE_CHARS = " \n\t"
OPENING_CHARS, CLOSING_CHARS = f"{SPACE_CHARS}([{{\"'“‘", ".,!?;:)]}\"'”’…"
CURRENCY_CHARS = "$€£¥₹₽₩₺₪฿"
WORD_CHAR = rf"[^\W{UNSPACED_RANGES}][{MARK_RANGES}]*"
UNIT_PATTERN = re.compile(  # what is written together: words, numbers with their signs, addresses, identifiers
    rf"\+?{DIGIT_GROUPS_PATTERN}"
    rf"|(?:[{CURRENCY_CHARS}#@+]|[-−](?=\d))?(?:{WORD_CHAR})+(?:(?:,(?=\d)|://|[.:/@&'’+#~=-]{{1,2}})(?:{WORD_CHAR})+)*"
    rf"(?:[#+]{{1,2}}|(?<=\d)[  ]?[{CURRENCY_CHARS}%‰]|(?<=\d)°(?:\w\b)?)?"
)
OWN_MODELS = (BackgroundSurprisal, NgramSurprisal)  # no foreign code


class TurnSalience(NamedTuple):
    """The salience of a turn, in nats, and its key phrases."""

    salience: float
    key_phrases: tuple[str, ...]


def read_guarded(model: Callable[[], SurprisalModel], texts: Sequence[str]) -> list[TurnSalience | None]:
    """The salience of each text by the model, which learns it before the next one; None where it fails.

    A model, and `model`, which gives it, may raise anything: that is logged, once and without its words. When it is
    out of reach it isn't asked for the rest of the texts. Raises StorageError.
    """
    readings: list[TurnSalience | SurprisalError] = []
    for text in texts:
        is_away = bool(readings) and isinstance(readings[-1], SurprisalUnavailableError)
        readings.append(readings[-1] if is_away else _reading(model, text))
    faults = [reading for reading in readings if isinstance(reading, SurprisalError)]
    if faults:
        log.warning("memkit: %d turns are stored without salience: %s", len(faults), faults[0])
    return [None if isinstance(reading, SurprisalError) else reading for reading in readings]


def checked(text: str, tokens: Iterable[Token]) -> list[Token]:
    """A model's tokens, if they lie in order in the text with finite surprisals. Raises SurprisalError."""
    earlier = (0, 0)
    checked_tokens = [token if isinstance(token, Token) else Token(*token) for token in tokens]
    for start, end, surprisal in checked_tokens:
        if not earlier[0] <= start <= end <= len(text) or end < earlier[1]:
            raise SurprisalError("the surprisal model gave tokens that are out of order or outside the text.")
        if not 0 <= surprisal < math.inf:
            raise SurprisalError("the surprisal model gave a surprisal that is negative or not finite.")
        earlier = (start, end)
    return checked_tokens


def _reading(model: Callable[[], SurprisalModel], text: str) -> TurnSalience | SurprisalError:
    try:
        reader = model()
        scored = reader.score(text)
        tokens = scored if type(reader) in OWN_MODELS else checked(text, scored)
        reading = TurnSalience(float(salience(tokens)), key_phrases(text, tokens))
        reader.learn(text)
    except StorageError:
        raise
    except SurprisalError as error:
        return error
    except MemkitError as error:
        return SurprisalError(str(error))
    except Exception as error:  # noqa: BLE001  a plug-in may raise anything; its words may be the text's
        return SurprisalError(f"the surprisal model failed with {type(error).__name__}.")
    return reading


def salience(tokens: Sequence[Token]) -> float:
    """The mean of a text's 8 highest surprisals, in nats; a shorter text's missing tokens count 0.

    So "haha yes" tells little, whatever its words are, a sentence with a name, a place or a number much,
    and a long text as much as its telling words, however many common ones stand between them.
    """
    highest = sorted([surprisal for _, _, surprisal in tokens], reverse=True)[:SALIENT_TOKENS]
    return sum([min(surprisal, MAX_TOKEN_NATS) for surprisal in highest]) / SALIENT_TOKENS


def key_phrases(text: str, tokens: Sequence[Token], *, most: int = 3) -> tuple[str, ...]:
    """The runs of at most three neighbouring words that surprise most, in the order of the text."""
    rare = [_bare(text, token) for token in tokens if token[2] >= RARE_WORD_NATS]
    telling = [unit for unit in _units(text, rare) if _tells(text[unit.start : unit.end])]
    runs = sorted(_runs(text, telling), key=_weight, reverse=True)
    phrases = {text[run[0].start : run[-1].end]: run[0].start for run in reversed(runs[:most])}
    return tuple(sorted(phrases, key=lambda phrase: phrases[phrase]))


def _weight(run: Sequence[Token]) -> tuple[float, float]:
    """The surprisal of a run, for comparing; among equal ones the stranger words come first."""
    surprisals = [nats for _, _, nats in run]
    return sum([min(nats, MAX_TOKEN_NATS) for nats in surprisals]), sum(surprisals)


def _bare(text: str, token: Token) -> Token:
    """Without the spaces at its ends: a language model's tokens hold the one before a word."""
    start, end, nats = token
    word = text[start:end]
    if word.strip() == word:
        return token
    start += len(word) - len(word.lstrip())
    return Token(start, start + len(word.strip()), nats)


def _units(text: str, tokens: Sequence[Token]) -> list[Token]:
    """The words and numbers that tokens are parts of, as they are written, each once: "$1,299", "C++", "7:45"."""
    are_whole = [_stands_alone(text, start, end) for start, end, _ in tokens]
    units = [] if all(are_whole) else [match.span() for match in UNIT_PATTERN.finditer(text)]
    nats_by_span: dict[tuple[int, int], float] = {}
    for (start, end, nats), is_whole in zip(tokens, are_whole, strict=True):
        span = (start, end) if is_whole else _unit_around(units, start, end)
        nats_by_span[span] = nats_by_span.get(span, 0.0) + nats
    return [Token(start, end, nats) for (start, end), nats in sorted(nats_by_span.items())]


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a token is a word between spaces, or marks that end or enclose a part of a sentence: as most are."""
    before, after, further = text[start - 1 : start], text[end : end + 1], text[end + 1 : end + 2]
    ends = after in SPACE_CHARS or (after in CLOSING_CHARS and further in SPACE_CHARS)
    return ends and before in OPENING_CHARS and (text[start:end].isalpha() or "'" in text[start:end])


def _unit_around(units: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """The span of the unit that a token is part of; its own where there is none, or an endless one."""
    first, last = units[max(bisect_right(units, (start, sys.maxsize)) - 1, 0)] if units else (start, end)
    return (first, last) if first <= start and end <= last <= first + MAX_UNIT_CHARS else (start, end)


@lru_cache(maxsize=CACHED_WORDS)
def _tells(unit: str) -> bool:
    whole = len(unit) > 2 or not unit.isascii() or any(map(str.isdigit, unit))
    return whole and any(map(str.isalnum, unit)) and unit.casefold().replace("’", "'") not in STOP_WORDS


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
