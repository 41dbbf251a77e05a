"""Ends of the pages that were read last: a page that ended with a memory goes on behind it once that is erased."""

import threading
from collections import OrderedDict

from memkit.protocols import Bookmark

MAX_ENDS = 4096  # pages, those read last


class PageEnds:
    """Bookmarks by bank and id, in this process alone: nothing of an erased memory is kept in the file."""

    def __init__(self) -> None:
        self._bookmarks: OrderedDict[tuple[int, str], Bookmark] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, bank: int, id: str, bookmark: Bookmark) -> None:
        """Remember where a memory stands with which a page ended."""
        with self._lock:
            self._bookmarks[bank, id] = bookmark
            self._bookmarks.move_to_end((bank, id))
            if len(self._bookmarks) > MAX_ENDS:
                self._bookmarks.popitem(last=False)

    def find(self, bank: int, id: str) -> Bookmark | None:
        """The place of such a memory; None where no page ended with it."""
        with self._lock:
            return self._bookmarks.get((bank, id))
