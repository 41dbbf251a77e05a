"""Surprisal from log-probabilities that others computed: what servers answer, and what messages carry."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memkit.errors import SurprisalError
from memkit.protocols import Token
from memkit.surprisal.token_spans import ShownToken, token_spans

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

MAX_ROUNDING_NATS = 1e-4  # nats: the log-probability of what is certain may come out this much above 0
VOCABULARY_TOKENS = 100_000  # tokens, roughly, that a language model knows

LogProb = Annotated[float, Field(le=MAX_ROUNDING_NATS, allow_inf_nan=False)]
AnswerT = TypeVar("AnswerT", bound="_Part")


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)


class _Lists(_Part):
    tokens: list[str]
    token_logprobs: list[LogProb | None]
    text_offset: list[int] | None = None


class _Usage(_Part):
    prompt_tokens: int | None = None


class _EchoChoice(_Part):
    logprobs: _Lists


class _Echo(_Part):
    choices: Annotated[list[_EchoChoice], Field(min_length=1)]
    usage: _Usage | None = None


class _Scored(_Part):
    logprob: LogProb
    decoded_token: str


class _PromptChoice(_Part):
    prompt_logprobs: list[dict[str, _Scored | LogProb] | None]


class _Prompted(_Part):
    choices: Annotated[list[_PromptChoice], Field(min_length=1)]


class _WrittenToken(_Part):
    token: str
    logprob: LogProb
    bytes: list[Annotated[int, Field(ge=0, le=255)]] | None = None


class _MessageLogprobs(_Part):
    content: list[_WrittenToken]


FIELD_NAMES = frozenset(
    name for kind in _Part.__subclasses__() for name in kind.model_fields
)  # what an error may name: keys can be text


def echoed(answer: object, prompt: str, *, new_tokens: int = 1, vocabulary: int = VOCABULARY_TOKENS) -> list[Token]:
    """The prompt's tokens from an answer of an OpenAI-compatible completions endpoint with `echo` and `logprobs`.

    `new_tokens`: how many tokens were asked for beyond the prompt; they are cut off. The first token, for which such
    an answer has null, is as likely as any of `vocabulary`, unless it is the model's start token, which is
    left out. Characters are found by the tokens themselves; offsets are looked at for their order only, because
    vLLM counts them in what it shows and SGLang gives -1. Raises SurprisalError where the answer isn't whole or
    doesn't join to the prompt.
    """
    read = _checked(_Echo, answer)
    lists = read.choices[0].logprobs
    _check_lists(lists)
    pieces = [ShownToken(token, _nats(p)) for token, p in zip(lists.tokens, lists.token_logprobs, strict=True)]
    prompt_tokens = read.usage.prompt_tokens if read.usage else None
    if len(pieces) <= new_tokens:  # without echo: what was written may happen to be the prompt over again
        raise _not_joined(len(pieces), prompt)
    for count in dict.fromkeys((prompt_tokens, len(pieces) - new_tokens)):
        if count is not None and 0 <= count <= len(pieces):
            tokens = token_spans(prompt, pieces[:count], first=math.log(vocabulary))
            if tokens is not None:
                return tokens
    raise _not_joined(len(pieces), prompt)


def prompted(answer: object, prompt: str, *, vocabulary: int = VOCABULARY_TOKENS) -> list[Token]:
    """The prompt's tokens from vLLM's `prompt_logprobs`: null for the first, for each other a mapping.

    A mapping names the prompt's own token first: an id with `logprob` and `decoded_token`, or the decoded token
    with its log-probability. The first token is treated as in `echoed`. Raises SurprisalError as that does.
    """
    entries = _checked(_Prompted, answer).choices[0].prompt_logprobs
    _check_nulls(entries, "prompt_logprobs")
    pieces = [ShownToken(None, None) if entry is None else _prompt_piece(entry) for entry in entries]
    return _joined(prompt, pieces, vocabulary)


def message_tokens(message: "BaseMessage") -> list[Token]:
    """The tokens of a LangChain message that its model made with `logprobs`, with their characters in its text.

    Read from `response_metadata["logprobs"]["content"]`. Raises SurprisalError where they are missing or don't
    join to the message's text.
    """
    text = str(message.text)
    if not text:
        return []
    carried = message.response_metadata.get("logprobs")
    if carried is None:
        raise SurprisalError(
            "message_tokens: the message carries no log-probabilities. "
            "Ask its model for them, for example with ChatOpenAI(logprobs=True)."
        )
    written = _checked(_MessageLogprobs, carried).content
    return _joined(text, [_written_piece(token) for token in written], VOCABULARY_TOKENS)


def _prompt_piece(entry: dict[str, _Scored | float]) -> ShownToken:
    if not entry:
        raise SurprisalError("prompt_logprobs holds an entry without a token.")
    key, scored = next(iter(entry.items()))
    if isinstance(scored, _Scored):
        return ShownToken(scored.decoded_token, _nats(scored.logprob))
    return ShownToken(key, _nats(scored))


def _written_piece(written: _WrittenToken) -> ShownToken:
    """Some servers fill `bytes` with what the token is shown as; where they are text, they tell no more than that."""
    raw = bytes(written.bytes or ())
    try:
        return ShownToken(raw.decode() or written.token, _nats(written.logprob))
    except UnicodeDecodeError:
        return ShownToken(written.token, _nats(written.logprob), raw)


def _checked(kind: type[AnswerT], answer: object) -> AnswerT:
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_context=False, include_url=False)[0]
        where = ".".join(str(step) for step in fault["loc"] if isinstance(step, int) or step in FIELD_NAMES)
        rule = fault["msg"].split(" or instance of")[0]
        raise SurprisalError(f"the log-probabilities can't be read: {where or 'the whole'}: {rule}.") from None


def _check_lists(lists: _Lists) -> None:
    lengths = [len(lists.tokens), len(lists.token_logprobs), len(lists.text_offset or lists.tokens)]
    if len(set(lengths)) > 1:
        raise SurprisalError(f"tokens, token_logprobs and text_offset have different lengths: {lengths}.")
    _check_nulls(lists.token_logprobs, "token_logprobs")
    if any(later < earlier for earlier, later in pairwise(lists.text_offset or ())):
        raise SurprisalError("text_offset is out of order.")


def _check_nulls(scores: Sequence[object], name: str) -> None:
    missing = next((i for i, score in enumerate(scores) if i and score is None), None)
    if missing is not None:
        raise SurprisalError(f"{name} is null at {missing}; only the first token's may be.")


def _nats(logprob: float | None) -> float | None:
    return None if logprob is None else max(0.0, -logprob)


def _joined(text: str, pieces: Sequence[ShownToken], vocabulary: int) -> list[Token]:
    tokens = token_spans(text, pieces, first=math.log(vocabulary))
    if tokens is None:
        raise _not_joined(len(pieces), text)
    return tokens


def _not_joined(count: int, text: str) -> SurprisalError:
    return SurprisalError(
        f"the {count} tokens do not join to the text of {len(text)} characters. "
        "A server that scores only what it makes (llama.cpp's, chat endpoints) can't score a text."
    )
