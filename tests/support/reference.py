"""References that are generated from the code: `python tests/support/reference.py` writes both.

The commands with their options go into memkit/cli/README.md, between its two markers; the settings into
memkit/SETTINGS.md. `tests/meta/test_references.py` holds them equal to the code.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.main import get_command

from memkit import settings
from memkit.cli.app import PANEL_COMMANDS, application, command_name

ROOT = Path(__file__).parents[2]
CLI_PAGE = ROOT / "memkit" / "cli" / "README.md"
SETTINGS_PAGE = ROOT / "memkit" / "SETTINGS.md"
OPENING_MARK = "<!-- generated: commands -->"
CLOSING_MARK = "<!-- end of the commands -->"
BOUND_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "a multiple of"}
SETTINGS_HEAD = """# Settings

Generated from `memkit/settings.py` by `python tests/support/reference.py`. Every number that a user may want to change,
with the default that was measured best. Give what differs:
`memkit.open(..., settings=memkit.Settings(decay=DecaySettings(days=90)))`.
What shapes stored data lives in the file, and another value later is an error that says what to do.
"""


def commands_reference() -> str:
    """All commands in the order of the help, as Markdown."""
    root: Any = get_command(application())
    panels = {title: list(map(command_name, commands)) for title, commands in PANEL_COMMANDS.items()}
    panels["Keep"].append("encoder")
    panels["Serve"].append("access")
    return "\n\n".join(
        text
        for title, names in panels.items()
        for text in (f"### {title}", *(text for name in names for text in _command_texts(root.commands[name], name)))
    )


def _command_texts(command: Any, name: str) -> Iterator[str]:
    """A command, or each command of a group."""
    for own, inner in getattr(command, "commands", {}).items():
        yield from _command_texts(inner, f"{name} {own}")
    if not hasattr(command, "commands"):
        usage = " ".join([f"memkit {name}", *(_metavar(p) for p in command.params if p.param_type_name == "argument")])
        lines = [_parameter_line(parameter) for parameter in command.params]
        yield f"#### `{usage}`\n\n{inspect.cleandoc(command.help)}\n\n" + "\n".join(lines)


def _parameter_line(parameter: Any) -> str:
    names = [_metavar(parameter)] if parameter.param_type_name == "argument" else sorted(parameter.opts, key=len)
    value = "" if parameter.param_type_name == "argument" or parameter.is_flag else f" {_metavar(parameter)}"
    notes = [note for note in (_default(parameter), _environment(parameter)) if note]
    ending = f" ({'; '.join(notes)})" if notes else ""
    return f"- `{', '.join(names)}{value}`: {parameter.help}{ending}"


def _metavar(parameter: Any) -> str:
    numeric = type(parameter.default) in (int, float)
    return str(parameter.metavar or ("N" if numeric else parameter.name.upper()))


def _default(parameter: Any) -> str:
    shown = parameter.show_default
    if isinstance(shown, str):
        return f"default: {shown}"
    silent = parameter.default in (None, False) or parameter.required
    return "" if silent else f"default: {parameter.default}"


def _environment(parameter: Any) -> str:
    return f"or the environment variable {parameter.envvar}" if parameter.envvar else ""


def settings_reference() -> str:
    """All sections of `memkit.settings` with their fields, as Markdown."""
    sections = [section for section in vars(settings).values() if _is_section(section)]
    return "\n".join([SETTINGS_HEAD, *(_section_text(section) for section in sections)])


def _is_section(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel) and bool(value.model_fields)


def _section_text(section: type[BaseModel]) -> str:
    comments = field_comments(section)
    rows = [
        f"| {' | '.join((f'`{name}`', _type_name(field), _default_text(field), _bounds(field), comments[name]))} |"
        for name, field in section.model_fields.items()
    ]
    table = ["| field | type | default | bounds | meaning |", "|---|---|---|---|---|", *rows]
    return f"## {section.__name__}\n\n{inspect.getdoc(section)}\n\n" + "\n".join(table) + "\n"


def field_comments(section: type[BaseModel]) -> dict[str, str]:
    """The comment behind each field in the source; "" where there is none."""
    source = inspect.getsource(section)
    lines = source.splitlines()
    [body] = [node.body for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    fields = [node for node in body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    return {node.target.id: _comment(lines[node.lineno - 1]) for node in fields if isinstance(node.target, ast.Name)}


def _comment(line: str) -> str:
    _, _, text = line.partition("  # ")
    return text.replace("|", "\\|")


def _type_name(field: Any) -> str:
    plain = isinstance(field.annotation, type) and not getattr(field.annotation, "__args__", None)
    name = re.sub(r"\b(?:\w+\.)+", "", field.annotation.__name__ if plain else str(field.annotation))
    return "`" + name.replace("|", "\\|") + "`"


def _default_text(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "must be given"
    return "its defaults" if isinstance(field.default, BaseModel) else f"`{field.default}`"


def _bounds(field: Any) -> str:
    limits = [(name, getattr(part, name)) for part in field.metadata for name in BOUND_SIGNS if hasattr(part, name)]
    return ", ".join(f"{BOUND_SIGNS[name]} {limit}" for name, limit in limits)


def cli_page() -> str:
    """The page of the command line with the reference between its markers."""
    before, _, rest = CLI_PAGE.read_text("utf-8").partition(OPENING_MARK)
    _, _, after = rest.partition(CLOSING_MARK)
    return f"{before}{OPENING_MARK}\n\n{commands_reference()}\n\n{CLOSING_MARK}{after}"


if __name__ == "__main__":
    CLI_PAGE.write_text(cli_page(), encoding="utf-8")
    SETTINGS_PAGE.write_text(settings_reference(), encoding="utf-8")
