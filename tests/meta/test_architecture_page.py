"""memkit/README.md says what the package is: forms, floors, files and words."""

import dataclasses
import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "memkit" / "README.md").read_text("utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
FORM_PATTERN = re.compile(r"^\| `(\w+)` \| `([\w.]+)` \| ([\w, .]+) \| [^|]+ \|$", re.MULTILINE)
WORD_PATTERN = re.compile(r"^\| ([a-z][\w ,/-]+) \| [^|]+ \|$", re.MULTILINE)
FORMS = FORM_PATTERN.findall(PAGE)


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def fields_of(form: Any) -> list[str]:
    if dataclasses.is_dataclass(form):
        return [field.name for field in dataclasses.fields(form) if field.init]
    return list(getattr(form, "model_fields", getattr(form, "_fields", ())))


@pytest.mark.parametrize(("name", "module", "fields"), FORMS, ids=[name for name, *_ in FORMS])
def test_a_form_of_the_table_is_a_class_with_these_fields_in_this_order(name: str, module: str, fields: str) -> None:
    listed = fields.split(", ")
    actual = fields_of(getattr(importlib.import_module(f"memkit.{module}"), name))
    if listed[-1] == "...":
        actual = [*actual[: len(listed) - 1], "..."] if len(actual) >= len(listed) else actual
    assert listed == actual


def test_the_table_has_at_most_twelve_forms_and_each_of_its_rows_is_read() -> None:
    rows = [line for line in section("Forms").splitlines() if line.startswith("| `")]
    assert 0 < len(FORMS) == len(rows) <= 12


@pytest.mark.parametrize(("mark", "container"), [("floors", "memkit"), ("flows", "memkit.flows")])
def test_the_floors_on_the_page_are_those_that_the_import_linter_holds(mark: str, container: str) -> None:
    [layers] = [contract["layers"] for contract in CONTRACTS if contract.get("containers") == [container]]
    listed = PAGE.split(f"<!-- {mark} -->\n```text\n")[1].split("\n```")[0].splitlines()
    assert listed == layers


def test_every_file_and_folder_that_the_page_names_is_there() -> None:
    named = re.findall(r"`((?:[\w.]+/)*(?:\w+/|\w+\.(?:py|md)))`", PAGE)
    roots = (ROOT / "memkit", ROOT / "memkit" / "storage", ROOT / "memkit" / "recall", ROOT)
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


def test_every_word_of_the_glossary_stands_in_the_code() -> None:
    sources = "\n".join(file.read_text("utf-8").casefold() for file in (ROOT / "memkit").rglob("*.py"))
    words = [word.strip() for row in WORD_PATTERN.findall(section("Words")) for word in row.split(",")]
    stems = {word: word.removesuffix("s") for word in words if word != "word"}
    assert [
        word for word, stem in stems.items() if stem.casefold() not in sources and stem.replace(" ", "_") not in sources
    ] == []


def test_every_room_of_the_package_stands_in_the_table_of_rooms() -> None:
    rooms = {folder.name for folder in (ROOT / "memkit").iterdir() if (folder / "__init__.py").exists()}
    assert {room for room in rooms if f"`{room}/`" not in section("Rooms")} == set()
