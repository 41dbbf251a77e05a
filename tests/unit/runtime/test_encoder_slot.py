"""Foreign encoders: whatever they do, the caller gets unit rows or an EncoderError that holds no text."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from word_encoder import WordEncoder

from memkit.encoders.hashing import HashingEncoder
from memkit.errors import EncoderError, EncoderMismatchError
from memkit.runtime import encoder_slot, foreign_calls
from memkit.runtime.encoder_slot import EncoderSlot, encode_guarded
from memkit.text.token_vectors import TokenVectors

SECRET_TEXT = "the vault opens with 7731"


class Odd:
    """An encoder that does what it is told."""

    name, dimension = "odd", 2

    def __init__(self, act: Callable[[list[str]], Any]) -> None:
        self.encode = act


def failing(error: BaseException) -> Odd:
    def act(texts: list[str]) -> Any:
        raise error

    return Odd(act)


def test_good_rows_come_through_as_they_are() -> None:
    encoder = HashingEncoder()
    assert (encode_guarded(encoder, ["a", "b"], 5) == encoder.encode(["a", "b"])).all()


@pytest.mark.parametrize(
    "rows",
    [
        [[1.0, 0.0]],
        [[1.0, 0.0, 0.0]] * 2,
        [1.0, 0.0],
        [[1.0, 0.0], [1.0]],
        [[np.nan, 1.0]] * 2,
        [[np.inf, 1.0]] * 2,
        [[0.0, 0.0], [1.0, 0.0]],
        [["a", "b"]] * 2,
        None,
        "rows",
    ],
)
def test_rows_of_a_wrong_kind_are_an_error(rows: Any) -> None:
    with pytest.raises(EncoderError, match="'odd'"):
        encode_guarded(Odd(lambda _: rows), ["a", "b"], 5)


def test_rows_that_are_not_of_unit_norm_or_float32_are_made_so() -> None:
    rows = encode_guarded(Odd(lambda _: [[3, 4], [0, 2]]), ["a", "b"], 5)
    assert rows.dtype == np.float32
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0, 1]]))


def test_no_texts_give_no_rows() -> None:
    assert encode_guarded(HashingEncoder(8), [], 5).shape == (0, 8)


@pytest.mark.parametrize(
    "error", [ValueError(SECRET_TEXT), KeyError(SECRET_TEXT), MemoryError(SECRET_TEXT), AssertionError(SECRET_TEXT)]
)
def test_whatever_it_raises_is_an_encoder_error_without_the_text(error: Exception) -> None:
    with pytest.raises(EncoderError, match=type(error).__name__) as caught:
        encode_guarded(failing(error), [SECRET_TEXT], 5)
    assert "vault" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_error_of_memkits_own_comes_through() -> None:
    with pytest.raises(EncoderMismatchError):
        encode_guarded(failing(EncoderMismatchError("other")), ["a"], 5)


def test_a_hanging_encoder_is_an_error_after_the_timeout_and_the_next_call_goes_through() -> None:
    release = threading.Event()

    def hang(texts: list[str]) -> Any:
        release.wait(30)
        return [[1.0, 0.0]]

    start = time.monotonic()
    with pytest.raises(EncoderError, match="longer than"):
        encode_guarded(Odd(hang), ["a"], 0.1)
    assert time.monotonic() - start < 5
    assert encode_guarded(HashingEncoder(8), ["a"], 5).shape == (1, 8)
    release.set()


class Loading(HashingEncoder):
    """An encoder that loads until it is let go, or fails to."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__(8)
        self.asked, self.open, self.failures = threading.Event(), threading.Event(), list(failures)

    def load(self) -> None:
        self.asked.set()
        assert self.open.wait(30)
        if self.failures:
            raise self.failures.pop(0)


def test_loading_is_no_part_of_the_time_that_a_text_may_take() -> None:
    encoder, rows = Loading(), []
    caller = threading.Thread(target=lambda: rows.append(EncoderSlot(encoder, timeout=0.5).encode(["a", "b"])))
    caller.start()
    assert encoder.asked.wait(30)
    time.sleep(0.6)  # beyond the limit of a text
    encoder.open.set()
    caller.join(30)
    assert rows[0].shape == (2, 8)


def test_a_load_that_fails_is_an_error_without_its_message_and_is_tried_again() -> None:
    encoder = Loading(OSError(SECRET_TEXT))
    encoder.open.set()
    slot = EncoderSlot(encoder, timeout=5)
    with pytest.raises(EncoderError, match="OSError") as caught:
        slot.encode(["a"])
    assert "vault" not in str(caught.value)
    assert slot.encode(["a"]).shape == (1, 8)


def test_warming_has_no_limit_even_where_an_encoder_loads_with_its_first_text() -> None:
    asked, release = threading.Event(), threading.Event()

    class Lazy(HashingEncoder):
        def encode(self, texts: list[str]) -> Any:
            asked.set()
            assert release.wait(30)
            return super().encode(texts)

    slot = EncoderSlot(Lazy(8), timeout=0.01)
    caller = threading.Thread(target=slot.warm)
    caller.start()
    assert asked.wait(30)
    caller.join(0.05)  # beyond the limit of a text
    assert caller.is_alive()
    release.set()
    caller.join(30)
    assert not slot.is_overdue


def test_the_limit_grows_with_the_texts_of_a_batch_and_a_first_text_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[tuple[int, float]] = []

    def guarded(encoder: Any, texts: list[str], timeout: float, **_: Any) -> Any:
        limits.append((len(texts), timeout))
        return encoder.encode(texts)

    monkeypatch.setattr(encoder_slot, "encode_guarded", guarded)
    texts = [f"text {n}" for n in range(9)]
    slot = EncoderSlot(HashingEncoder(8), timeout=2.0, batch=4)
    assert (slot.encode(texts) == HashingEncoder(8).encode(texts)).all()
    assert limits == [(1, 2.0), (4, 8.0), (4, 8.0)]


