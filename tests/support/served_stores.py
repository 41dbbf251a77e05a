"""Stores that are opened here and asked over HTTP: `memkit.open`, as it were, on another machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import memkit
from memkit.banks import Store


@contextmanager
def open_served(location: Any, **options: Any) -> Iterator[Store]:
    """As `memkit.open`: the store is opened, served in a thread, and asked by a client; skipped without the extras."""
    for package in ("fastapi", "uvicorn", "httpx", "tenacity"):
        pytest.importorskip(package)
    from serving import serving

    from memkit.serve.http.app import create_app

    with memkit.open(location, **options) as store, serving(create_app(store)) as url, memkit.connect(url) as remote:
        yield remote
