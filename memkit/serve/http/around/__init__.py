"""ASGI middleware around the routes: watching, limits, idempotency; one idea a file. `app.py` puts them together."""
