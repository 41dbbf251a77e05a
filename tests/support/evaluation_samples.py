"""A small conversation that the tests of the evaluation hear."""

from memkit.models import Turn

SAID = [
    ("s1", "Ada", "We bought a red sailing boat in Porto"),
    ("s1", "Bo", "How lovely, congratulations"),
    ("s2", "Ada", "The old chestnut tree fell onto the garage"),
    ("s2", "Bo", "Was anybody hurt"),
    ("s3", "Ada", "My sister Rita became a veterinarian"),
]
TURNS = tuple(
    Turn(text, speaker, at=1_700_000_000 + 86_400 * int(session[1]) + i, id=f"t{i}", session=session)
    for i, (session, speaker, text) in enumerate(SAID)
)
