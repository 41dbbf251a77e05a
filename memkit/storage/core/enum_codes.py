"""Small numbers for the words of `models`' literal types; their order is part of the file format: only append."""

from collections.abc import Sequence
from typing import Generic, TypeVar, get_args

from memkit.models import TIME_UNITS, Action, Author, Kind, MentionKind, Role, State

Word = TypeVar("Word", bound=str)


class EnumCodes(Generic[Word]):
    """A fixed list of words, each with its code: its place in the list."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.codes: dict[str, int] = {word: code for code, word in enumerate(words)}


KIND_CODES = EnumCodes[Kind](get_args(Kind))
ROLE_CODES = EnumCodes[Role](get_args(Role))
STATE_CODES = EnumCodes[State](get_args(State))
AUTHOR_CODES = EnumCodes[Author](get_args(Author))
EVENT_CODES = EnumCodes[Action](get_args(Action))
MENTION_CODES = EnumCodes[MentionKind](("standing", "change", *TIME_UNITS))
