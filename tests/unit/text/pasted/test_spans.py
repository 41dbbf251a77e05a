"""Parts of a turn: what its speaker says, and what stands there as material."""

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.text.pasted.spans import own_words, split_pasted

DATA = tomllib.loads((Path(__file__).parents[3] / "data" / "pasted.toml").read_text("utf-8"))
MAX_SECONDS = 4.0  # for 100,000 characters, on a machine that others use, too


@pytest.mark.parametrize("text", DATA["own"]["texts"])
def test_what_people_say_of_themselves_is_their_own_whatever_stands_before_it(text: str) -> None:
    assert own_words(text) == text
    assert [span.is_pasted for span in split_pasted(text)] == [False]


MARKED_BY_CLAUSES = "German quotation marks"  # quotations within a sentence are told with the clauses


@pytest.mark.parametrize(
    "turn", [t for t in DATA["turn"] if t["what"] != MARKED_BY_CLAUSES], ids=lambda turn: turn["what"]
)
def test_pasted_text_is_told_from_what_is_said_around_it(turn: dict[str, str]) -> None:
    said = own_words(turn["text"])
    assert "Rom" not in said
    assert [place for place in ("Porto", "Orbis", "Bonn", "nuts") if place in turn["text"]] == [
        place for place in ("Porto", "Orbis", "Bonn", "nuts") if place in said
    ]


@given(st.lists(st.sampled_from([*"`>{}[]:\n-./\"'„", "I am ", "From: a@b", "My essay:", "wrote:", "\n\n", "x = 1"])))
def test_spans_cover_a_text_in_order_and_leave_it_as_it_is(pieces: list[str]) -> None:
    text = "".join(pieces)
    spans = split_pasted(text)
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert all(span.start < span.end for span in spans)


@pytest.mark.parametrize(
    "piece",
    ["I live in Porto. ", "`a b", "[{", '{"a":', "> ", "the my ", "From: a\n\n", "<pre>", "a = (", "x: y\n", "/ "],
)
def test_the_time_that_a_text_takes_grows_with_its_length_alone(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    begun = time.perf_counter()
    split_pasted(text)
    assert time.perf_counter() - begun < MAX_SECONDS
