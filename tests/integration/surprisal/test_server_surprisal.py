"""Surprisal from a server, against a small one on this machine: right answers, and everything that goes wrong."""

import json
import logging
import math
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from scoring_server import Reply, Server, serving
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from memkit.errors import InputError, InvalidTextError, SurprisalError, SurprisalUnavailableError
from memkit.protocols import SurprisalModel, Token
from memkit.surprisal.causal_lm import CausalLMSurprisal

pytest.importorskip("httpx")

from memkit.surprisal.server import ServerSurprisal

TEXT = "My vault opens with quetzal-9471"
SECRET = "quetzal"
KEY = "sk-very-secret-key"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def words(prompt: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", prompt)


def right(body: dict[str, Any]) -> Reply:
    """Each word is a token and costs its length in nats; one more is made where one was asked for."""
    tokens = words(body["prompt"]) + ["."] * body["max_tokens"]
    scores = [None, *(-float(len(token.strip())) for token in tokens[1:])]
    lists = {"tokens": tokens, "token_logprobs": scores, "text_offset": [0] * len(tokens), "top_logprobs": None}
    usage = {"prompt_tokens": len(tokens) - body["max_tokens"], "completion_tokens": body["max_tokens"]}
    return Reply({"choices": [{"text": body["prompt"] + ".", "logprobs": lists}], "usage": usage})


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(right) as running:
        yield running


# Right answers


def test_it_is_a_surprisal_model_that_asks_for_an_echo_with_log_probabilities(server: Server) -> None:
    model = ServerSurprisal(server.url, "tiny", vocabulary=1000)
    assert isinstance(model, SurprisalModel)
    tokens = model.score("one two")
    assert tokens == [Token(0, 3, pytest.approx(math.log(1000))), Token(3, 7, 3.0)]
    [asked] = server.asked
    assert server.paths == ["/v1/completions"]
    assert (asked["model"], asked["prompt"], asked["echo"], asked["max_tokens"]) == ("tiny", "one two", True, 1)
    assert asked["logprobs"] == 1
    assert (asked["temperature"], asked["top_p"]) == (1.0, 1.0)


def test_a_server_that_can_make_no_token_is_asked_for_none(server: Server) -> None:
    assert len(ServerSurprisal(server.url, "tiny", max_tokens=0).score("one two")) == 2
    assert server.asked[0]["max_tokens"] == 0


def test_an_empty_text_has_no_tokens_and_is_not_sent(server: Server) -> None:
    assert ServerSurprisal(server.url, "tiny").score("") == []
    assert server.asked == []


def test_what_is_put_before_the_text_gives_its_first_word_a_surprisal_of_its_own(server: Server) -> None:
    tokens = ServerSurprisal(server.url, "tiny", start="<|endoftext|> ").score("one two")
    assert server.asked[0]["prompt"] == "<|endoftext|> one two"
    assert tokens == [Token(0, 3, 3.0), Token(3, 7, 3.0)]


def test_a_long_text_is_read_in_windows_and_every_word_is_scored_once(server: Server) -> None:
    text = "one two three four five six seven eight nine ten"
    tokens = ServerSurprisal(server.url, "tiny", window=20).score(text)
    assert [text[t.start : t.end] for t in tokens] == words(text)
    assert [t.surprisal for t in tokens[1:]] == [len(word.strip()) for word in words(text)[1:]]
    assert max(len(asked["prompt"]) for asked in server.asked) <= 20
    assert len(server.asked) > 2


def test_learning_sends_nothing(server: Server) -> None:
    ServerSurprisal(server.url, "tiny").learn(TEXT)
    assert server.asked == []


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """Byte-level, so that it splits what it never saw; trained here on a few words."""
    byte_level = Tokenizer(models.BPE())
    byte_level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    byte_level.decoder = decoders.ByteLevel()
    byte_level.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False
    )
    byte_level.train_from_iterator(["the cat sat on the mat and the cat slept on"] * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=byte_level, bos_token="<s>")


@pytest.fixture(scope="module")
def local(tokenizer: Any) -> CausalLMSurprisal:
    torch.manual_seed(7)
    torch.set_num_threads(1)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=128, bos_token_id=0, **sizes)
    return CausalLMSurprisal(LlamaForCausalLM(config).eval(), tokenizer)


