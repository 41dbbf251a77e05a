"""Lint of SQL for databases that are split by bank: which tables of a statement are not pinned to one bank.

    unpinned("SELECT c.text FROM memory m JOIN content c ON c.bank = m.bank WHERE m.bank = $1", tables)   # []
    unpinned("SELECT count(*) FROM memory m WHERE m.seq = $1", tables)                                   # ["memory m"]

A table is pinned where its own level of the statement (a SELECT, an UPDATE, ...) holds its column `bank` equal to a
parameter or a constant, directly or through other equalities of that level: conditions joined by AND, and those of
inner and left joins. A link to an outer level pins nothing, as no planner looks for a shard there. A row is inserted
pinned where the value of its `bank` is a parameter or a constant. Parsed by PostgreSQL's own parser.
"""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import pglast
from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, JoinType, SetOperation

SHARD_COLUMN = "bank"
PINNING_JOINS = (JoinType.JOIN_INNER, JoinType.JOIN_LEFT)
Place = tuple[str, str]  # alias and column; ("", "") is a value that is known


class Level(NamedTuple):
    """A statement's own level: its tables by alias, the conditions that hold in it, and for which of the tables."""

    tables: dict[str, str]
    conditions: list[tuple[Any, Collection[str]]]


def unpinned(sql: str, tables: Collection[str]) -> list[str]:
    """Tables of these, with their aliases, that the statement doesn't pin to one bank, in the order of the text."""
    return [flaw for parsed in pglast.parse_sql(sql) for node in _nodes(parsed) for flaw in _flaws(node, tables)]


def _flaws(node: Any, tables: Collection[str]) -> Iterator[str]:
    level = _level(node, tables)
    if level is not None:
        pinned = _pinned(level)
        yield from (f"{table} {alias}".strip() for alias, table in level.tables.items() if alias not in pinned)
    if isinstance(node, ast.InsertStmt) and node.relation.relname in tables and not _inserts_pinned(node):
        yield f"{node.relation.relname} (inserted)"
    if isinstance(node, ast.CopyStmt) and node.relation is not None and node.relation.relname in tables:
        yield f"{node.relation.relname} (copied)"
    if isinstance(node, ast.TruncateStmt):
        yield from (f"{each.relname} (emptied)" for each in node.relations if each.relname in tables)


def _nodes(node: Any) -> Iterator[ast.Node]:
    """All nodes of a tree, each before those inside it."""
    if isinstance(node, tuple | list):
        for part in node:
            yield from _nodes(part)
    elif isinstance(node, ast.Node):
        yield node
        for name in node:
            yield from _nodes(getattr(node, name))


def _level(node: Any, tables: Collection[str]) -> Level | None:
    """Tables and conditions of a node that is a level."""
    if isinstance(node, ast.SelectStmt) and node.op == SetOperation.SETOP_NONE:
        sources = node.fromClause or ()
    elif isinstance(node, ast.UpdateStmt):
        sources = (node.relation, *(node.fromClause or ()))
    elif isinstance(node, ast.DeleteStmt):
        sources = (node.relation, *(node.usingClause or ()))
    else:
        return None
    level = Level({}, [])
    for source in sources:
        _collect(source, level, tables)
    if node.whereClause is not None:
        level.conditions.append((node.whereClause, level.tables))
    return level


def _collect(source: Any, level: Level, tables: Collection[str]) -> None:
    if isinstance(source, ast.JoinExpr):
        _collect(source.larg, level, tables)
        left = set(level.tables)
        _collect(source.rarg, level, tables)
        if source.quals is not None and source.jointype in PINNING_JOINS:
            is_inner = source.jointype == JoinType.JOIN_INNER
            level.conditions.append((source.quals, set(level.tables) - (set() if is_inner else left)))
    elif isinstance(source, ast.RangeVar) and source.relname in tables:
        level.tables[source.alias.aliasname if source.alias else source.relname] = source.relname


def _pinned(level: Level) -> set[str]:
    """Aliases whose bank equals a known value by the level's conditions."""
    pairs = [(pair, whose) for condition, whose in level.conditions for pair in _equalities(condition, level)]
    known: set[Place] = {("", "")}
    while more := {place for pair, whose in pairs if known & {*pair} for place in pair if place[0] in whose} - known:
        known |= more
    return {alias for alias, column in known if column == SHARD_COLUMN}


def _equalities(condition: Any, level: Level) -> Iterator[tuple[Place, Place]]:
    """What conditions that are joined by AND hold equal."""
    if isinstance(condition, ast.BoolExpr) and condition.boolop == BoolExprType.AND_EXPR:
        for part in condition.args:
            yield from _equalities(part, level)
    elif _is_equality(condition):
        left, right = _place(condition.lexpr, level), _place(condition.rexpr, level)
        if left is not None and right is not None:
            yield left, right


def _is_equality(condition: Any) -> bool:
    is_operator = isinstance(condition, ast.A_Expr) and condition.kind == A_Expr_Kind.AEXPR_OP
    return bool(is_operator and condition.name[0].sval == "=")


def _place(expression: Any, level: Level) -> Place | None:
    """A column of the level, or a known value; None for anything else, such as a column of an outer level."""
    if _is_known(expression):
        return "", ""
    if not isinstance(expression, ast.ColumnRef):
        return None
    names = [part.sval for part in expression.fields if isinstance(part, ast.String)]
    alias = names[0] if len(names) > 1 else next(iter(level.tables), "") if len(level.tables) == 1 else ""
    return (alias, names[-1]) if alias in level.tables else None


def _is_known(expression: Any) -> bool:
    while isinstance(expression, ast.TypeCast):
        expression = expression.arg
    return isinstance(expression, ast.ParamRef | ast.A_Const)


def _inserts_pinned(node: ast.InsertStmt) -> bool:
    """Whether the value that goes into `bank` is known in every row."""
    columns = [column.name for column in node.cols or ()]
    if SHARD_COLUMN not in columns or node.selectStmt is None:
        return False
    place, source = columns.index(SHARD_COLUMN), node.selectStmt
    if source.valuesLists:
        return all(_is_known(row[place]) for row in source.valuesLists)
    return source.targetList is not None and _is_known(source.targetList[place].val)
