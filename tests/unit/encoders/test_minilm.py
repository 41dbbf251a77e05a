"""The default encoder: the vectors of the full one without PyTorch, and PyTorch where bulk work pays for it."""

import json
import math
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memkit
from memkit.encoders import bert
from memkit.encoders import minilm as module
from memkit.encoders.hashing import HashingEncoder
from memkit.encoders.light import WEIGHTS_FILE, LightEncoder
from memkit.encoders.minilm import BULK_TEXTS, MiniLMEncoder
from memkit.encoders.sentence_transformer import DEFAULT_MODEL, SentenceTransformerEncoder, load_plain, model_location
from memkit.errors import EncoderError
from memkit.protocols import Encoder, FloatArray, LoadsAhead
from memkit.text.reading import TellsPieces
from memkit.text.token_vectors import EncodesTokens

if model_location() == DEFAULT_MODEL:
    pytest.skip("the package that carries the default model isn't installed", allow_module_level=True)

VARIED_TEXTS = [
    "",
    "ok",
    "Ana: I moved to Lisbon in May.",
    "Bob: 我住在里斯本 🎉👩‍👩‍👧",
    "Ünïcödé, ﬁne print and ¡signos!",
    "\x00\n\t control \u200b characters",
    "[CLS] marks in [SEP] a text [PAD]",
    "x" * 300,
    "word " * 1_000,
    " ".join(f"number{i}, and then" for i in range(250)),
    "Привет, как дела?",
]
BLOCK_TORCH = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers", "sentence_transformers"):
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture(scope="module")
def light() -> LightEncoder:
    return LightEncoder(model_location())


@pytest.fixture(scope="module")
def exact() -> Any:
    return load_plain(DEFAULT_MODEL)


def test_its_vectors_are_those_of_the_full_one_in_float32(light: LightEncoder, exact: Any) -> None:
    rows = light.encode(VARIED_TEXTS)
    assert (rows.dtype, rows.shape) == (np.float32, (len(VARIED_TEXTS), 384))
    assert rows == pytest.approx(exact.encode(VARIED_TEXTS, normalize_embeddings=True), abs=1e-5)


def test_the_vectors_of_tokens_and_their_spans_are_those_of_the_full_one(light: LightEncoder, exact: Any) -> None:
    full = SentenceTransformerEncoder()
    full._model = exact
    for own, expected in zip(light.encode_tokens(VARIED_TEXTS), full.encode_tokens(VARIED_TEXTS), strict=True):
        assert own.spans.tolist() == expected.spans.tolist()
        assert own.vectors == pytest.approx(expected.vectors, abs=1e-4)
        assert own.whole == pytest.approx(expected.whole, abs=1e-5)


def test_texts_are_cut_into_the_same_pieces(light: LightEncoder) -> None:
    assert light.pieces(VARIED_TEXTS) == SentenceTransformerEncoder().pieces(VARIED_TEXTS)


def test_the_activation_is_that_of_the_model_to_a_few_millionths() -> None:
    values = np.concatenate([np.linspace(-9, 9, 20_001), [-1e4, -40, 40, 1e4]]).astype(np.float32)
    expected = [x * (1 + math.erf(x / math.sqrt(2))) for x in values.tolist()]
    assert bert._twice_gelu(values[:, None].copy())[:, 0] == pytest.approx(expected, abs=1e-5, rel=1e-6)


@pytest.mark.parametrize("words", range(1, 10))
def test_what_fills_up_a_batch_changes_no_vector(words: int, light: LightEncoder) -> None:
    text = "tree " * words
    alone, beside = light.encode([text])[0], light.encode([text, "ok"])[0]
    assert alone == pytest.approx(beside, abs=1e-6)
    assert len(light.encode_tokens([text])[0].spans) == words


def test_a_text_has_the_same_vector_alone_and_in_a_batch(light: LightEncoder) -> None:
    alone = np.vstack([light.encode([text]) for text in VARIED_TEXTS])
    assert light.encode(VARIED_TEXTS) == pytest.approx(alone, abs=1e-6)
    assert light.encode([]).shape == (0, 384)


