"""Laws of catching up: whatever is handed in and erased in between, each turn is stored once and none comes back."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.session import Session

TEXTS = ("Go on.", "Done.", "I keep a hamster in the shed.")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(TEXTS), st.sampled_from(["user", "assistant"])),
        st.tuples(st.just("hand in"), st.integers(0, 4)),
        st.tuples(st.just("hand in but the last"), st.integers(1, 2)),
        st.tuples(st.just("erase"), st.integers(0, 8)),
        st.tuples(st.just("pop")),
    ),
    max_size=25,
)


@dataclass
class Talk:
    """A framework's conversation in a bank. window: messages that it still has, each with its number among all."""

    bank: memkit.MemoryBank
    has_ids: bool
    window: list[tuple[int, memkit.Turn]] = field(default_factory=list)
    taken_in: list[int] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)  # ids of memories

    @property
    def session(self) -> Session:
        return self.bank.session("first")

    def say(self, text: str, role: str) -> None:
        number = len(self.texts)
        self.texts[number] = text
        id = f"m{number}" if self.has_ids else None
        self.window.append((number, memkit.Turn(text, role, role, id=id)))  # type: ignore[arg-type]

    def hand_in(self, leaving: int, kept_back: int = 0) -> None:
        """Hand in the window but for its newest messages; without ids at least as much of it as ever before."""
        known = 0 if self.has_ids else sum(number in self.taken_in for number, _ in self.window)
        handed = self.window[: max(len(self.window) - kept_back, known)]
        receipt = self.session.catch_up([turn for _, turn in handed], leaving=leaving)
        assert len(receipt.outcomes) == len(handed)
        for (number, _), outcome in zip(handed, receipt.outcomes, strict=True):
            if outcome.action in ("added", "echoed"):
                assert number not in self.taken_in
                self.taken_in.append(number)
                self.stored[outcome.id or ""] = number
        self.window = self.window[min(leaving, len(handed)) :]

    def erase(self, place: int) -> None:
        turns = list(self.session)
        if place < len(turns):
            self.bank.erase(ids=[turns[place].id])
            self.stored.pop(turns[place].id)

    def pop(self) -> None:
        if len(self.session):
            self.stored.pop(self.session.pop().id)


@given(STEPS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_is_handed_in_is_stored_once_in_order_and_what_was_erased_never_again(steps: list, has_ids: bool) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        talk = Talk(store.bank("ana"), has_ids)
        for what, *details in [*steps, ("hand in", 0)]:
            if what == "say":
                talk.say(*details)
            elif what == "hand in":
                talk.hand_in(*details)
            elif what == "hand in but the last":
                talk.hand_in(0, *details)
            elif what == "erase":
                talk.erase(*details)
            elif what == "pop":
                talk.pop()
        assert talk.taken_in == sorted(talk.texts)
        assert [talk.stored[turn.id] for turn in talk.session] == sorted(talk.stored.values())
        assert [turn.text for turn in talk.session] == [talk.texts[n] for n in sorted(talk.stored.values())]
