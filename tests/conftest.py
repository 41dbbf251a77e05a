"""What every test stands on: no network, no hub, one thread for the encoder."""

import os

import pytest
from hypothesis import HealthCheck, settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

settings.register_profile("memkit", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("memkit")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
