"""The store's encoder: opened when first needed, its failures kept from losing anything.

Encoders are foreign code: what they give back is checked, and they may not hang a caller. Loading one may take as long
as it takes; encoding has a limit for each text.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import cast

import numpy as np

from memkit.encoders import HashingEncoder, default_encoder
from memkit.errors import EncoderError, MemkitError
from memkit.protocols import Encoder, FloatArray, LoadsAhead
from memkit.recall.index.chance import probe_questions
from memkit.runtime.foreign_calls import submitted
from memkit.runtime.recent_texts import RecentTexts
from memkit.text.reading import Piece, TellsMeaning, TellsPieces, reading
from memkit.text.token_vectors import EncodesTokens, TokenVectors

log = logging.getLogger("memkit")

NORM_TOLERANCE = 1e-3  # distance of a norm from 1 before the row is normalised again
MIN_NORM = 1e-6  # of a vector that has a direction
MAX_READ_CHARS = 1000  # of a text, that tell how far it is read
OWN_ENCODERS = (HashingEncoder,)  # no foreign code, which could hang: called without a thread
RECENT_QUESTIONS = 512  # whose vectors are kept
HANGING_PAUSE_S = 60.0  # for which an encoder that hangs is not asked; words answer meanwhile, at once


class EncoderSlot:
    """Holds the encoder of a store; encodes in batches of texts, under a limit of `timeout` seconds for each text."""

    def __init__(self, encoder: Encoder | None, *, timeout: float, batch: int = 128) -> None:
        self._encoder, self._timeout, self._batch = encoder, timeout, batch
        self._is_loaded = self._has_answered = False
        self._kinds: dict[type, bool] = {}  # by protocol, whether the encoder is of it
        self._probes: FloatArray | None = None
        self._overdue: list[Future[object]] = []  # calls that took too long
        self._asked_again = 0.0  # from when on an encoder that hangs may be asked, by the monotonic clock
        self._questions: RecentTexts[FloatArray] = RecentTexts(RECENT_QUESTIONS)
        self._question_tokens: RecentTexts[TokenVectors] = RecentTexts(RECENT_QUESTIONS)
        self._readings: RecentTexts[float] = RecentTexts(RECENT_QUESTIONS)

    def get(self) -> Encoder:
        """The encoder itself; the default one is made (not loaded) on the first call."""
        if self._encoder is None:
            self._encoder = default_encoder()
        return self._encoder

    def replace(self, encoder: Encoder) -> None:
        """Encode with another encoder from now on."""
        self._encoder, self._probes = encoder, None
        self._is_loaded = self._has_answered = False
        self._kinds = {}
        self._overdue = []
        self._questions.clear()
        self._question_tokens.clear()
        self._readings.clear()

    @property
    def is_overdue(self) -> bool:
        """Whether a call that took too long has still not come back: to ask again would pile up threads."""
        self._overdue = [call for call in self._overdue if not call.done()]
        return bool(self._overdue)

    def load(self) -> None:
        """Load the encoder, however long it takes; nothing where it is loaded or can't be loaded ahead.

        Raises EncoderError.
        """
        encoder = self.get()
        if not self._is_loaded and isinstance(encoder, LoadsAhead):
            _result(encoder, submitted(encoder.load), None)
        self._is_loaded = True

    def warm(self) -> None:
        """Load the encoder and encode a first text, however long it takes. Raises EncoderError."""
        self.load()
        encode_guarded(self.get(), ["warm"], None)
        self._has_answered = True

    def expect(self, characters: int) -> None:
        """Tell an encoder that wants to know it how much the next calls will bring."""
        expect = getattr(self.get(), "expect", None)
        if callable(expect):
            expect(characters)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Unit rows, float32, shape (len(texts), dimension). Raises EncoderError."""
        return self._stacked(list(self._batches(texts)))

    def encode_some(self, texts: Sequence[str]) -> FloatArray:
        """Rows of the first texts, as many as the encoder gives in time; words still find the others."""
        return self._some(texts, None)

    def encode_some_tokens(self, texts: Sequence[str]) -> tuple[FloatArray, list[TokenVectors]]:
        """The same with the vectors of the texts' tokens; without these where the encoder gives none."""
        tokens: list[TokenVectors] = []
        return self._some(texts, tokens), tokens

    def _some(self, texts: Sequence[str], tokens: list[TokenVectors] | None) -> FloatArray:
        rows: list[FloatArray] = []
        try:
            rows.extend(self._batches(texts, tokens))
        except EncoderError as error:
            late = len(texts) - sum(map(len, rows))
            log.warning("memkit: %d texts stay without vectors for now: %s", late, error)
        return self._stacked(rows)

    @property
    def meaning(self) -> float:
        """Share of its vectors that is of what texts mean, 0..1; 1 where it doesn't tell."""
        encoder = self.get()
        if not self._is(TellsMeaning):
            return 1.0
        return min(1.0, max(0.0, cast("TellsMeaning", encoder).meaning))

    def _is(self, protocol: type) -> bool:
        """Whether the encoder is of a protocol; asked once, since that takes as long as to read a text."""
        if protocol not in self._kinds:
            self._kinds[protocol] = isinstance(self.get(), protocol)
        return self._kinds[protocol]

    def readings(self, texts: Sequence[str]) -> FloatArray:
        """The reading of each text, 0..1, (len(texts),): how far the encoder reads it; 1 where it doesn't tell."""
        encoder = self.get()
        if not texts or not self._is(TellsPieces):
            return np.ones(len(texts), dtype=np.float32)
        starts = [text[:MAX_READ_CHARS] for text in texts]
        try:
            self.load()
            pieces = _result(
                encoder, submitted(lambda: cast("TellsPieces", encoder).pieces(starts)), self._timeout * len(texts)
            )
            return np.array(list(map(reading, starts, cast("list[list[Piece]]", pieces))), dtype=np.float32)
        except (EncoderError, TimeoutError):  # encoding tells it again, and better
            return np.ones(len(texts), dtype=np.float32)

    def question_reading(self, text: str) -> float:
        """The reading of a question, which is told once."""
        share = self._readings.find(text)
        if share is None:
            share = float(self.readings([text])[0])
            self._readings.put(text, share)
        return share

    def question_vectors(self, texts: Sequence[str]) -> FloatArray | None:
        """Encode a question and what belongs to it; what was asked lately isn't encoded again, the rest in one batch.

        None where the encoder fails: words still find what was stored.
        """
        encoder = self.get()
        recent = {text: vector for text in texts if (vector := self._questions.find(text)) is not None}
        new = [text for text in dict.fromkeys(texts) if text not in recent]
        try:
            fresh = dict(zip(new, self.encode(new), strict=True))
        except EncoderError as error:
            log.warning("memkit: a question is answered by its words alone: %s", error)
            return None
        for text, vector in fresh.items() if encoder is self._encoder else ():
            self._questions.put(text, vector)
        return np.stack([(fresh if text in fresh else recent)[text] for text in texts])

    def probes(self) -> FloatArray | None:
        """Vectors of questions about nothing in particular, encoded once; None where the encoder fails."""
        if self._probes is None:
            with suppress(EncoderError):
                self._probes = self.encode(probe_questions())
        return self._probes

    def question_tokens(self, text: str) -> TokenVectors | None:
        """The vectors of a question's tokens, which are made once, with its own; None where the encoder gives none."""
        encoder, tokens = self.get(), self._question_tokens.find(text)
        if tokens is None and isinstance(encoder, EncodesTokens):
            rows, every = self.encode_some_tokens([text])
            tokens = every[0] if every else None
            if tokens is not None and encoder is self._encoder:
                self._question_tokens.put(text, tokens)
                self._questions.put(text, rows[0])
        return tokens

    def _stacked(self, rows: Sequence[FloatArray]) -> FloatArray:
        return np.concatenate(rows) if rows else np.zeros((0, self.get().dimension), dtype=np.float32)

    def _batches(self, texts: Sequence[str], tokens: list[TokenVectors] | None = None) -> Iterator[FloatArray]:
        """Rows in batches. An encoder that has not answered yet, or failed last, gets one text first: it may hang.

        The vectors of the texts' tokens are added to `tokens`, where the encoder gives any.
        """
        if texts:
            self.load()
        start = 0
        while start < len(texts):
            batch = list(texts[start : start + (self._batch if self._has_answered else 1)])
            yield self._encoded(batch, tokens)
            start += len(batch)

    def _encoded(self, batch: list[str], tokens: list[TokenVectors] | None) -> FloatArray:
        if self.is_overdue and not self._has_answered and time.monotonic() < self._asked_again:
            raise EncoderError(f"the encoder {self.get().name!r} hangs in an earlier call; it is asked again later.")
        encoder = self.get()
        asked = TokenPass(encoder) if tokens is not None and isinstance(encoder, EncodesTokens) else encoder
        try:
            rows = encode_guarded(asked, batch, self._timeout * len(batch), note_overdue=self._note_overdue)
        except EncoderError:
            self._has_answered = False
            raise
        self._has_answered = True
        if tokens is not None and isinstance(asked, TokenPass):
            tokens += asked.tokens
        return rows

    def _note_overdue(self, call: "Future[object]") -> None:
        self._overdue.append(call)
        self._asked_again = time.monotonic() + HANGING_PAUSE_S


