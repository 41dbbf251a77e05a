"""Foreign encoders: whatever they do, the caller gets unit rows or an EncoderError that holds no text."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from memkit.encoders.hashing import HashingEncoder
from memkit.errors import EncoderError, EncoderMismatchError
from memkit.runtime import encoder_slot
from memkit.runtime.encoder_slot import encode_guarded

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


def settle() -> None:
    """Wait until every worker rests: one that an earlier test had kept busy may come back at any time."""
    for _ in range(2000):
        workers = sum(thread.name == "memkit-encoder" for thread in threading.enumerate())
        if workers <= len(encoder_slot._idle):
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
