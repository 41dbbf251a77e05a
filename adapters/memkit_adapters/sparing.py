"""Sparing an agent the failures of its memory: it goes on without; the log says what failed, never what was said."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import memkit
from memkit.errors import MemkitError

log = logging.getLogger("memkit")


@contextmanager
def spared(action: str, ids: Sequence[str] = ()) -> Iterator[None]:
    """Let the agent go on where its memory fails in this block; `ids`: of the messages that weren't remembered."""
    try:
        yield
    except MemkitError as error:
        named = f" (messages {', '.join(ids)})" if ids else ""
        log.warning("memkit: %s failed%s, the agent goes on without it: %s", action, named, error)


def tell_refused(receipt: memkit.Receipt, ids: Sequence[str]) -> None:
    """Log the messages that a receipt says were refused; `ids`: one for each of its inputs."""
    for id, outcome in zip(ids, receipt.outcomes, strict=False):
        if outcome.action == "rejected":
            log.warning("memkit: message %s was not remembered: %s", id, outcome.reason)
