"""Commands that serve a database to other processes."""
