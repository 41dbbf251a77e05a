"""Cases for a thinker: exchanges, with the thoughts that they should lead to.

JSON lines, one exchange each: {"id": "home-1", "kind": "home", "turns": [{"speaker": "Ana", "text": "...",
"at": "..."}], "known": [{"head": "Ana", "relation": "lives in", "tail": "Rome"}], "expect": [{"action":
"supersede", "head": "Ana", "relation": "lives in", "tail": "Lisbon", "from": "2023-05-01"}], "optional": [...]}.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from memkit.errors import InputError, MemkitError
from memkit.evaluation.formats.jsonl import lines
from memkit.models import Turn
from memkit.observe.intake import as_turn


class ExpectedThought(NamedTuple):
    """Content that a thought should have; an empty action stands for any."""

    action: str
    head: str
    relation: str
    tail: str
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class ThinkingCase:
    """An exchange, the thoughts before it (`known_before`), and those that it should lead to."""

    id: str
    kind: str
    turns: tuple[Turn, ...]
    known_before: tuple[ExpectedThought, ...]
    expect: tuple[ExpectedThought, ...]
    optional: tuple[ExpectedThought, ...]


def read_cases(path: Path) -> list[ThinkingCase]:
    """The exchanges of a file. Raises InputError; the message names the line."""
    cases = [_case(item, f"{path.name}, line {number}", number) for number, item in lines(path)]
    if not cases:
        raise InputError(f"{path.name}: holds no exchanges.")
    return cases


def _case(item: Any, where: str, number: int) -> ThinkingCase:
    if not isinstance(item, Mapping) or not isinstance(item.get("turns"), list) or not item["turns"]:
        raise InputError(f'{where}: an exchange needs {{"turns": [...], "expect": [...]}}.')
    try:
        turns = tuple(as_turn(turn) for turn in item["turns"])
        thoughts = [tuple(map(_expected, item.get(key) or ())) for key in ("known", "expect", "optional")]
    except (MemkitError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: can't be read ({error}).") from None
    return ThinkingCase(str(item.get("id") or number), str(item.get("kind") or "all"), turns, *thoughts)


def _expected(item: Mapping[str, Any]) -> ExpectedThought:
    head, relation, tail = (str(item[name]) for name in ("head", "relation", "tail"))
    return ExpectedThought(str(item.get("action") or ""), head, relation, tail, item.get("from"), item.get("until"))
