"""Models whose cache can't be evicted from are refused, and the error says what, by which rule, and what to do."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
import torch
import transformers as hf
from kv_models import SIZES, SUPPORTED, build, llama

from memkit.errors import InputError
from memkit.kv_cache import EntropyCache
from memkit.surprisal.entropy_filter import Budget

SMALL = Budget(4, 16, 4)
GPT: dict[str, Any] = {
    "vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "bos_token_id": 0, "eos_token_id": 1
}  # fmt: skip
SHORT = {name: SIZES[name] for name in SIZES if name not in ("num_key_value_heads", "pad_token_id")}
ROPE = {"rope_theta": 10_000.0, "factor": 2.0, "original_max_position_embeddings": 128}


def scaled(kind: str, **more: Any) -> hf.LlamaConfig:
    wanted = {"linear": ["factor"], "dynamic": ["factor"]}.get(kind, ["factor", "original_max_position_embeddings"])
    rope = {"rope_type": kind, "rope_theta": 10_000.0, **{name: ROPE[name] for name in wanted}, **more}
    return hf.LlamaConfig(**SIZES, rope_parameters=rope)


SCALED = {
    "linear": scaled("linear"),
    "dynamic": scaled("dynamic"),
    "yarn": scaled("yarn"),
    "llama3": scaled("llama3", low_freq_factor=1.0, high_freq_factor=4.0),
    "longrope": scaled("longrope", short_factor=[1.0] * 4, long_factor=[2.0] * 4),
}
PARTIAL = {
    "gpt_neox": hf.GPTNeoXConfig(**SHORT),
    "phi": hf.PhiConfig(**SIZES),
    "stablelm": hf.StableLmConfig(**SIZES),
    "glm": hf.GlmConfig(**SIZES, head_dim=16),
}
DROPPING = {
    "mistral": hf.MistralConfig(**SIZES, sliding_window=32),
    "qwen2": hf.Qwen2Config(**SIZES, use_sliding_window=True, sliding_window=32, max_window_layers=1),
    "gemma2": hf.Gemma2Config(**SIZES, head_dim=16),
    "gemma3_text": hf.Gemma3TextConfig(**SIZES, head_dim=16),
    "bamba": hf.BambaConfig(**SIZES, mamba_n_heads=8, mamba_d_head=8, mamba_d_state=16, attn_layer_indices=[1]),
    "qwen3_next": hf.Qwen3NextConfig(**SIZES, head_dim=16),
    "mamba": hf.MambaConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2, bos_token_id=0, eos_token_id=1),
}
WITHOUT_ROPE = {
    "gpt2": hf.GPT2Config(**GPT),
    "bloom": hf.BloomConfig(vocab_size=64, hidden_size=32, n_layer=2, n_head=4),
    "opt": hf.OPTConfig(**SHORT, ffn_dim=48, word_embed_proj_dim=32),
    "gptj": hf.GPTJConfig(**GPT, rotary_dim=8),
}
INTERLEAVED = {
    "cohere": hf.CohereConfig(**SIZES),
    "ernie4_5": hf.Ernie4_5Config(**SIZES, head_dim=16),
}


def refused(model: Any, budget: Budget = SMALL, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        EntropyCache(model, budget, **options)
    return str(caught.value)


@pytest.mark.parametrize("kind", SUPPORTED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_models_with_default_rope_and_full_attention_pass_the_trial(kind: str, dtype: torch.dtype) -> None:
    assert len(EntropyCache(build(SUPPORTED[kind], dtype), SMALL).feed([1, 2, 3])) == 3


def test_a_deep_model_in_bfloat16_passes_the_trial() -> None:
    """Rounding doesn't add up over its layers, for each token is tried alone."""
    EntropyCache(build(hf.LlamaConfig(**{**SIZES, "num_hidden_layers": 40}), torch.bfloat16, spread=0.3), SMALL)


@pytest.mark.parametrize("kind", SCALED)
def test_scaled_rotary_embeddings_are_refused(kind: str) -> None:
    assert f"scaled (rope_type '{kind}')" in refused(build(SCALED[kind]))


@pytest.mark.parametrize("kind", PARTIAL)
def test_a_rotary_embedding_of_a_part_of_each_key_is_refused(kind: str) -> None:
    assert f"this {kind} model: it rotates only a part of each key" in refused(build(PARTIAL[kind]))


@pytest.mark.parametrize("kind", DROPPING)
def test_sliding_windows_and_hybrid_layers_are_refused(kind: str) -> None:
    message = refused(build(DROPPING[kind]))
    assert f"this {kind} model: its layers keep" in message
    assert "SlidingWindowLayer" in message or "LinearAttentionLayer" in message


@pytest.mark.parametrize("kind", WITHOUT_ROPE)
def test_models_without_rotary_embeddings_are_refused(kind: str) -> None:
    assert f"this {kind} model: its config has no rope_parameters" in refused(build(WITHOUT_ROPE[kind]))


