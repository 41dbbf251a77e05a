"""Run the conformance kit on test files and print which adapter keeps which claim.

python -m memkit.testing.adapters tests/test_my_adapter.py [options of pytest]
"""

import sys
from collections import defaultdict
from collections.abc import Sequence

import pytest

from memkit.testing.adapters.contract import AdapterContract

MARK_BY_OUTCOME = {"passed": "yes", "failed": "no", "skipped": "-"}


class ClaimTable:
    """Pytest's plugin that keeps the outcome of each claim for each class of tests."""

    def __init__(self) -> None:
        self.outcomes: dict[str, dict[str, str]] = defaultdict(dict)
        self._contract_tests: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the kit's own claims alone."""
        own = [item for item in items if _is_claim(item)]
        items[:] = own
        self._contract_tests = {item.nodeid for item in own}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a claim went; one that failed in any of its forms is not kept."""
        if report.nodeid in self._contract_tests and (report.when == "call" or report.outcome != "passed"):
            _, adapter, test = report.nodeid.split("[", maxsplit=1)[0].rsplit("::", 2)
            claim = test.removeprefix("test_").replace("_", " ")
            if self.outcomes[claim].get(adapter) != "failed":
                self.outcomes[claim][adapter] = report.outcome

    def lines(self) -> list[str]:
        """The table: a line for each claim, a column for each adapter."""
        adapters = sorted({adapter for outcomes in self.outcomes.values() for adapter in outcomes})
        rows = [["claim", *adapters]]
        for claim, own in self.outcomes.items():
            rows.append([claim, *(MARK_BY_OUTCOME.get(own.get(adapter, ""), "") for adapter in adapters)])
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _is_claim(item: pytest.Item) -> bool:
    owner = getattr(item, "cls", None)
    name = getattr(item, "originalname", item.name)
    return isinstance(owner, type) and issubclass(owner, AdapterContract) and hasattr(AdapterContract, name)


def main(arguments: Sequence[str]) -> int:
    """Run the claims in these files; pytest's exit code."""
    table = ClaimTable()
    code = pytest.main(["-q", "--no-header", "-m", "", *arguments], plugins=[table])
    sys.stdout.write("\n".join(["", *table.lines(), ""]))
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
