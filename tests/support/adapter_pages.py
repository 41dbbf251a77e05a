"""Sections of the adapters' page: what they show of a framework is run, and prints what stands beneath it."""

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "adapters" / "README.md"
FRAMEWORK_BLOCK = re.compile(r"^```py\n(.*?)^```\n\n^```text\n(.*?)^```\n", re.DOTALL | re.MULTILINE)


def shown_and_printed(module: str) -> tuple[str, str]:
    """What a section says that its block prints, and what that prints; the section is of `memkit_adapters.<module>`."""
    [section] = [part for part in PAGE.read_text("utf-8").split("\n## ") if f"`memkit_adapters.{module}`" in part]
    [(code, shown)] = FRAMEWORK_BLOCK.findall(section)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, module, "exec"), {"__name__": "__main__"})
    return shown, output.getvalue()
