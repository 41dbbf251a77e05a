"""The marks around what recall puts into a prompt, so that it is known again when it comes back as a turn."""

import re

OPEN, CLOSE = "<memory>", "</memory>"
BLOCK = re.compile(f"{OPEN}.*?(?:{CLOSE}|$)", re.DOTALL)


def without_recalled(text: str) -> str:
    """A text without the blocks of recalled memories that it quotes."""
    return BLOCK.sub(" ", text).strip() if OPEN in text else text
