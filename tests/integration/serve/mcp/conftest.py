"""Collected where the official SDK is."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("mcp_types") else ["test_*.py"]