@pytest.mark.parametrize("kind", INTERLEAVED)
def test_keys_that_rotate_by_neighbouring_dimensions_are_found_out_by_the_trial(kind: str) -> None:
    assert f"this {kind} model: in layer 0 keys don't rotate by halves" in refused(build(INTERLEAVED[kind]))


def test_a_single_layer_without_rotation_is_found_out_by_the_trial() -> None:
    """The config says default RoPE, and all layers are DynamicLayers: only the model itself tells."""
    message = refused(build(hf.SmolLM3Config(**SIZES, no_rope_layers=[1, 0, 1])))
    assert "in layer 1 keys don't rotate by halves" in message


def test_attention_with_linear_biases_beside_an_idle_rotary_embedding_is_found_out_by_the_trial() -> None:
    config = hf.FalconConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, alibi=True)
    assert "don't rotate" in refused(build(config))


def test_keys_of_which_a_part_is_latent_are_refused() -> None:
    parts = {"q_lora_rank": 8, "kv_lora_rank": 12, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 8}
    experts = {"n_routed_experts": 4, "n_group": 1, "topk_group": 1, "moe_intermediate_size": 8}
    config = hf.DeepseekV3Config(**{**SIZES, "num_key_value_heads": 4}, **parts, **experts, num_experts_per_tok=2)
    assert "it rotates 8 of a key's 12 dimensions" in refused(build(config))


def test_absolute_positions_beside_rotary_ones_are_found_out_by_the_trial() -> None:
    """A Llama to whose first layer a hook adds position embeddings."""
    model, places = llama(), torch.randn(256, SIZES["hidden_size"])

    def add(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (args[0] + places[kwargs["position_ids"]], *args[1:]), kwargs

    model.model.layers[0].register_forward_pre_hook(add, with_kwargs=True)
    assert "in layer 0" in refused(model)


def test_values_that_change_with_the_slot_are_found_out_by_the_trial() -> None:
    """A Llama whose second layer adds something else to its values at each call."""
    model, calls = llama(), count()
    model.model.layers[1].self_attn.v_proj.register_forward_hook(lambda _, __, out: out + next(calls))
    assert "in layer 1" in refused(model)


def test_multimodal_rotary_embeddings_are_refused() -> None:
    rope = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [1, 1, 2]}
    vision = {"depth": 1, "embed_dim": 16, "num_heads": 2, "hidden_size": 32}
    config = hf.Qwen2VLConfig(text_config={**SIZES, "rope_parameters": rope}, vision_config=vision)
    assert "mrope_section" in refused(hf.Qwen2VLForConditionalGeneration(config).eval())


def test_rotary_embeddings_that_differ_by_layer_are_refused() -> None:
    config = hf.Gemma3TextConfig(**SIZES, head_dim=16, layer_types=["full_attention"] * 3)
    assert "differ by layer" in refused(build(config))


def test_an_encoder_with_a_decoder_is_refused() -> None:
    config = hf.T5Config(vocab_size=64, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4)
    assert "it has an encoder" in refused(hf.T5ForConditionalGeneration(config).eval())


@pytest.mark.parametrize("make", [lambda: hf.LlamaModel(hf.LlamaConfig(**SIZES)).eval(), lambda: "meta/llama", object])
def test_what_does_not_predict_tokens_is_refused(make: Callable[[], Any]) -> None:
    assert "isn't a transformers model that predicts the next token" in refused(make())


def test_a_model_in_training_mode_is_an_error_that_names_the_remedy() -> None:
    assert "model.eval()" in refused(llama().train())


def test_a_budget_beyond_the_models_positions_is_an_error() -> None:
    assert "needs as many positions, and the model was made for 256" in refused(llama(), Budget(4, 200, 53))


def test_every_refusal_names_a_remedy() -> None:
    for config in (SCALED["yarn"], PARTIAL["phi"], DROPPING["mamba"], WITHOUT_ROPE["gpt2"], INTERLEAVED["cohere"]):
        assert "EntropyFilter outside of the model" in refused(build(config))


def offloaded() -> Any:
    """As `DynamicCache(offloading=True)`, which can't be made with a GPU's build of PyTorch where there is no GPU."""
    cache = hf.DynamicCache()
    cache.offloading = True
    return cache


@pytest.mark.parametrize(
    ("cache", "name"),
    [
        (hf.StaticCache(config=SUPPORTED["llama"], max_cache_len=32), "StaticCache with layers of kind StaticLayer"),
        (hf.DynamicCache(config=DROPPING["mistral"]), "DynamicSlidingWindowLayer"),
        (hf.DynamicCache(config=DROPPING["qwen3_next"]), "LinearAttentionLayer"),
        (offloaded(), "isn't offloaded"),
        ([], "a list with layers of kind none"),
    ],
)
def test_a_cache_whose_tokens_cannot_leave_is_an_error(cache: Any, name: str) -> None:
    message = refused(llama(), cache=cache)
    assert name in message
    assert "Pass none" in message


def test_a_cache_that_holds_tokens_already_is_an_error() -> None:
    model = llama()
    cache = EntropyCache(model, SMALL)
    cache.feed([1, 2])
    assert "must be empty" in refused(model, cache=cache.cache)
