"""The exported encoder: its original's vectors without PyTorch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import memkit
from memkit.encoders.sentence_transformer import DEFAULT_MODEL, SentenceTransformerEncoder, load_plain, model_location
from memkit.errors import EncoderError, EncoderMismatchError, InputError
from memkit.evaluation.encoder_agreement import agreement
from memkit.evaluation.formats.jsonl import lines
from memkit.protocols import Encoder
from memkit.settings import RuntimeSettings

pytest.importorskip("onnxruntime", reason="the extra onnx isn't installed")
pytest.importorskip("onnxscript", reason="the extra onnx isn't installed")
if model_location() == DEFAULT_MODEL:
    pytest.skip("the package that carries the default model isn't installed", allow_module_level=True)

from memkit.encoders.onnx import CARD_FILE, GRAPH_FILE, OnnxEncoder, read_card
from memkit.encoders.onnx_export import export
from memkit.evaluation.texts import CONVERSATIONS_FOLDER

ENCODED_TEXTS = [
    "Ana: I moved to Lisbon in May.",
    "ok",
    "",
    "Bob: 我住在里斯本 🎉",
    "Ana: " + "My sister Rita visits on Thursday, and we want to cook something without nuts. " * 30,
    *(f"Ana: the key number {i} lies under the green flowerpot" for i in range(20)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export")
    export(path)
    return path


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small")
    export(path, format="int8")
    return path


@pytest.fixture(scope="module")
def original() -> Encoder:
    return SentenceTransformerEncoder()


def test_an_export_gives_its_originals_vectors_under_its_name(folder: Path) -> None:
    exported = OnnxEncoder(folder, threads=1)
    plain = load_plain(DEFAULT_MODEL).encode(ENCODED_TEXTS, normalize_embeddings=True)
    assert np.abs(exported.encode(ENCODED_TEXTS) - plain).max() < 1e-5
    assert (exported.name, exported.dimension) == (DEFAULT_MODEL, 384)
    assert isinstance(exported, Encoder)


def test_a_text_has_the_same_vector_whatever_is_encoded_with_it(folder: Path) -> None:
    exported = OnnxEncoder(folder, threads=1)
    alone = np.concatenate([exported.encode([text]) for text in ENCODED_TEXTS])
    assert np.abs(alone - exported.encode(ENCODED_TEXTS)).max() < 1e-5
    assert exported.encode([]).shape == (0, 384)


def test_no_step_of_an_export_is_there_for_rows_that_are_padding_alone(folder: Path) -> None:
    import onnx

    steps = {node.op_type for node in onnx.load(str(folder / "model.onnx")).graph.node}
    assert "Softmax" in steps
    assert "IsNaN" not in steps


def test_an_int8_export_is_near_its_original_and_has_a_name_of_its_own(small_folder: Path, original: Encoder) -> None:
    exported = OnnxEncoder(small_folder)
    assert exported.name == read_card(small_folder).name == f"{DEFAULT_MODEL}#int8"
    assert agreement(original, exported, ENCODED_TEXTS).mean_cosine > 0.98
    assert (small_folder / GRAPH_FILE).stat().st_size < 30e6


def test_a_bank_filled_with_the_original_is_asked_with_the_export(
    folder: Path, original: Encoder, tmp_path: Path
) -> None:
    with memkit.open(tmp_path / "a.db", encoder=original) as store:
        store.bank("ana").observe([("ana", "My sister Rita lives in Porto."), ("ana", "I can't eat nuts.")])
    with memkit.open(tmp_path / "a.db", encoder=OnnxEncoder(folder)) as store:
        assert store.bank("ana").recall("Where is Rita's home?", k=1)[0].memory.text.endswith("Porto.")


def test_int8_vectors_are_not_mixed_with_others(folder: Path, tmp_path: Path) -> None:
    card = json.loads((folder / CARD_FILE).read_text())
    for name in (GRAPH_FILE, "tokenizer.json"):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / CARD_FILE).write_text(json.dumps({**card, "name": f"{DEFAULT_MODEL}#int8"}))
    with memkit.open(tmp_path / "a.db", encoder=OnnxEncoder(tmp_path)) as store:
        store.bank("ana").observe([("ana", "I can't eat nuts.")])
    with pytest.raises(EncoderMismatchError, match="int8"), memkit.open(tmp_path / "a.db", encoder=OnnxEncoder(folder)):
        pass


def test_running_an_export_needs_no_pytorch(folder: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from memkit.encoders import OnnxEncoder\n"
        "print(OnnxEncoder(sys.argv[1]).encode(['hello']).shape)"
    )
    process = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "(1, 384)"


def test_a_folder_that_is_no_export_is_an_error_that_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="memkit encoder export"):
        OnnxEncoder(tmp_path)
    (tmp_path / CARD_FILE).write_text("{}")
    with pytest.raises(InputError, match="memkit encoder export"):
        OnnxEncoder(tmp_path)


def test_a_damaged_export_is_an_error_that_names_the_file(folder: Path, tmp_path: Path) -> None:
    for name in (CARD_FILE, "tokenizer.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / GRAPH_FILE).write_bytes(b"nothing")
    with pytest.raises(EncoderError, match=r"model\.onnx"):
        OnnxEncoder(tmp_path).encode(["hello"])


def test_an_export_never_writes_into_a_folder_that_holds_something(folder: Path) -> None:
    with pytest.raises(InputError, match="empty"):
        export(folder)


def found_at_ten(encoder: Encoder) -> float:
    """The share of the demo's evidence that recall has among its first ten."""
    shares = []
    patient = memkit.Settings(runtime=RuntimeSettings(encode_timeout=600))  # whatever else the machine does
    with memkit.open(":memory:", encoder=encoder, settings=patient) as store:
        bank = store.bank("demo")
        bank.observe([memkit.Turn(**turn) for _, turn in lines(CONVERSATIONS_FOLDER / "conversation.jsonl")])
        for _, question in lines(CONVERSATIONS_FOLDER / "questions.jsonl"):
            if evidence := set(question["evidence"]):
                hits = bank.recall(question["question"], k=10, min_score=0, reinforce=False)
                shares.append(len(evidence & {hit.memory.id for hit in hits}) / len(evidence))
    return float(np.mean(shares))


def test_recall_on_the_demos_conversation_finds_as_much_with_an_export(
    folder: Path, small_folder: Path, original: Encoder
) -> None:
    usual = found_at_ten(original)
    assert usual > 0.7
    assert found_at_ten(OnnxEncoder(folder)) == pytest.approx(usual, abs=0.01)
    assert found_at_ten(OnnxEncoder(small_folder)) == pytest.approx(usual, abs=0.02)
