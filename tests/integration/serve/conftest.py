"""Collected where the packages are that servers are made of, and asked with."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("fastapi") and find_spec("httpx") and find_spec("uvicorn") else ["test_*.py"]
