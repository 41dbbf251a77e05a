"""Pasted text: which parts of a turn its speaker says, and which stand there as material."""
