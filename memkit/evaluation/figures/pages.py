"""Pages with figures: regions of READMEs, between two marks, that hold rendered tables.

A region begins with the line `<!-- figures: NAME -->` and ends with `<!-- end -->`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from memkit.errors import InputError
from memkit.evaluation.figures.result_file import ResultFile
from memkit.evaluation.figures.tables import TABLE_RENDERERS

PACKAGE_FOLDER = Path(__file__).parents[2]
REGION_PATTERN = re.compile(r"(<!-- figures: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages(folder: Path = PACKAGE_FOLDER) -> list[Path]:
    """READMEs that have a region for figures."""
    return [path for path in sorted(folder.rglob("README.md")) if REGION_PATTERN.search(path.read_text("utf-8"))]


def rendered(text: str, results: Mapping[str, ResultFile]) -> str:
    """A page with each region's table as the results have it. Raises InputError for an unknown name."""

    def fill(match: re.Match[str]) -> str:
        if match[2] not in TABLE_RENDERERS:
            raise InputError(f"figures: there is no table {match[2]!r}. There are: {', '.join(TABLE_RENDERERS)}.")
        return f"{match[1]}{TABLE_RENDERERS[match[2]](results)}\n{match[3]}"

    return REGION_PATTERN.sub(fill, text)


def outdated_pages(results: Mapping[str, ResultFile], folder: Path = PACKAGE_FOLDER) -> list[Path]:
    """Pages that don't hold what the results render to."""
    return [path for path in pages(folder) if (text := path.read_text("utf-8")) != rendered(text, results)]


def update_pages(results: Mapping[str, ResultFile], folder: Path = PACKAGE_FOLDER) -> list[Path]:
    """Render the regions of all pages anew; the pages that changed."""
    changed = outdated_pages(results, folder)
    for path in changed:
        path.write_text(rendered(path.read_text("utf-8"), results), encoding="utf-8")
    return changed
