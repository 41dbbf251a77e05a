"""Surprisal from any Hugging Face causal language model; torch and transformers are loaded with the first text."""

import threading
from typing import Any

import numpy as np

from memkit.errors import InputError, MissingExtraError
from memkit.protocols import Token
from memkit.surprisal.logits import Floats, Mode, token_surprisals
from memkit.surprisal.windows import windows

DEFAULT_WINDOW_TOKENS = 1024  # tokens, where the model doesn't say how many it can read


class CausalLMSurprisal:
    """-ln P of a text's tokens under a causal language model, in nats.

    `model`: a name or folder, or a loaded model together with its (fast) `tokenizer`. A text longer than
    `window` tokens is read in windows that overlap by half, so that no token has less than half a window
    before it. It learns nothing. Several banks may share one: it reads one text at a time.
    """

    def __init__(self, model: Any, tokenizer: Any = None, *, window: int | None = None, mode: Mode = "paper") -> None:
        if window is not None and window < 2:
            raise InputError("CausalLMSurprisal: window must be at least 2 tokens.")
        self._model, self._tokenizer = model, tokenizer
        self._window, self._mode = window, mode
        self._lock = threading.Lock()

    def score(self, text: str) -> list[Token]:
        """Tokens in order, with their characters in the text. Raises InputError, MissingExtraError."""
        with self._lock:
            model, tokenizer = self._loaded()
            encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            ids, spans = list(encoded["input_ids"]), encoded["offset_mapping"]
            surprisals = self._surprisals(model, tokenizer.bos_token_id, ids)
        return [Token(start, end, float(e)) for (start, end), e in zip(spans, surprisals, strict=True)]

    def learn(self, text: str) -> None:
        """Nothing: the model stays as it is."""

    def _loaded(self) -> tuple[Any, Any]:
        if isinstance(self._model, str):
            self._model, self._tokenizer = _load(self._model, self._tokenizer)
        if self._tokenizer is None or not getattr(self._tokenizer, "is_fast", False):
            raise InputError("CausalLMSurprisal: needs the model's fast tokenizer, which tells where tokens stand.")
        return self._model, self._tokenizer

    def _surprisals(self, model: Any, start_token: int | None, ids: list[int]) -> Floats:
        """The first token is scored after the start token, where the model has one, else as ln V."""
        lead = [] if start_token is None else [start_token]
        longest = self._window or getattr(model.config, "max_position_embeddings", None) or DEFAULT_WINDOW_TOKENS
        parts = []
        for begin, fresh, end in windows(len(ids), int(longest) - len(lead)):
            read = [*lead, *ids[begin:end]]
            e = token_surprisals(_logits(model, read), read, mode=self._mode)
            parts.append(e[len(lead) + fresh - begin :])
        return np.concatenate(parts) if parts else np.zeros(0)


def _logits(model: Any, ids: list[int]) -> Any:
    import torch

    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids], device=model.device)).logits[0].double().cpu().numpy()


def _load(name: str, tokenizer: Any) -> tuple[Any, Any]:
    try:
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise MissingExtraError("CausalLMSurprisal needs transformers: pip install transformers") from error
    model = AutoModelForCausalLM.from_pretrained(name)
    model.eval()
    return model, tokenizer or AutoTokenizer.from_pretrained(name, use_fast=True)
