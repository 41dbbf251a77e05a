"""Names and docstrings follow the rules of `naming.py`, in each room of the packages."""

from pathlib import Path

import naming
import pytest

ROOT = Path(__file__).parents[2]
ROOMS = [
    *sorted(path for path in ROOT.glob("memkit/*") if path.suffix == ".py" or (path / "__init__.py").exists()),
    ROOT / "adapters",
]
NAMES_OF_SEVERAL_ADAPTERS = {"MemkitMemory"}  # Pydantic AI and AutoGen call theirs a memory


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.stem)
@pytest.mark.parametrize(
    "rule", [naming.one_word_constants, naming.event_names, naming.crooked_docstrings], ids=lambda rule: rule.__name__
)
def test_a_rooms_names_and_docstrings_follow_the_rules(rule: naming.Rule, room: Path) -> None:
    assert rule([room]) == []


def test_a_class_name_stands_once_in_the_package() -> None:
    repeated = {line.partition(":")[0] for line in naming.repeated_class_names(ROOMS)}
    assert repeated == NAMES_OF_SEVERAL_ADAPTERS
