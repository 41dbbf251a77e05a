"""Loading a model, told in the log: it may take long, and nobody should wonder what is waited for."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger("memkit")


@contextmanager
def logged_loading(name: str) -> Iterator[None]:
    """Tell the log that the encoder of this name is being loaded, and how long it took."""
    log.info("memkit: loading the encoder %s …", name)
    start = time.perf_counter()
    yield
    log.info("memkit: loaded the encoder %s in %.1f s", name, time.perf_counter() - start)
