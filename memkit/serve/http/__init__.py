"""Memory over HTTP: the verbs of a bank and a store under /v1, and the page."""
