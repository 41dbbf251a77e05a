"""Surprisal from a Hugging Face causal language model: a tiny random one, built here."""

import math
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from memkit.errors import InputError
from memkit.protocols import SurprisalModel
from memkit.surprisal.causal_lm import CausalLMSurprisal

WORDS = ["<s>", "<unk>", "the", "cat", "sat", "on", "mat", "and", "slept"]
TEXT = "the cat sat on the mat and the cat slept"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<s>", unk_token="<unk>")


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(7)
    torch.set_num_threads(1)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(WORDS), max_position_embeddings=64, bos_token_id=0, **sizes)
    return LlamaForCausalLM(config).eval()


def expected(model: Any, ids: list[int]) -> list[float]:
    """-ln P of each token after the start token, straight from the model's own loss."""
    found = []
    for i in range(len(ids)):
        read = torch.tensor([[0, *ids[:i]]])
        with torch.inference_mode():
            found.append(-float(model(input_ids=read).logits[0, -1].double().log_softmax(-1)[ids[i]]))
    return found


def test_it_is_a_surprisal_model(model: Any, tokenizer: Any) -> None:
    assert isinstance(CausalLMSurprisal(model, tokenizer), SurprisalModel)


def test_each_token_has_its_surprisal_and_its_characters(model: Any, tokenizer: Any) -> None:
    tokens = CausalLMSurprisal(model, tokenizer).score(TEXT)
    assert [TEXT[t.start : t.end] for t in tokens] == TEXT.split()
    ids = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    assert [t.surprisal for t in tokens] == pytest.approx(expected(model, ids), abs=1e-5)


def test_a_long_text_is_read_in_windows_that_overlap_by_half(model: Any, tokenizer: Any) -> None:
    text = " ".join([TEXT] * 20)
    tokens = CausalLMSurprisal(model, tokenizer, window=17).score(text)
    assert [text[t.start : t.end] for t in tokens] == text.split()
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    start = expected(model, ids[:16])
    assert [t.surprisal for t in tokens[:16]] == pytest.approx(start, abs=1e-5)
    second = expected(model, ids[8:24])[8:]
    assert [t.surprisal for t in tokens[16:24]] == pytest.approx(second, abs=1e-5)


def test_a_text_longer_than_the_model_reads_is_no_error(model: Any, tokenizer: Any) -> None:
    text = " ".join([TEXT] * 30)
    assert len(CausalLMSurprisal(model, tokenizer).score(text)) == 300


def test_without_a_start_token_the_first_one_is_as_likely_as_any(model: Any, tokenizer: Any) -> None:
    bare = PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer, unk_token="<unk>")
    assert CausalLMSurprisal(model, bare).score("cat")[0].surprisal == pytest.approx(math.log(len(WORDS)))


def test_an_empty_text_has_no_tokens(model: Any, tokenizer: Any) -> None:
    assert CausalLMSurprisal(model, tokenizer).score("") == []


def test_a_model_is_loaded_from_a_folder_with_the_first_text(model: Any, tokenizer: Any, tmp_path: Any) -> None:
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = CausalLMSurprisal(str(tmp_path)).score(TEXT)
    given = CausalLMSurprisal(model, tokenizer).score(TEXT)
    assert [t.surprisal for t in loaded] == pytest.approx([t.surprisal for t in given], abs=1e-5)


def test_a_tokenizer_that_cannot_say_where_tokens_stand_is_an_error(model: Any) -> None:
    with pytest.raises(InputError, match="fast tokenizer"):
        CausalLMSurprisal(model).score(TEXT)
