"""The page on HTTP tells what is true: its commands run, and print what stands beneath them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import memkit
from memkit.serve.http import problems
from memkit.serve.http.app import create_app
from tests.support.serving import serving

PAGE = Path(problems.__file__).with_name("README.md").read_text("utf-8")
BLOCK = re.compile(r"^```bash\n(.*?)^```\n(?:\n^```(?:json|text)\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


def test_each_command_prints_what_stands_beneath_it(store: memkit.MemoryStore, tmp_path: Path) -> None:
    with serving(create_app(store)) as url:
        for command, expected in BLOCK.findall(PAGE):
            told = command.replace("http://127.0.0.1:8000", url)
            done = subprocess.run(["bash", "-ec", told], cwd=tmp_path, capture_output=True, text=True, timeout=60)
            assert done.stdout.strip() == expected.strip(), command


def test_each_status_that_is_answered_is_on_the_page() -> None:
    assert "\n".join(f"| {status} | {meaning} |" for status, meaning in problems.STATUS_MEANINGS.items()) in PAGE
