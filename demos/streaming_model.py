"""A model that reads on and on in constant memory, and still holds what surprised it at the start.

What it is: SirLLM inside a model (`EntropyCache`). A tiny Llama learns small talk about animals here (some
seconds); then it is told a code once, and reads small talk ever after, with room for 64 tokens.
How to run: python demos/streaming_model.py                                      (--tokens 100000)
What you will see: the cache's bytes, which stay the same; what is left of the words around the code, beside a
cache of the same size that keeps the newest only; a few words that the model then writes, one by one.
"""

import argparse
import random
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from memkit.kv_cache import EntropyCache, sampling
from memkit.surprisal.entropy_filter import Budget

ANIMALS = "cat dog hen fox owl".split()
DEEDS = "sat slept ate sang".split()
PLACES = "mat sofa roof lawn".split()
WORDS = [".", "the", "on", *ANIMALS, *DEEDS, *PLACES, "code", "is", "violet", "otter"]
CODE = "the code is violet otter ."


def small_talk(rng: random.Random) -> str:
    return f"the {rng.choice(ANIMALS)} {rng.choice(DEEDS)} on the {rng.choice(PLACES)} ."


def ids(text: str) -> list[int]:
    return [WORDS.index(word) for word in text.split()]


def trained(rng: random.Random, steps: int = 150) -> Any:
    """A Llama of two layers that knows how small talk goes, and nothing of codes."""
    torch.manual_seed(1)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(WORDS), num_key_value_heads=2, eos_token_id=None, **sizes))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        batch = torch.tensor([ids(" ".join(small_talk(rng) for _ in range(6))) for _ in range(16)])
        model(input_ids=batch, labels=batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


def stream(cache: EntropyCache, rng: random.Random, tokens: int) -> None:
    """Small talk, the code, and small talk until so many tokens were read."""
    for _ in range(3):
        cache.feed(ids(small_talk(rng)))
    told = cache.feed(ids(CODE))
    print("  surprisal:", ", ".join(f"{word} {e:.1f}" for word, e in zip(CODE.split(), told, strict=True)), "nats")
    while cache.seen < tokens:
        cache.feed(ids(small_talk(rng)))
        if cache.seen % (tokens // 4) < 7:
            print(f"  {cache.seen:6,} tokens read, {len(cache)} held, {cache.nbytes:,} bytes")


def left_of_the_start(cache: EntropyCache) -> str:
    """The words among the first thirty of the stream that are still there."""
    held = zip(cache.tokens, cache.positions, strict=True)
    return " ".join(WORDS[token] for token, position in held if position < 30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=20_000, help="how many are read in all, at least 100")
    tokens = max(100, parser.parse_args().tokens)
    torch.set_num_threads(1)  # so small a model only waits for more
    model = trained(random.Random(1))
    budgets = {"what surprises": Budget(start=4, entropy=44, recent=16), "the newest": Budget(4, 0, 60)}
    for name, budget in budgets.items():
        print(f"A cache of {budget.capacity} tokens that keeps {name}:")
        cache = EntropyCache(model, budget)
        stream(cache, random.Random(2), tokens)
        print(f"  left of the start: {left_of_the_start(cache)}")
        print("  it goes on:", end=" ")
        for token in cache.generate(ids("the owl"), max_new_tokens=16, choose=sampling(seed=3)):
            print(WORDS[token], end=" ", flush=True)
        print()


if __name__ == "__main__":
    main()
