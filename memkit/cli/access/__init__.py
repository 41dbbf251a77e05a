"""Commands on access tokens, which servers in front of a database take."""