def refusing_after(count: int) -> Odd:
    """An encoder that fails after so many texts."""
    left = [count]

    def act(texts: list[str]) -> Any:
        left[0] -= len(texts)
        if left[0] < 0:
            raise RuntimeError(SECRET_TEXT)
        return [[1.0, 0.0]] * len(texts)

    return Odd(act)


@pytest.mark.parametrize(("count", "rows"), [(0, 0), (1, 1), (3, 3), (4, 3), (9, 9)])
def test_rows_that_were_made_before_an_encoder_failed_are_there(count: int, rows: int) -> None:
    slot = EncoderSlot(refusing_after(count), timeout=5, batch=2)
    assert slot.encode_some([f"text {n}" for n in range(9)]).shape == (rows, 2)


def test_a_call_that_took_too_long_is_overdue_until_it_comes_back() -> None:
    release = threading.Event()

    def hang(texts: list[str]) -> Any:
        assert release.wait(30)
        return [[1.0, 0.0]]

    slot = EncoderSlot(Odd(hang), timeout=0.01)
    assert slot.encode_some(["a", "b"]).shape == (0, 2)
    assert slot.is_overdue
    release.set()
    settle()
    assert not slot.is_overdue


def settle() -> None:
    """Wait until every worker rests: one that an earlier test had kept busy may come back at any time."""
    for _ in range(2000):
        workers = sum(thread.name == "memkit-foreign" for thread in threading.enumerate())
        if workers <= len(foreign_calls._idle):
            return
        time.sleep(0.01)


def test_calls_one_after_the_other_share_a_thread_and_calls_at_once_do_not() -> None:
    settle()
    seen: list[int] = []
    both = threading.Barrier(2, timeout=20)

    def note(texts: list[str]) -> Any:
        seen.append(threading.get_ident())
        return [[1.0, 0.0]]

    def meet(texts: list[str]) -> Any:
        both.wait()
        return note(texts)

    for _ in range(5):
        encode_guarded(Odd(note), ["a"], 20)
        time.sleep(0.01)
    assert len(set(seen)) == 1
    seen.clear()
    callers = [threading.Thread(target=encode_guarded, args=(Odd(meet), ["a"], 20)) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert len(set(seen)) == 2


def run(script: str) -> subprocess.CompletedProcess[str]:
    lead = "import time; from memkit.runtime.encoder_slot import encode_guarded as guarded\n"
    lead += "from memkit.encoders.hashing import HashingEncoder\nfrom memkit.errors import EncoderError\n"
    return subprocess.run([sys.executable, "-c", lead + script], capture_output=True, text=True, timeout=60)


def test_a_hanging_encoder_does_not_keep_the_process_from_ending() -> None:
    done = run(
        "class Hang(HashingEncoder):\n"
        "    def encode(self, texts): time.sleep(600)\n"
        "try: guarded(Hang(), ['a'], 0.1)\n"
        "except EncoderError: print('timed out')\n"
    )
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("timed out", "", 0)


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_a_forked_process_encodes_though_its_parents_threads_are_gone() -> None:
    done = run(
        "import os, warnings; warnings.simplefilter('ignore')\n"
        "guarded(HashingEncoder(), ['a'], 5); time.sleep(.1)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if guarded(HashingEncoder(), ['a'], 5).shape == (1, 256) else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert (done.stdout.strip(), done.stderr) == ("0", "")


def test_an_encoder_of_memkits_own_without_foreign_code_is_called_in_the_callers_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    callers = []
    encode = HashingEncoder.encode
    monkeypatch.setattr(
        HashingEncoder, "encode", lambda self, texts: callers.append(threading.get_ident()) or encode(self, texts)
    )
    assert encode_guarded(HashingEncoder(8), ["a"], None).shape == (1, 8)
    assert callers == [threading.get_ident()]


def test_the_vectors_of_tokens_come_with_those_of_their_texts() -> None:
    rows, tokens = EncoderSlot(WordEncoder(), timeout=5, batch=1).encode_some_tokens(["one lamp", "two"])
    assert [len(own.spans) for own in tokens] == [2, 1]
    assert (rows == np.stack([own.whole for own in tokens])).all()


def test_an_encoder_without_tokens_gives_its_rows_alone() -> None:
    rows, tokens = EncoderSlot(HashingEncoder(), timeout=5).encode_some_tokens(["one lamp", "two"])
    assert (len(rows), tokens) == (2, [])


@pytest.mark.parametrize("shape", [(1, 256), (2, 3)])
def test_tokens_of_another_shape_than_their_spans_are_the_encoders_failure(shape: tuple[int, int]) -> None:
    class Wrong(WordEncoder):
        def encode_tokens(self, texts: list[str]) -> list[TokenVectors]:
            return [own._replace(vectors=np.zeros(shape, np.float32)) for own in super().encode_tokens(texts)]

    slot = EncoderSlot(Wrong(), timeout=5)
    assert slot.question_tokens(SECRET_TEXT) is None
    assert len(slot.encode_some_tokens([SECRET_TEXT])[0]) == 0


def test_a_questions_tokens_are_made_once_and_its_vector_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    slot = EncoderSlot(WordEncoder(), timeout=5)
    first = slot.question_tokens("Who plays the cello?")
    monkeypatch.setattr(WordEncoder, "encode_tokens", failing(ValueError()).encode)
    monkeypatch.setattr(WordEncoder, "encode", failing(ValueError()).encode)
    assert slot.question_tokens("Who plays the cello?") is first
    assert slot.question_vectors(["Who plays the cello?"]) is not None
