"""Freed memory goes back to the system: glibc keeps up to 64 MB of what loading a large bank needed on the way."""

import ctypes
import sys

LARGE_BANK_SIZE = 100_000  # memories: loading fewer frees too little to be worth a millisecond


def trim() -> None:
    """Hand freed memory back, where the C library can."""
    if sys.platform == "linux":
        give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if give_back is not None:
            give_back(0)
