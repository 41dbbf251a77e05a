"""Codes of enums are part of the file format."""

from memkit.storage.core.enum_codes import AUTHOR_CODES, EVENT_CODES, KIND_CODES, ROLE_CODES, STATE_CODES
from memkit.storage.sql.view import codes_of


def test_codes_of_the_file_format_never_change() -> None:
    assert KIND_CODES.words == ("turn", "thought", "summary", "portrait", "item")
    assert ROLE_CODES.words == ("user", "assistant", "system", "tool")
    assert STATE_CODES.words == ("active", "superseded", "merged", "archived", "forgotten")
    assert AUTHOR_CODES.words == ("user", "thinker", "import", "observer", "decay")
    events = "added echoed merged superseded corrected pinned unpinned forgotten archived restored reinforced erased"
    assert EVENT_CODES.words == (*events.split(), "indexed", "skipped", "rejected")


def test_a_word_and_its_code_lead_to_each_other() -> None:
    assert [ROLE_CODES.words[ROLE_CODES.codes[word]] for word in ROLE_CODES.words] == list(ROLE_CODES.words)


def test_words_outside_the_list_have_no_codes() -> None:
    assert codes_of(KIND_CODES, ["item", "dream", "turn"]) == [4, 0]
