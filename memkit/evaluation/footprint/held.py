"""Run as a program, with a database and an encoder: what a worker that serves recalls holds in memory, step by step.

Nothing but the standard library and the room's own meter is imported before. Prints the megabytes that the process
holds after each step, by its name, as one JSON object.
"""

import json
import sys
from pathlib import Path
from typing import Any

from memkit.evaluation.footprint.resident import resident

FURTHER_QUESTIONS = 100  # each asked once, after the first
FIRST_QUESTION = "What was said about the ladder?"


def work(db: Path, encoder: str) -> dict[str, float]:
    """Megabytes of a process that did nothing before, after each step."""
    held = {"Python": resident()}
    import numpy as np
    import pydantic.main

    held[f"{np.__name__} and {pydantic.__name__}"] = resident()
    import memkit
    from memkit.encoders import OnnxEncoder, encoder_named

    store_type = memkit.MemoryStore
    held[f"the modules of {store_type.__module__.partition('.')[0]}"] = resident()
    chosen = OnnxEncoder(encoder) if Path(encoder).is_dir() else encoder_named(encoder)
    held |= loaded(chosen)
    with memkit.open(db, encoder=chosen, read_only=True) as store:
        bank = store.bank("ana")
        questions = [memory.text for memory in bank.list(limit=FURTHER_QUESTIONS)]
        held["the file, opened and read from"] = resident()
        bank.recall(FIRST_QUESTION)
        held["the bank's index, with the first recall"] = resident()
        for question in questions:
            bank.recall(question)
        held[f"words and buffers, with {FURTHER_QUESTIONS} recalls more"] = resident()
    return held


def loaded(encoder: Any) -> dict[str, float]:
    """Megabytes after a stem was made, the encoder's tokenizer loaded, and its weights, as far as it has any."""
    from memkit.protocols import LoadsAhead
    from memkit.text.reading import TellsPieces
    from memkit.text.terms.tokens import stem

    stem("stemming")
    held = {"the stemmer": resident()}
    if isinstance(encoder, TellsPieces):
        encoder.pieces([FIRST_QUESTION])
        held["the encoder's tokenizer"] = resident()
    if isinstance(encoder, LoadsAhead):
        encoder.load()
        held["its weights"] = resident()
    return held


if __name__ == "__main__":
    sys.stdout.write(json.dumps(work(Path(sys.argv[1]), sys.argv[2])) + "\n")