class TokenPass:
    """An encoder for one batch, that keeps the vectors of the tokens which come with those of the texts."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self.name, self.dimension = encoder, encoder.name, encoder.dimension
        self.tokens: list[TokenVectors] = []

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of the texts. Raises EncoderError where the tokens' vectors have another shape than their spans."""
        self.tokens = [
            checked_tokens(self._encoder, own) for own in cast("EncodesTokens", self._encoder).encode_tokens(texts)
        ]
        return np.stack([own.whole for own in self.tokens])


def checked_tokens(encoder: Encoder, tokens: TokenVectors) -> TokenVectors:
    """Vectors of tokens, if they are what an encoder has to give. Raises EncoderError."""
    vectors, spans = np.asarray(tokens.vectors, dtype=np.float32), np.asarray(tokens.spans, dtype=np.int64)
    count = len(spans)
    if spans.shape != (count, 2) or vectors.shape != (count, encoder.dimension) or not np.isfinite(vectors).all():
        raise EncoderError(f"the encoder {encoder.name!r} gave {vectors.shape} numbers for {count} tokens of a text.")
    return TokenVectors(np.asarray(tokens.whole, dtype=np.float32), spans, vectors)


def encode_guarded(
    encoder: Encoder,
    texts: list[str],
    timeout: float | None,
    *,
    note_overdue: Callable[[Future[object]], None] = lambda call: None,
) -> FloatArray:
    """Encode within `timeout` seconds (None: without a limit): float32, unit rows, shape (len(texts), dimension).

    Raises EncoderError where the encoder fails, takes longer, or gives anything else; its own message,
    which may hold text, is left out. An encoder that hangs keeps a daemon thread of its own, never the
    caller or the end of the process; `note_overdue` is told of its call.
    """
    if type(encoder) in OWN_ENCODERS:
        return checked_rows(encoder, encoder.encode(texts), len(texts))
    call = submitted(lambda: encoder.encode(texts))
    try:
        result = _result(encoder, call, timeout)
    except TimeoutError:
        note_overdue(call)
        raise EncoderError(
            f"the encoder {encoder.name!r} took longer than {timeout:g} s for {len(texts)} texts. "
            "Raise settings.runtime.encode_timeout (seconds for each text), or call store.warm() ahead."
        ) from None
    return checked_rows(encoder, result, len(texts))


