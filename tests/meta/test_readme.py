"""README tells what is true: its example runs, and prints what stands beneath it."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from memkit.protocols import SurprisalModel

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
ROOT = Path(__file__).parents[2]


def block(after: str, language: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", README.split(after, 1)[1], re.DOTALL)
    assert match is not None
    return match[1]


def test_the_example_prints_what_stands_beneath_it() -> None:
    pytest.importorskip("torch")
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(compile(block("## Use it", "python"), "README.md", "exec"), {})
    rounded = re.compile(r"\(0\.(\d)\d\)")  # the second digit depends on the processor
    assert rounded.sub(r"(0.\1)", shown.getvalue()) == rounded.sub(r"(0.\1)", block("## Use it", "text"))


def test_the_example_inside_a_model_prints_what_stands_beneath_it() -> None:
    pytest.importorskip("transformers")
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(compile(block("### Inside a model", "python"), "README.md", "exec"), {})
    assert shown.getvalue() == block("### Inside a model", "text")


def test_the_example_of_rules_of_retention_prints_what_stands_beneath_it() -> None:
    pytest.importorskip("torch")
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(compile(block("### How long memories are kept", "python"), "README.md", "exec"), {})
    assert shown.getvalue() == block("### How long memories are kept", "text")


def test_the_example_of_a_server_opens_a_store_and_asks_nobody() -> None:
    pytest.importorskip("httpx")
    made: dict[str, Any] = {}
    exec(compile(block("<!-- example: server -->", "python"), "README.md", "exec"), made)
    assert isinstance(made["server"], SurprisalModel)
    made["store"].close()


def test_the_example_has_at_most_twelve_lines() -> None:
    assert len(block("## Use it", "python").strip().splitlines()) <= 13  # one of them is blank


def test_nobody_is_told_to_install_somebody_elses_package() -> None:
    assert re.search(r"pip install (-\S+ )*memkit(\s|$)", README) is None


def test_every_folder_of_the_map_exists() -> None:
    folders = re.findall(r"^  (\w+)/ ", README, re.MULTILINE)
    assert folders
    assert all((ROOT / "memkit" / folder).is_dir() for folder in folders)
    present = {p.name for p in (ROOT / "memkit").iterdir() if p.is_dir() and not p.name.startswith("__")}
    assert present == set(folders)


def test_both_commands_are_there() -> None:
    assert "memkit demo" in block("<!-- command: demo -->", "bash")
    assert "pytest" in block("<!-- command: tests -->", "bash")
