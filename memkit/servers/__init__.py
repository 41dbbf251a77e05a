"""Models that run behind a server, asked over HTTP. Needs the extra `servers`, loaded with the first model."""

from memkit.servers.surprisal import ServerSurprisal

__all__ = ["ServerSurprisal"]