def test_several_threads_get_the_same_vectors_as_one(light: LightEncoder) -> None:
    expected = light.encode(VARIED_TEXTS)
    results: list[FloatArray] = []
    threads = [threading.Thread(target=lambda: results.append(light.encode(VARIED_TEXTS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 4
    assert all(np.array_equal(rows, expected) for rows in results)


def test_it_offers_all_that_an_encoder_may() -> None:
    encoder = MiniLMEncoder()
    assert all(isinstance(encoder, protocol) for protocol in (Encoder, LoadsAhead, TellsPieces, EncodesTokens))
    assert (encoder.name, encoder.dimension) == (DEFAULT_MODEL, 384)


class FullDouble:
    """The full encoder's place: counts what it is asked for; `error` is what loading it raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.encoded = error, 0

    def load(self) -> None:
        if self.error is not None:
            raise self.error

    def encode(self, texts: list[str]) -> FloatArray:
        self.encoded += len(texts)
        return np.zeros((len(texts), 384), dtype=np.float32)


def encoder_with(full: FullDouble, monkeypatch: pytest.MonkeyPatch, *, is_faster: bool = True) -> MiniLMEncoder:
    monkeypatch.setattr(module, "is_full_faster", lambda: is_faster)
    monkeypatch.setattr(module, "PAYING_CHARS", 3 * BULK_TEXTS)
    encoder = MiniLMEncoder()
    monkeypatch.setattr(encoder, "_full", full)
    return encoder


def test_bulk_goes_to_the_full_one_once_there_was_enough_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    full = FullDouble()
    encoder = encoder_with(full, monkeypatch)
    for _ in range(2):
        encoder.encode(["ok"] * BULK_TEXTS)
    encoder.encode(["ok"] * (BULK_TEXTS - 1))
    assert full.encoded == BULK_TEXTS


@pytest.mark.parametrize(("announced", "encoded"), [(3 * BULK_TEXTS, 0), (3 * BULK_TEXTS + 1, BULK_TEXTS)])
def test_much_that_is_announced_goes_to_the_full_one_at_once(
    announced: int, encoded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = FullDouble()
    encoder = encoder_with(full, monkeypatch)
    encoder.expect(announced)
    encoder.encode(["ok"] * BULK_TEXTS)
    assert full.encoded == encoded


def test_what_is_observed_in_many_transactions_is_announced_as_a_whole() -> None:
    announced: list[int] = []

    class Listening(HashingEncoder):
        def expect(self, characters: int) -> None:
            announced.append(characters)

    with memkit.open(":memory:", encoder=Listening()) as store:
        store.bank("ana").observe([("ana", f"word {n}") for n in range(1000)])
        store.bank("bo").observe([("bo", "words")] * 1001)
    assert announced == [5005]


def test_a_few_texts_never_count_as_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    full = FullDouble()
    encoder = encoder_with(full, monkeypatch)
    for _ in range(5):
        encoder.encode(["ok"] * (BULK_TEXTS - 1))
    assert full.encoded == 0


@pytest.mark.parametrize("error", [ImportError("torch"), EncoderError("no such model")])
def test_bulk_stays_light_where_the_full_one_cannot_be_loaded(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = encoder_with(FullDouble(error), monkeypatch)
    for _ in range(3):
        rows = encoder.encode(["ok"] * BULK_TEXTS)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)


def test_bulk_stays_light_where_the_full_one_is_not_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    full = FullDouble()
    encoder = encoder_with(full, monkeypatch, is_faster=False)
    for _ in range(3):
        encoder.encode(["ok"] * BULK_TEXTS)
    assert full.encoded == 0


def test_without_the_weights_package_the_full_one_encodes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "model_location", lambda: DEFAULT_MODEL)
    encoder = MiniLMEncoder()
    assert isinstance(encoder._light, SentenceTransformerEncoder)


def copied_model(folder: Path) -> Path:
    for name in (WEIGHTS_FILE, "tokenizer.json"):
        shutil.copy(Path(model_location()) / name, folder / name)
    return folder


@pytest.mark.parametrize("damage", [lambda whole: whole[:1000], lambda whole: b"", lambda whole: b"{}" + whole[2:]])
def test_damaged_weights_are_an_error_of_one_line(damage: Any, tmp_path: Path) -> None:
    path = copied_model(tmp_path) / WEIGHTS_FILE
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(EncoderError, match=r"^[^\n]*weights can't be read[^\n]*Install their package again[^\n]*$"):
        LightEncoder(tmp_path).load()


def test_weights_of_another_model_are_an_error(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    copied_model(tmp_path)
    save_file({"weights": np.zeros(3, dtype=np.float32)}, tmp_path / WEIGHTS_FILE)
    with pytest.raises(EncoderError, match="weights can't be read"):
        LightEncoder(tmp_path).load()


def test_a_damaged_tokenizer_is_an_error(tmp_path: Path) -> None:
    (copied_model(tmp_path) / "tokenizer.json").write_text("{")
    with pytest.raises(EncoderError, match="tokenizer can't be read"):
        LightEncoder(tmp_path).load()


def run(script: str, cwd: Path) -> Any:
    done = subprocess.run([sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_bank_is_filled_and_asked_where_torch_cannot_be_imported_in_bulk_too(tmp_path: Path) -> None:
    script = BLOCK_TORCH + (
        "import json, memkit\n"
        "from memkit.encoders import minilm\n"
        "minilm.PAYING_CHARS, minilm.is_full_faster = 0, lambda: True\n"
        "turns = [('ana', f'I have {n} ducks in my garden') for n in range(100)]\n"
        "with memkit.open('a.db') as store:\n"
        "    bank = store.bank('ana')\n"
        "    receipt = bank.observe([*turns, ('ana', 'My sister Rita visits on Thursday.')])\n"
        "    hits = bank.recall('When does a relative come?', min_score=0)\n"
        "    print(json.dumps([receipt.unencoded, hits[0].memory.text]))\n"
    )
    assert run(script, tmp_path) == [0, "My sister Rita visits on Thursday."]


def test_encoding_goes_on_in_a_forked_child(light: LightEncoder) -> None:
    script = (
        "import json, os\n"
        "from memkit.encoders import default_encoder\n"
        "encoder = default_encoder()\n"
        "before = encoder.encode(['word ' * 200] * 9)\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os._exit(int((encoder.encode(['word ' * 200] * 9) != before).any()))\n"
        "print(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))\n"
    )
    if sys.platform == "win32":
        pytest.skip("forks of POSIX")
    assert run(script, Path.cwd()) == 0
