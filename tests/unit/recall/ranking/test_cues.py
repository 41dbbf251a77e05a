"""Cues of a question: who is named."""

from datetime import UTC, datetime

from memkit.recall.ranking.cues import is_named, read_cues

ASKED_AT = datetime(2025, 6, 4, 12, tzinfo=UTC)  # a Wednesday


def test_a_speakers_name_is_a_cue_and_no_search_word() -> None:
    cues = read_cues("What did Ana cook?", {"Ana": 7, "Bob": 8, "user": 9}, ASKED_AT, "UTC")
    assert cues.named == frozenset({7})
    assert [word.forms[0][0] for word in cues.terms] == ["cook"]
    assert not is_named("user", "the user said")
    assert is_named("Will", "What did Will say?")
    assert not is_named("Will", "When will it rain?")
