"""How words of a fixed set are kept as small numbers. The order is part of the file format: only append."""

from typing import Generic, TypeVar, cast

from memkit.models import Action, Author, Kind, Role, State

Word = TypeVar("Word", bound=str)


class EnumCodes(Generic[Word]):
    """A fixed list of words, each with its number."""

    def __init__(self, *words: Word) -> None:
        self.words = words
        self.numbers: dict[str, int] = {word: number for number, word in enumerate(words)}

    def number(self, word: str | None) -> int | None:
        return None if word is None else self.numbers[word]

    def word(self, number: int | None) -> Word | None:
        return None if number is None else self.words[number]

    def some(self, words: object) -> list[int]:
        """Numbers of those words that exist."""
        return [self.numbers[word] for word in cast("list[str]", words) if word in self.numbers]


KIND = EnumCodes[Kind]("turn", "thought", "summary", "portrait", "item")
ROLE = EnumCodes[Role]("user", "assistant", "system", "tool")
STATE = EnumCodes[State]("active", "superseded", "merged", "archived", "forgotten")
AUTHOR = EnumCodes[Author]("user", "thinker", "import", "observer", "decay")
EVENT = EnumCodes[Action](
    "added",
    "echoed",
    "merged",
    "superseded",
    "corrected",
    "pinned",
    "unpinned",
    "forgotten",
    "archived",
    "restored",
    "reinforced",
    "erased",
    "indexed",
    "skipped",
    "rejected",
)
