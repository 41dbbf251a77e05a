"""Tiny random models for the tests of the key-value cache, and a slow, obvious cache to hold it against."""

import inspect
import sys
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    DynamicCache,
    GemmaConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

VOCABULARY = 64
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
    "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": None,
}  # fmt: skip
SUPPORTED: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(**SIZES),
    "qwen2": Qwen2Config(**SIZES),
    "qwen3": Qwen3Config(**SIZES, head_dim=16),
    "mistral": MistralConfig(**SIZES, sliding_window=None),
    "gemma": GemmaConfig(**SIZES, head_dim=16),
}
KEYS = {"qwen3": "k_norm"}  # the module that gives un-rotated keys, where it isn't k_proj


def build(config: PreTrainedConfig, dtype: torch.dtype = torch.float32, *, spread: float = 0.1) -> Any:
    """A random model of this kind; the same one each time. The more its weights spread, the less it repeats itself."""
    torch.set_num_threads(1)
    torch.manual_seed(11)
    config.initializer_range = spread
    return AutoModelForCausalLM.from_config(config).eval().to(dtype)


def llama(dtype: torch.dtype = torch.float32) -> Any:
    """Grouped-query attention, three layers."""
    return build(SUPPORTED["llama"], dtype)


class SlowCache:
    """Un-rotated keys and values of every layer; for each read they are rotated anew, to slots 0..n-1.

    It shares nothing with memkit: rotation is the model's own, keys are caught at its projections.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        names = inspect.signature(model.forward).parameters  # transformers renamed it within version 5
        self.argument = "cache" if "cache" in names else "past_key_values"
        self.rotate = sys.modules[type(model).__module__].apply_rotary_pos_emb
        self.layers = [layer.self_attn for layer in model.model.layers]
        self.keys: list[Any] = [None for _ in self.layers]  # (1, heads, n, d)
        self.values: list[Any] = [None for _ in self.layers]

    def rotated(self, layer: int) -> torch.Tensor:
        """A layer's keys at their slots."""
        keys = self.keys[layer]
        cos, sin = self.model.model.rotary_emb(keys, torch.arange(keys.shape[-2])[None])
        found: torch.Tensor = self.rotate(keys, keys, cos, sin)[1]
        return found

    def read(self, ids: list[int]) -> torch.Tensor:
        """Logits (m, V) after each of the ids, which join."""
        cache, length = DynamicCache(), 0
        if self.keys[0] is not None:
            length = self.keys[0].shape[-2]
            for i, values in enumerate(self.values):
                cache.update(self.rotated(i), values, i)
        watching = [hook for i, layer in enumerate(self.layers) for hook in self.watch(i, layer)]
        with torch.no_grad():
            slots = torch.arange(length, length + len(ids))[None]
            output = self.model(torch.tensor([ids]), position_ids=slots, **{self.argument: cache})
        for hook in watching:
            hook.remove()
        logits: torch.Tensor = output.logits[0]
        return logits

    def keep(self, positions: list[int]) -> None:
        """Only these stay."""
        self.keys = [keys[..., positions, :] for keys in self.keys]
        self.values = [values[..., positions, :] for values in self.values]

    def watch(self, i: int, layer: Any) -> list[Any]:
        """Catch what a layer's projections give."""
        key = getattr(layer, KEYS.get(self.model.config.model_type, "k_proj"))
        return [
            key.register_forward_hook(lambda _, __, out: self.join(self.keys, i, layer, out)),
            layer.v_proj.register_forward_hook(lambda _, __, out: self.join(self.values, i, layer, out)),
        ]

    def join(self, held: list[Any], i: int, layer: Any, out: torch.Tensor) -> None:
        """Add (1, m, heads * d) or (1, m, heads, d) to what is held of a layer."""
        new = out.reshape(1, out.shape[1], -1, layer.head_dim).transpose(1, 2)
        held[i] = new if held[i] is None else torch.cat([held[i], new], dim=-2)
