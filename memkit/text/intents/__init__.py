"""Intents in a turn's own words: standing instructions, plans and their changes."""
