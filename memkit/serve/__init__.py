"""Front doors for other processes: MCP, HTTP with its page, and the client. They know the store and its banks alone."""
