"""Forks: what holds locks, caches and threads begins anew in a child process."""

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something that has to begin anew in a child."""

    def after_fork(self) -> None: ...


_holders: "weakref.WeakSet[Forkable]" = weakref.WeakSet()


def begin_anew_in_children(holder: Forkable) -> None:
    """Have `after_fork` called in every child process, as long as the holder lives."""
    _holders.add(holder)


def _after_fork_in_child() -> None:
    for holder in list(_holders):
        holder.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
