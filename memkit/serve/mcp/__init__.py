"""Memory for agents that speak the Model Context Protocol, over stdio and streamable HTTP.

Without the official SDK, importing it raises MissingExtraError.
"""

from importlib.util import find_spec

from memkit.errors import MissingExtraError

if find_spec("mcp_types") is None:
    raise MissingExtraError("memkit mcp needs the official MCP SDK, 2.1 or newer: pip install 'memkit-agents[mcp]'")
