"""Filters over metadata: what `where` means in `recall`, in `list` and on the command line.

A filter is a set of memories, worked out from sets that the index of tags gives: equality, membership and existence are
looked up; only comparisons read the metadata of the memories that have the field.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any, Protocol

from memkit.errors import InputError

COMPARISON_FUNCTIONS: dict[str, Callable[[Any, Any], bool]] = {"$gt": gt, "$gte": ge, "$lt": lt, "$lte": le}
FIELD_OPERATORS = ("$eq", "$ne", *COMPARISON_FUNCTIONS, "$in", "$nin", "$exists", "$not")
LOGICAL_OPERATORS = ("$and", "$or", "$not")
Seqs = set[int]


class TagIndex(Protocol):
    """The memories of a bank by what their metadata hold."""

    def all_seqs(self) -> list[int]: ...

    def seqs_with(self, path: str, values: Sequence[Any]) -> Seqs:
        """Seqs of memories that hold any of these values at a path, by itself or in a list."""
        ...

    def seqs_having(self, path: str) -> Seqs:
        """Seqs of memories that hold anything at a path."""
        ...

    def metadata_of(self, seqs: Collection[int]) -> Mapping[int, Mapping[str, Any]]: ...


def matching_seqs(where: Mapping[str, Any], index: TagIndex) -> Seqs:
    """Seqs of the memories that a filter accepts. Raises InputError for one that can't be read."""
    if not isinstance(where, Mapping):
        raise InputError('where: is a mapping from metadata keys to values, for example {"topic": "food"}.')
    every = [_condition(key, value, index) for key, value in where.items()]
    return set.intersection(*every) if every else set(index.all_seqs())


def _condition(key: Any, value: Any, index: TagIndex) -> Seqs:
    if not isinstance(key, str):
        raise InputError("where: keys are strings.")
    if not key.startswith("$"):
        return _field(key, value, index)
    if key == "$not" and isinstance(value, Mapping):
        return set(index.all_seqs()) - matching_seqs(value, index)
    if key in ("$and", "$or") and isinstance(value, list | tuple) and value:
        parts = [matching_seqs(part, index) for part in value]
        return set.intersection(*parts) if key == "$and" else set.union(*parts)
    raise InputError(f"where: {_operator_fault(key, LOGICAL_OPERATORS)}")


def _field(path: str, value: Any, index: TagIndex) -> Seqs:
    """A field's memories: of a value, of any value of a list, or by operators."""
    if not isinstance(value, Mapping) or not any(isinstance(name, str) and name.startswith("$") for name in value):
        return index.seqs_with(path, list(value) if isinstance(value, list | tuple | set | frozenset) else [value])
    return set.intersection(*(_operated(path, name, operand, index) for name, operand in value.items()))


def _operated(path: str, operator: str, operand: Any, index: TagIndex) -> Seqs:
    if operator in COMPARISON_FUNCTIONS and _is_comparable(operand):
        return _compared(path, COMPARISON_FUNCTIONS[operator], operand, index)
    if operator == "$eq":
        return index.seqs_with(path, [operand])
    if operator == "$in" and isinstance(operand, list | tuple | set | frozenset):
        return index.seqs_with(path, list(operand))
    if operator == "$exists" and isinstance(operand, bool):
        having = index.seqs_having(path)
        return having if operand else set(index.all_seqs()) - having
    if operator == "$not" and isinstance(operand, Mapping):
        return set(index.all_seqs()) - _field(path, operand, index)
    opposites = {"$ne": "$eq", "$nin": "$in"}
    if operator in opposites:
        return set(index.all_seqs()) - _operated(path, opposites[operator], operand, index)
    raise InputError(f"where, {path}: {_operator_fault(operator, FIELD_OPERATORS)}")


def _compared(path: str, compare: Callable[[Any, Any], bool], bound: Any, index: TagIndex) -> Seqs:
    """Memories with a number, or a string, on one side of a bound of the same kind."""
    metadata = index.metadata_of(index.seqs_having(path))
    kind = str if isinstance(bound, str) else (int, float)
    return {
        seq
        for seq, held in metadata.items()
        if any(isinstance(v, kind) and not isinstance(v, bool) and compare(v, bound) for v in values_at(held, path))
    }


def _is_comparable(operand: Any) -> bool:
    return isinstance(operand, int | float | str) and not isinstance(operand, bool)


def _operator_fault(operator: Any, operators: Sequence[str]) -> str:
    if operator in operators:
        return f"the operand of {operator} has the wrong type; $in and $nin take lists, $and and $or lists of filters."
    return f"unknown operator {str(operator)[:20]!r}; known are {', '.join(operators)}."


def values_at(metadata: Mapping[str, Any], path: str) -> list[Any]:
    """Values at a path like "order.total": the value itself, and the members of a list."""
    return [value for name, value in paths(metadata) if name == path]


def paths(metadata: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Every path of metadata with what it holds: mappings are entered, and the members of a list stand for it, too."""
    pairs: list[tuple[str, Any]] = []
    for key, value in metadata.items():
        path = f"{before}{key}"
        pairs.append((path, value))
        if isinstance(value, Mapping):
            pairs += paths(value, f"{path}.")
        elif isinstance(value, list | tuple):
            pairs += [(path, member) for member in value if not isinstance(member, Mapping | list | tuple)]
    return pairs
