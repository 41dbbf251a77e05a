"""The mean of the default model's token vectors, over frequent English words that are no stop words, each alone.

Writes it into memkit/encoders; run it again where the model or the list of words changes:
    python tests/benchmarks/token_mean.py
"""

from importlib.resources import files

import numpy as np

from memkit.encoders.sentence_transformer import SentenceTransformerEncoder
from memkit.encoders.token_mean import MEAN_FILES
from memkit.protocols import FloatArray
from memkit.text.terms.tokens import words


def frequent_words() -> list[str]:
    """Words of the list by which surprisal tells frequent ones."""
    lines = (files("memkit.surprisal") / "frequent_english.txt").read_text(encoding="utf-8").splitlines()
    every = [word for line in lines if not line.startswith("#") for word in line.split()]
    return [word for word in dict.fromkeys(every) if words(word)]


def mean_of(encoder: SentenceTransformerEncoder) -> FloatArray:
    """The mean of the unit vectors of these words' tokens, (dimension,); the encoder knows none yet."""
    vectors = [own.vectors for own in encoder.encode_tokens(frequent_words())]
    return np.asarray(np.concatenate(vectors).mean(axis=0), dtype=np.float32)


if __name__ == "__main__":
    [(model, name)] = MEAN_FILES.items()
    mean = mean_of(SentenceTransformerEncoder(model, name="without a mean"))
    np.save(str(files("memkit.encoders") / name), mean.astype(np.float16))
    print(f"{name}: {len(mean)} numbers, of norm {np.linalg.norm(mean):.3f}")
