"""A surprisal model that fails loses nothing: its turns are stored without salience, and a warning says so."""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scoring_server import Reply, serving

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError, SurprisalError, SurprisalUnavailableError
from memkit.protocols import Token

SECRET = "quetzal-marimba-9471"
TURNS = [("ana", f"My vault code is {SECRET}"), ("ana", "The key lies under the green flowerpot"), ("ana", "ok")]

Scoring = Callable[[str], Any]


class Scripted:
    """A model that scores with a function of the test's, and notes what it was asked."""

    def __init__(self, score: Scoring, learn: Callable[[str], None] = lambda text: None) -> None:
        self.asked: list[str] = []
        self._score, self.learn = score, learn

    def score(self, text: str) -> list[Token]:
        self.asked.append(text)
        found: list[Token] = self._score(text)
        return found


def whole(text: str) -> list[Token]:
    return [Token(0, len(text), 8.0)]


def fail(error: Exception) -> Scoring:
    def score(text: str) -> Any:
        raise error

    return score


def observed(model: Any, turns: Sequence[tuple[str, str]] = TURNS) -> list[memkit.Memory]:
    with memkit.open(":memory:", encoder=HashingEncoder(), surprisal=lambda: model) as store:
        bank = store.bank("ana")
        assert bank.observe(turns).count("added") == len(turns)
        assert bank.recall("green flowerpot")[0].memory.text.startswith("The key")
        return bank.list()


