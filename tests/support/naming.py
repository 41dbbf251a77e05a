"""Lint rules of the project's own, over the syntax trees of source files: `python tests/support/naming.py PATHS...`."""

import ast
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

EVENT_NAMES = frozenset({"found", "made", "told", "kept", "one", "known"})
OPENING_WORDS = frozenset(
    "What Which Where When Who Whom Whose How By Of That Such As From With Under Beside Behind To".split()
)
Rule = Callable[[Iterable[Path]], list[str]]
TYPE_MAKERS = frozenset({"TypeVar", "ParamSpec", "NewType"})


def source_files(paths: Iterable[Path]) -> Iterator[tuple[Path, ast.Module]]:
    """Python files below the paths, parsed."""
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield file, ast.parse(file.read_text(encoding="utf-8"))


def one_word_constants(paths: Iterable[Path]) -> list[str]:
    """Constants that lack a noun or a unit: upper-case names of a single word, in modules and classes."""
    return [
        f"{file}:{target.lineno} {target.id}"
        for file, tree in source_files(paths)
        for body in (node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef))
        for target in assigned_names(body)
        if target.id.isupper() and "_" not in target.id.strip("_")
    ]


def assigned_names(body: Iterable[ast.stmt]) -> Iterator[ast.Name]:
    """Names that statements of a body assign to; type variables aside."""
    for statement in body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and not _makes_type(statement.value):
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node


def _makes_type(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in TYPE_MAKERS


def repeated_class_names(paths: Iterable[Path]) -> list[str]:
    """Class names that stand more than once."""
    places: dict[str, list[str]] = defaultdict(list)
    for file, tree in source_files(paths):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{file}:{node.lineno}")
    return [f"{name}: {', '.join(at)}" for name, at in sorted(places.items()) if len(at) > 1]


def event_names(paths: Iterable[Path]) -> list[str]:
    """Values, parameters, fields and functions named after what happened to them instead of what they are."""
    return [
        f"{file}:{line} {name}"
        for file, tree in source_files(paths)
        for node in ast.walk(tree)
        for name, line in _bound(node)
        if name.strip("_") in EVENT_NAMES
    ]


def _bound(node: ast.AST) -> Iterator[tuple[str, int]]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            yield name, node.lineno
        case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name, node.lineno


def crooked_docstrings(paths: Iterable[Path]) -> list[str]:
    """Docstrings that don't begin with a noun or a verb."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return [
        f"{file}:{getattr(node, 'lineno', 1)} {text.splitlines()[0][:60]}"
        for file, tree in source_files(paths)
        for node in ast.walk(tree)
        if isinstance(node, kinds) and (text := ast.get_docstring(node)) and text.split()[0] in OPENING_WORDS
    ]


RULES: tuple[Rule, ...] = (one_word_constants, repeated_class_names, event_names, crooked_docstrings)

if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]] or [Path("memkit"), Path("adapters")]
    for rule in RULES:
        lines = rule(given)
        print(f"== {rule.__name__}: {len(lines)}", *lines, sep="\n")
