"""Routes, a file for each group of verbs; a route's name is the verb's."""
