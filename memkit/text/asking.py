"""Whether a text asks something."""

QUESTION_MARKS = ("?", "？", "؟")


def asks(text: str) -> bool:
    """Does the text end in a question mark?"""
    return text.rstrip().endswith(QUESTION_MARKS)