def _result(encoder: Encoder, call: "Future[object]", timeout: float | None) -> object:
    """Result of a worker's call. Raises TimeoutError, and EncoderError for whatever the encoder raised."""
    error = call.exception(timeout)
    if error is not None:
        raise _reported(encoder, error) from None
    return call.result()


def checked_rows(encoder: Encoder, result: object, count: int) -> FloatArray:
    """The encoder's answer as unit rows, if it is what an encoder has to give. Raises EncoderError."""
    try:
        rows = np.asarray(result, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise _reported(encoder, error) from None
    if rows.shape != (count, encoder.dimension):
        raise EncoderError(
            f"the encoder {encoder.name!r} gave shape {rows.shape} for {count} texts, not {(count, encoder.dimension)}."
        )
    norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    if np.abs(norms - 1).max(initial=0.0) < NORM_TOLERANCE:  # False for what is no number
        return rows
    if not np.isfinite(norms).all() or (norms < MIN_NORM).any():
        raise EncoderError(f"the encoder {encoder.name!r} gave vectors that are not finite or are zero.")
    return np.asarray(rows / norms)


def _reported(encoder: Encoder, error: BaseException) -> MemkitError:
    if isinstance(error, MemkitError):
        return error
    return EncoderError(f"the encoder {encoder.name!r} failed with {type(error).__name__}.")
