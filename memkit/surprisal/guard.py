"""Surprisal models are foreign code: what they give back is checked, and where they fail no turn is lost."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from memkit.errors import MemkitError, StorageError, SurprisalError, SurprisalUnavailableError
from memkit.protocols import SurprisalModel, Token
from memkit.surprisal.background import BackgroundSurprisal
from memkit.surprisal.ngram import NgramSurprisal
from memkit.surprisal.salience import key_phrases, salience

log = logging.getLogger("memkit")

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
    readings = list(_readings(model, texts))
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


def _readings(model: Callable[[], SurprisalModel], texts: Sequence[str]) -> Iterator[TurnSalience | SurprisalError]:
    away: SurprisalUnavailableError | None = None
    for text in texts:
        reading = away or _reading(model, text)
        if isinstance(reading, SurprisalUnavailableError):
            away = reading
        yield reading


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
