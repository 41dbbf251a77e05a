"""The client's page: its examples run against a server, and print what stands beneath them."""

import contextlib
import io
import re
from pathlib import Path

import pytest

CLIENT_PAGE = Path(__file__).parents[4] / "memkit" / "serve" / "client" / "README.md"
EXAMPLE = re.compile(r"^```py\n(.*?)^```\n\n```text\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
EXAMPLES = EXAMPLE.findall(CLIENT_PAGE.read_text("utf-8"))


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize(("code", "expected"), EXAMPLES)
def test_an_example_prints_what_stands_beneath_it(code: str, expected: str, url: str) -> None:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code.replace("http://127.0.0.1:8000", url), str(CLIENT_PAGE), "exec"), {"__name__": "__main__"})
    assert output.getvalue() == expected
