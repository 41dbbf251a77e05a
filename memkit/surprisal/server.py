"""Surprisal from a language model behind a server that tells the log-probabilities of a prompt's tokens."""

from typing import Any, Literal

from memkit.errors import InputError, SurprisalError
from memkit.models import checked_text
from memkit.protocols import Token
from memkit.surprisal.endpoint import Endpoint, checked_key
from memkit.surprisal.logprobs import VOCABULARY_TOKENS, echoed, prompted
from memkit.surprisal.windows import at_spaces, windows

ServerProtocol = Literal["echo", "prompt_logprobs"]
PROTOCOL_FIELDS: dict[str, dict[str, Any]] = {
    "echo": {"echo": True, "logprobs": 1},
    "prompt_logprobs": {"prompt_logprobs": 0},
}
UNSCALED_FIELDS = {"temperature": 1.0, "top_p": 1.0}  # some servers scale the log-probabilities by them


class ServerSurprisal:
    """-ln P of a text's tokens under a model behind an OpenAI-compatible completions endpoint, in nats.

    `url`: what `/completions` follows, for example http://localhost:8000/v1; `model`: its name there.
    `protocol`: "echo" (vLLM, SGLang, llama-cpp-python and others), or vLLM's "prompt_logprobs"; servers that
    score only what they make (llama.cpp's own, chat endpoints) can't be used. `api_key`, or `api_key_env`, the
    name of the environment variable that holds it, goes out as a bearer token.

    `start`: put before each text, for models that don't begin with a start token by themselves, for example
    "<|endoftext|>". Without any, a text's first token is as likely as any of `vocabulary`. `window`: the most
    characters in one request; a longer text is read in windows that overlap by half. `max_tokens`: 1 (the
    token that is made is cut off), or 0 where the server takes that. `timeout`: seconds for one answer, all
    tries included; 429, 5xx and broken connections are tried again.

    It learns nothing. Several banks and threads may share one. Raises InputError, MissingExtraError.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        protocol: ServerProtocol = "echo",
        api_key: str | None = None,
        api_key_env: str | None = None,
        start: str = "",
        window: int | None = None,
        max_tokens: Literal[0, 1] = 1,
        vocabulary: int = VOCABULARY_TOKENS,
        timeout: float = 30.0,
    ) -> None:
        _check(protocol, window, max_tokens, vocabulary, timeout)
        self._endpoint = Endpoint(url, key=checked_key(api_key, api_key_env), timeout=timeout)
        self._model, self._protocol, self._start = model, protocol, checked_text(start, where="start")
        self._window, self._new_tokens, self._vocabulary = window, max_tokens, vocabulary

    def __repr__(self) -> str:
        return f"ServerSurprisal(host={self._endpoint.host!r}, model={self._model!r}, protocol={self._protocol!r})"

    def score(self, text: str) -> list[Token]:
        """Tokens in order, together the whole text. Raises SurprisalError, SurprisalUnavailableError."""
        checked_text(text, where="ServerSurprisal.score")
        tokens: list[Token] = []
        for begin, fresh, end in windows(len(text), self._window or len(text), at_spaces(text)):
            by = begin - len(self._start)
            scored = self._ask(self._start + text[begin:end])
            tokens += [Token(max(a + by, fresh), b + by, e) for a, b, e in scored if b + by > fresh]
        return tokens

    def learn(self, text: str) -> None:
        """Nothing: the model stays as it is."""

    def close(self) -> None:
        """Close its connections; they close by themselves when it is no longer used."""
        self._endpoint.close()

    def _ask(self, prompt: str) -> list[Token]:
        body = {
            "model": self._model,
            "prompt": prompt,
            "max_tokens": self._new_tokens,
            **UNSCALED_FIELDS,
            **PROTOCOL_FIELDS[self._protocol],
        }
        answer = self._endpoint.post("completions", body)
        try:
            if self._protocol == "echo":
                return echoed(answer, prompt, new_tokens=self._new_tokens, vocabulary=self._vocabulary)
            return prompted(answer, prompt, vocabulary=self._vocabulary)
        except SurprisalError as error:
            raise SurprisalError(f"the server at {self._endpoint.host} answered, but {error}") from None


def _check(protocol: str, window: int | None, max_tokens: int, vocabulary: int, timeout: float) -> None:
    rules = {
        f"protocol: must be one of {', '.join(PROTOCOL_FIELDS)}.": protocol in PROTOCOL_FIELDS,
        "window: must be at least 2 characters.": window is None or window >= 2,
        "max_tokens: must be 0 or 1.": max_tokens in (0, 1),
        "vocabulary: must be at least 1 token.": vocabulary >= 1,
        "timeout: must be above 0 seconds.": timeout > 0,
    }
    for rule, holds in rules.items():
        if not holds:
            raise InputError(f"ServerSurprisal: {rule}")