def scored(model: CausalLMSurprisal, tokenizer: Any, body: dict[str, Any]) -> Reply:
    """As vLLM answers: the start token first, and one token more than was asked about."""
    ids = tokenizer(body["prompt"], add_special_tokens=False)["input_ids"]
    shown = ["<s>", *shown_by_vllm(tokenizer, ids)]
    scores = [None, *(-token.surprisal for token in model.score(body["prompt"]))]
    named = zip(ids, shown[1:], scores[1:], strict=True)
    entries = [None, *({str(i): {"logprob": p, "rank": 1, "decoded_token": t}} for i, t, p in named)]
    lists = {"tokens": [*shown, " the"], "token_logprobs": [*scores, -1.5]}
    choice = {"logprobs": lists} if body.get("echo") else {"logprobs": None, "prompt_logprobs": entries}
    return Reply({"choices": [choice], "usage": {"prompt_tokens": len(shown), "completion_tokens": 1}})


def shown_by_vllm(tokenizer: Any, ids: list[int]) -> Iterator[str]:
    """Nothing for a token that doesn't finish a character, all of the character for the one that does."""
    waiting: list[int] = []
    for each in ids:
        waiting.append(each)
        shown = tokenizer.decode(waiting)
        if shown.endswith("\ufffd"):
            yield ""
        else:
            waiting = []
            yield shown


def by_characters(tokens: list[Token]) -> list[Token]:
    """Tokens that split a character together, as a server's are."""
    joined: list[Token] = []
    for token in tokens:
        if joined and token.start < joined[-1].end:
            before = joined.pop()
            token = Token(before.start, token.end, before.surprisal + token.surprisal)
        joined.append(token)
    return joined


@pytest.mark.parametrize("protocol", ["echo", "prompt_logprobs"])
@pytest.mark.parametrize("text", ["the cat sat on the mat", "the cat 😀 slept, naïve 日本", "😀", " <s> on\n\n"])
def test_a_server_gives_the_scores_that_its_model_gives_here(
    local: CausalLMSurprisal, tokenizer: Any, protocol: Any, text: str
) -> None:
    with serving(lambda body: scored(local, tokenizer, body)) as server:
        tokens = ServerSurprisal(server.url, "tiny", protocol=protocol).score(text)
    expected = by_characters(local.score(text))
    assert [(t.start, t.end) for t in tokens] == [(t.start, t.end) for t in expected]
    assert [t.surprisal for t in tokens] == pytest.approx([t.surprisal for t in expected], abs=1e-6)


# Wrong answers


def changed(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Reply]:
    """The right answer with one thing made wrong."""

    def answer(body: dict[str, Any]) -> Reply:
        content = json.loads(right(body).data)
        change(content["choices"][0]["logprobs"])
        return Reply(content)

    return answer


