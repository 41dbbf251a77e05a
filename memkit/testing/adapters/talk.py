"""Talk with an agent that has a memory: what a framework's test gives to the contract."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import memkit


@dataclass(frozen=True)
class Shown:
    """One run of an agent. `prompt`: all that its model was shown, as text; `answer`: what it gave back."""

    prompt: str
    answer: str


class Talk(Protocol):
    """People who talk with a framework's agents, each with a memory of their own, over a scripted model.

    The model answers "Noted." unless a run says otherwise. A `session` is a conversation; each call of `say` gives the
    agent what the framework gives it when a person goes on in that conversation.
    """

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        """Run the agent on what a person says."""

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        """Hand the last exchange in once more, as the framework does when it retries; it changes nothing."""

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        """Texts of the messages that the framework itself keeps of a conversation; none where it keeps none."""

    def bank(self, user: str) -> memkit.MemoryBank:
        """The memory of a person."""


@runtime_checkable
class CancellableTalk(Talk, Protocol):
    """A talk with agents whose runs are awaited, and can be broken off."""

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        """Begin a run on what a person says, and cancel it while the model is being asked."""
