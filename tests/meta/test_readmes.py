"""READMEs tell what is true: each Python block in them runs, and prints what stands beneath it."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
READMES = [ROOT / "README.md", ROOT / "memkit" / "ITEMS.md", *sorted(ROOT.glob("[!.]*/**/README.md"))]
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n*^```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
FRAMEWORK = re.compile(r"memkit_adapters\.(?!langchain\b)")  # imported by a block that runs where frameworks are
SCORE = re.compile(r"(?<=\.\d)\d+")  # digits of a score after the first depend on the processor


def python_blocks() -> list[tuple[str, str, str | None]]:
    return [
        (f"{file.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1}", match[1], match[2])
        for file in READMES
        for text in [file.read_text("utf-8")]
        for match in PYTHON_BLOCK.finditer(text)
    ]


def marked(place: str, code: str, expected: str | None) -> Any:
    marks = [pytest.mark.frameworks] if FRAMEWORK.search(code) else []
    return pytest.param(place, code, expected, id=place, marks=marks)


@pytest.mark.parametrize(("place", "code", "expected"), [marked(*block) for block in python_blocks()])
def test_a_readmes_python_runs_and_prints_what_stands_beneath_it(
    place: str, code: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, place, "exec"), {"__name__": "__main__"})
    if expected is not None:
        assert SCORE.sub("", output.getvalue()) == SCORE.sub("", expected)
