"""Forms of requests and answers, a file for each group of verbs; plain pydantic, which the client shares."""
