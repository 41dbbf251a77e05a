"""Recent texts: what was made of the last ones, by their digests; no text is held."""

import threading
from collections import OrderedDict
from hashlib import blake2b
from typing import Generic, TypeVar

Value = TypeVar("Value")

DIGEST_BYTES = 16


class RecentTexts(Generic[Value]):
    """Values that were made of the last `capacity` texts. Safe to use from several threads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[bytes, Value] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, text: str) -> Value | None:
        """The value that was made of this text; None where it isn't among the last."""
        with self._lock:
            key = _digest(text)
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, text: str, value: Value) -> None:
        """Keep a value in the place of the one that wasn't asked for the longest time."""
        with self._lock:
            self._values[_digest(text)] = value
            if len(self._values) > self._capacity:
                self._values.popitem(last=False)

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._values.clear()


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=DIGEST_BYTES).digest()