WRONG: dict[str, tuple[Callable[[dict[str, Any]], Reply], str]] = {
    "short list": (changed(lambda lists: [column.pop(1) for column in lists.values() if column]), "join"),
    "scores missing": (changed(lambda lists: lists.pop("token_logprobs")), "token_logprobs"),
    "scores null": (changed(lambda lists: lists.update(token_logprobs=None)), "token_logprobs"),
    "null in the middle": (changed(lambda lists: lists["token_logprobs"].__setitem__(2, None)), "null at 2"),
    "not a number": (changed(lambda lists: lists["token_logprobs"].__setitem__(2, math.nan)), "finite"),
    "positive": (changed(lambda lists: lists["token_logprobs"].__setitem__(2, 0.5)), "less than"),
    "other tokens": (changed(lambda lists: lists["tokens"].__setitem__(2, " quetzal")), "join"),
    "offsets out of order": (changed(lambda lists: lists["text_offset"].__setitem__(1, 99)), "out of order"),
    "generated only": (lambda _: Reply({"choices": [{"logprobs": {"tokens": ["."], "token_logprobs": [-1]}}]}), "join"),
    "no log-probabilities": (lambda _: Reply({"choices": [{"text": TEXT, "logprobs": None}]}), "logprobs"),
    "an error with status 200": (lambda _: Reply({"error": {"message": TEXT}}), "choices"),
    "the shape of chat": (lambda _: Reply({"choices": [{"logprobs": {"content": []}}]}), "tokens"),
    "refused": (lambda body: Reply({"error": body["prompt"]}, 400), "status 400.*echo with logprobs"),
    "unprocessable": (lambda body: Reply({"detail": body["prompt"]}, 422), "status 422"),
    "too long": (lambda body: Reply({"error": f"maximum context length is 9: {body}"}, 400), "status 400.*window="),
    "too long by type": (lambda _: Reply({"error": {"type": "exceed_context_size_error"}}, 400), "window="),
    "too long for a gateway": (lambda _: Reply(b"", 413), "status 413.*window="),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_to_a_text_is_one_error_that_says_what_and_where_and_not_the_text(name: str) -> None:
    answer, said = WRONG[name]
    with serving(answer) as server, pytest.raises(SurprisalError, match=said) as caught:
        ServerSurprisal(server.url, "tiny", api_key=KEY).score(TEXT)
    assert not isinstance(caught.value, SurprisalUnavailableError)
    assert server.url.split("/")[2] in str(caught.value)
    assert_silent(caught.value)
    assert len(server.asked) == 1


def assert_silent(error: BaseException) -> None:
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert SECRET not in repr(error)
    assert KEY not in repr(error)


def breaking(_: dict[str, Any]) -> Reply:
    raise ConnectionResetError


AWAY: dict[str, tuple[Callable[[dict[str, Any]], Reply], str, int]] = {
    "no JSON": (lambda _: Reply(b"<html>quetzal</html>"), "status 200.*JSON", 1),
    "nested without end": (lambda _: Reply(b"[" * 200_000), "JSON", 1),
    "broken text": (lambda _: Reply(b'{"a": "\xff\xfe"}'), "JSON", 1),
    "no key": (lambda _: Reply({}, 401), "status 401.*api_key", 1),
    "forbidden": (lambda _: Reply({}, 403), "status 403.*api_key", 1),
    "no such model": (lambda _: Reply({}, 404), "status 404.*address", 1),
    "elsewhere": (lambda _: Reply(b"", 307, {"Location": "http://127.0.0.1:9/"}), "status 307", 1),
    "not offered": (lambda _: Reply({}, 501), "status 501.*doesn't offer", 1),
    "overloaded": (lambda _: Reply({}, 503), "status 503", 4),
    "too many requests": (lambda _: Reply({}, 429), "status 429", 4),
    "a fault inside": (lambda body: Reply({"error": body["prompt"]}, 500), "status 500", 4),
    "breaks off": (breaking, "can't be reached or breaks off", 4),
    "short": (lambda _: Reply(b"{", 200, {"Content-Length": "9", "Connection": "close"}), "breaks off", 4),
    "badly packed": (lambda _: Reply(b"{}", 200, {"Content-Encoding": "gzip"}), "breaks off", 4),
}  # fmt: skip


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memkit.surprisal.endpoint.FIRST_WAIT_S", 0.01)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("name", AWAY)
def test_a_server_out_of_reach_is_one_error_after_as_many_tries_as_may_help(name: str) -> None:
    answer, said, tries = AWAY[name]
    with serving(answer) as server, pytest.raises(SurprisalUnavailableError, match=said) as caught:
        ServerSurprisal(server.url, "tiny", api_key=KEY).score(TEXT)
    assert type(caught.value) is SurprisalUnavailableError
    assert server.url.split("/")[2] in str(caught.value)
    assert_silent(caught.value)
    assert len(server.asked) == tries


def test_a_refused_connection_is_the_same_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    model = ServerSurprisal(f"http://127.0.0.1:{port}/v1", "tiny", timeout=1)
    with pytest.raises(SurprisalUnavailableError, match=f"127.0.0.1:{port} can't be reached.*ConnectError"):
        model.score(TEXT)


@pytest.mark.usefixtures("hurried")
def test_what_passes_is_tried_again_and_no_fault_is_seen() -> None:
    replies = iter([Reply({}, 503), Reply({}, 429)])
    with serving(lambda body: next(replies, None) or right(body)) as server:
        assert len(ServerSurprisal(server.url, "tiny").score("one two")) == 2
        assert len(server.asked) == 3


def test_the_wait_that_a_server_asks_for_is_kept_and_one_that_is_too_long_ends_the_tries() -> None:
    replies = iter([Reply({}, 429, {"Retry-After": "1"})])
    with serving(lambda body: next(replies, None) or right(body)) as server:
        start = time.monotonic()
        ServerSurprisal(server.url, "tiny").score("one two")
        assert time.monotonic() - start >= 1
    with serving(lambda _: Reply({}, 429, {"Retry-After": "3600"})) as server:
        with pytest.raises(SurprisalUnavailableError, match="429"):
            ServerSurprisal(server.url, "tiny").score("one two")
        assert len(server.asked) == 1


@pytest.mark.parametrize("pause", [0.05, 60.0], ids=["drop by drop", "not at all"])
def test_a_server_that_answers_slowly_is_given_up_after_the_timeout(pause: float) -> None:
    with serving(lambda body: Reply(right(body).data, pause=pause)) as server:
        start = time.monotonic()
        with pytest.raises(SurprisalUnavailableError, match=r"didn't answer within 0.4 s.*timeout="):
            ServerSurprisal(server.url, "tiny", timeout=0.4).score(TEXT)
        assert time.monotonic() - start < 3


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memkit.surprisal.endpoint.MAX_BYTES", 1000)
    with (
        serving(lambda _: Reply(b" " * 2000)) as server,
        pytest.raises(SurprisalUnavailableError, match="more than 1000 bytes"),
    ):
        ServerSurprisal(server.url, "tiny").score(TEXT)


# Keys, addresses, options


def test_a_key_goes_out_as_a_bearer_token_and_stays_out_of_logs_and_reprs(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TINY_KEY", KEY + "\n")
    models_ = [
        ServerSurprisal(server.url, "tiny", api_key=KEY),
        ServerSurprisal(server.url, "tiny", api_key_env="TINY_KEY"),
    ]
    with caplog.at_level(logging.DEBUG):
        for model in models_:
            model.score(TEXT)
            assert KEY not in repr(model) + repr(vars(model)) + repr(vars(model._endpoint))
    assert [headers["Authorization"] for headers in server.headers] == [f"Bearer {KEY}"] * 2
    assert KEY not in caplog.text
    assert SECRET not in caplog.text


def test_without_a_key_none_is_sent(server: Server) -> None:
    ServerSurprisal(server.url, "tiny").score("one two")
    assert "Authorization" not in server.headers[0]


WRONG_OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "a key twice": ({"api_key": KEY, "api_key_env": "TINY_KEY"}, "one of them"),
    "a variable that isn't set": ({"api_key_env": "NO_SUCH_KEY"}, "NO_SUCH_KEY isn't set"),
    "a key on two lines": ({"api_key": f"{KEY}\nX: y"}, "ASCII"),
    "an empty key": ({"api_key": " "}, "ASCII"),
    "no scheme": ({"url": "localhost:8000/v1"}, "http"),
    "no host": ({"url": "http:///v1"}, "http"),
    "no address": ({"url": "http://localhost:port/v1"}, "address"),
    "a password in the address": ({"url": f"http://ana:{KEY}@localhost/v1"}, "api_key="),
    "a query": ({"url": f"http://localhost/v1?key={KEY}"}, "query"),
    "an unknown protocol": ({"protocol": "chat"}, "echo, prompt_logprobs"),
    "no room": ({"window": 1}, "window"),
    "too many tokens": ({"max_tokens": 2}, "max_tokens"),
    "no words": ({"vocabulary": 0}, "vocabulary"),
    "no time": ({"timeout": 0}, "timeout"),
}


@pytest.mark.parametrize("name", WRONG_OPTIONS)
def test_a_wrong_option_is_an_error_that_names_it_and_not_the_key(name: str) -> None:
    options, said = WRONG_OPTIONS[name]
    with pytest.raises(InputError, match=said) as caught:
        ServerSurprisal(**{"url": "http://localhost:8000/v1", "model": "tiny", **options})
    assert KEY not in repr(caught.value)


def test_a_text_that_is_no_unicode_is_refused_before_it_is_sent(server: Server) -> None:
    with pytest.raises(InvalidTextError) as caught:
        ServerSurprisal(server.url, "tiny").score(f"{TEXT}\ud800")
    assert SECRET not in repr(caught.value)
    assert server.asked == []


def test_several_threads_may_ask_at_once(server: Server) -> None:
    model = ServerSurprisal(server.url, "tiny")
    found: list[list[Token]] = []
    threads = [threading.Thread(target=lambda: found.append(model.score("one two"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [len(tokens) for tokens in found] == [2] * 8


def test_importing_it_loads_no_http_and_its_absence_is_an_error_with_the_line_that_installs_it() -> None:
    script = (
        "import sys; from memkit.surprisal.server import ServerSurprisal; from memkit.errors import MissingExtraError\n"
        "print('httpx' in sys.modules, 'tenacity' in sys.modules)\n"
        "sys.modules['httpx'] = None\n"
        "try: ServerSurprisal('http://localhost:8000/v1', 'tiny')\n"
        "except MissingExtraError as error: print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines()[0] == "False False"
    assert "python -m pip install httpx tenacity" in out.stdout
