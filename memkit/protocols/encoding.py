"""Protocols of what reads texts: encoders, and models of surprisal."""

from typing import NamedTuple, Protocol, runtime_checkable

from memkit.protocols.values import FloatArray


@runtime_checkable
class Encoder(Protocol):
    """Encoder of texts as vectors. `name` identifies the vectors: a file holds those of one name."""

    @property
    def name(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension)."""


@runtime_checkable
class LoadsAhead(Protocol):
    """An encoder that can be loaded before its first text; loading is no part of the time that its texts may take."""

    def load(self) -> None:
        """Load what `encode` needs; harmless to repeat, and from several threads. `encode` works without it, too."""


class Token(NamedTuple):
    """A token of a text: its span in characters and its surprisal, -ln P, in nats."""

    start: int
    end: int
    surprisal: float


@runtime_checkable
class SurprisalModel(Protocol):
    """Surprisal of each token of a text, given the text before it (SirLLM, arXiv 2405.12528).

    A bank's model is asked by one thread at a time; a model that several banks share has to be thread-safe.
    """

    def score(self, text: str) -> list[Token]:
        """Tokens in order, each with -ln P(token | tokens before it), in nats; does not learn.

        Raises SurprisalError where this text can't be scored, SurprisalUnavailableError where none can.
        """

    def learn(self, text: str) -> None:
        """Adapt to a text."""
