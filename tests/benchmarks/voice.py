"""How long a voice turn waits for its memories, with a budget of 50 ms, while what is said is written beside it.

    python tests/benchmarks/voice.py --turns 10000 --encoder hashing

Prints milliseconds of 60 turns: the median, the greatest, how many got nothing in time; and how long handing in took.
"""

import argparse
import asyncio
import logging
import random
import statistics
import tempfile
import time
from pathlib import Path

from memkit_adapters.voice import VoiceMemory, VoiceOptions

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import RuntimeSettings

WORDS = (
    "river garden tram nurse paper window violin soup ladder cousin market stone letter bicycle winter harbour lamp "
    "orchard ticket cellar blanket pepper mirror basket uncle"
).split()
ASKED_TURNS = 60
PAUSE_SECONDS = 0.3  # between turns: far less than an answer takes


def told(number: int, random_words: random.Random) -> tuple[str, str]:
    """A turn of the past."""
    words = random_words.choices(WORDS, k=4)
    return "Ana", f"On day {number} the {words[0]} of my {words[1]} stood by the {words[2]} near the {words[3]}."


async def measured(bank: memkit.MemoryBank, random_words: random.Random) -> tuple[list[float], list[float]]:
    """Milliseconds that turns waited, and that handing in took."""
    voice = VoiceMemory(lambda: bank, "call", VoiceOptions("Ana"))
    voice.warm()
    await asyncio.sleep(1)
    waits, writes = list[float](), list[float]()
    for number in range(ASKED_TURNS):
        asked = f"Where did the {random_words.choice(WORDS)} of my {random_words.choice(WORDS)} stand, {number}?"
        said = {"role": "user", "content": asked}
        start = time.perf_counter()
        await voice.block(asked, [said], str(number))
        waits.append((time.perf_counter() - start) * 1000)
        start = time.perf_counter()
        voice.hear([{**said, "id": f"q{number}"}], [str(number)])
        writes.append((time.perf_counter() - start) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    return waits, writes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=1000, help="turns that the bank holds")
    parser.add_argument("--encoder", choices=("minilm", "hashing"), default="minilm")
    options = parser.parse_args()
    logging.getLogger("memkit").setLevel(logging.ERROR)
    encoder = HashingEncoder() if options.encoder == "hashing" else None
    random_words = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        settings = memkit.Settings(runtime=RuntimeSettings(encode_late=True))
        with memkit.open(Path(folder, "memory.db"), encoder=encoder) as store:  # all vectors are there
            store.bank("a").observe(told(number, random_words) for number in range(options.turns))
        with memkit.open(Path(folder, "memory.db"), encoder=encoder, settings=settings) as store:
            waits, writes = asyncio.run(measured(store.bank("a"), random_words))
    late, median = sum(wait >= VoiceOptions().budget_ms for wait in waits), statistics.median(waits)
    print(
        f"{options.turns:,} turns, {options.encoder}: waited {median:.1f} ms, at most {max(waits):.1f}; "
        f"late {late} of {len(waits)}; handed in within {statistics.median(writes):.3f} ms"
    )


if __name__ == "__main__":
    main()