FAULTS: dict[str, Scoring] = {
    "its own error": fail(SurprisalError("no such model.")),
    "any error, with the text": fail(ValueError(SECRET)),
    "an error of memkit's": fail(InputError("needs a tokenizer.")),
    "out of memory": fail(MemoryError(SECRET)),
    "nothing": lambda text: None,
    "no tokens": lambda text: [text],
    "strings": lambda text: [(0, 1, "8")],
    "no positions": lambda text: [Token("a", "b", 1.0)],  # type: ignore[arg-type]
    "broken positions": lambda text: [Token(0, 2.5, 9.0)],  # type: ignore[arg-type]
    "not a number": lambda text: [Token(0, 1, float("nan"))],
    "endless": lambda text: [Token(0, 1, float("inf"))],
    "negative": lambda text: [Token(0, 1, -0.5)],
    "outside the text": lambda text: [Token(0, len(text) + 1, 1.0)],
    "before the text": lambda text: [Token(-1, 1, 1.0)],
    "backwards": lambda text: [Token(1, 0, 1.0)],
    "out of order": lambda text: [Token(1, 2, 1.0), Token(0, 1, 1.0)],
    "inside one another": lambda text: [Token(0, 2, 1.0), Token(1, 1, 1.0)],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_a_model_does_its_turns_are_stored_and_found_and_the_warning_holds_no_text(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="memkit"):
        turns = observed(Scripted(FAULTS[fault]))
    assert [turn.text for turn in turns] == [text for _, text in TURNS]
    assert [(turn.salience, turn.key_phrases) for turn in turns] == [(None, ())] * 3
    [warning] = [record for record in caplog.records if "salience" in record.getMessage()]
    assert warning.getMessage().startswith("memkit: 3 turns are stored without salience: ")
    assert SECRET not in caplog.text


@pytest.mark.parametrize("tokens", [[(0, 2, np.float32(8))], iter([Token(0, 2, np.float64(8))]), [(np.int64(0), 2, 8)]])
def test_tokens_of_other_types_that_mean_the_same_are_taken(tokens: Any, path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder(), surprisal=lambda: Scripted(lambda _: tokens)) as store:
        store.bank("ana").observe([("ana", "ok")])
        assert store.bank("ana").list()[0].salience == 1.0


def test_the_words_of_memkits_own_errors_say_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    observed(Scripted(FAULTS["an error of memkit's"]))
    assert "without salience: needs a tokenizer." in caplog.text


def test_a_factory_that_fails_and_a_model_that_cannot_learn_lose_nothing_either() -> None:
    def broken() -> Any:
        raise RuntimeError(SECRET)

    with memkit.open(":memory:", encoder=HashingEncoder(), surprisal=broken) as store:
        store.bank("ana").observe(TURNS)
        assert [turn.salience for turn in store.bank("ana").list()] == [None] * 3
    assert [turn.salience for turn in observed(Scripted(whole, fail(KeyError(SECRET))))] == [None] * 3


def test_one_text_that_cannot_be_scored_leaves_the_others_their_salience() -> None:
    def score(text: str) -> Any:
        return whole(text) if "vault" not in text else fail(SurprisalError("too long."))(text)

    assert [turn.salience for turn in observed(Scripted(score))] == [None, 1.0, 1.0]


def test_a_model_out_of_reach_is_not_asked_for_the_rest_but_again_with_the_next_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = [True]
    model = Scripted(lambda text: fail(SurprisalUnavailableError("gone."))(text) if away[0] else whole(text))
    with memkit.open(":memory:", encoder=HashingEncoder(), surprisal=lambda: model) as store:
        bank = store.bank("ana")
        bank.observe(TURNS)
        assert len(model.asked) == 1
        assert "3 turns are stored without salience: gone." in caplog.text
        away[0] = False
        bank.observe([("ana", "Here it is again")])
        assert [turn.salience for turn in bank.list()] == [None, None, None, 1.0]


def test_a_bank_does_not_wait_for_another_banks_model() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slowly(text: str) -> Any:
        if "slow" in text:
            asked.set()
            assert go_on.wait(30)
        return whole(text)

    with memkit.open(":memory:", encoder=HashingEncoder(), surprisal=lambda: Scripted(slowly)) as store:
        waiting = threading.Thread(target=store.bank("ana").observe, args=([("ana", "a slow one")],))
        waiting.start()
        assert asked.wait(30)
        store.bank("bob").observe([("bob", "a quick one")])
        assert waiting.is_alive()
        go_on.set()
        waiting.join(30)
        assert [store.bank(name).list()[0].salience for name in ("ana", "bob")] == [1.0, 1.0]


def test_one_banks_model_is_asked_by_one_thread_at_a_time() -> None:
    inside, most = [0], [0]

    def counted(text: str) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        inside[0] -= 1
        return whole(text)

    with memkit.open(":memory:", encoder=HashingEncoder(), surprisal=lambda: Scripted(counted)) as store:
        bank = store.bank("ana")
        threads = [threading.Thread(target=bank.observe, args=([("ana", f"number {i}")],)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(bank.list()) == 6
    assert most[0] == 1


def test_a_model_in_place_of_the_function_that_makes_one_is_an_error_that_says_so() -> None:
    model: Any = Scripted(whole)
    with pytest.raises(InputError, match="lambda: model"):
        memkit.open(":memory:", surprisal=model)


def test_a_server_weighs_turns_and_one_that_goes_away_loses_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("httpx")
    from memkit.surprisal.server import ServerSurprisal

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    up = [True]

    def answer(body: dict[str, Any]) -> Reply:
        words = body["prompt"].replace(" ", "\0 ").split("\0")
        scores = [None, *(-12.0 if any(map(str.isdigit, word)) else -3.0 for word in words[1:]), -1.0]
        lists = {"tokens": [*words, "."], "token_logprobs": scores}
        return Reply({"choices": [{"logprobs": lists}]}, 200 if up[0] else 503)

    with serving(answer) as server:
        make = partial(ServerSurprisal, server.url, "tiny", timeout=0.2)
        with memkit.open(":memory:", encoder=HashingEncoder(), surprisal=make) as store:
            bank = store.bank("ana")
            bank.observe([("ana", f"My vault code is {SECRET}")])
            up[0] = False
            bank.observe(TURNS[1:])
            first, *others = bank.list()
    assert first.salience is not None
    assert first.key_phrases == (SECRET,)
    assert [turn.salience for turn in others] == [None, None]
    assert "2 turns are stored without salience: the server at 127.0.0.1" in caplog.text
    assert SECRET not in caplog.text
