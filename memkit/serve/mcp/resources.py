"""Resources: the portrait, summaries by day, week and month, and memories with their history, as marked blocks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp.shared.uri_template import UriTemplate
from mcp_types import Resource, ResourceTemplate

from memkit.bank import MemoryBank
from memkit.errors import UnknownMemoryError
from memkit.identifiers import bank_path
from memkit.serve.guard import Caller
from memkit.serve.mcp.blocks import history_block, portrait_block, summary_block
from memkit.serve.mcp.pages import page_after
from memkit.serve.mcp.served_banks import ServedBanks
from memkit.serve.mcp.tools.reading import NO_PORTRAIT_TEXT

ROOT_URI = "memkit://memory/"
BLOCK_TYPE = "text/plain"
PAGE_SIZE = 100
MAX_TOKENS = 8_000  # of a resource


def _read_portrait(bank: MemoryBank) -> str:
    return portrait_block(bank, MAX_TOKENS) or NO_PORTRAIT_TEXT


def _read_summary(bank: MemoryBank, period: str) -> str:
    summaries = bank.list(kinds=["summary"], where={"period": period}, order="-recorded_at", limit=1)
    if not summaries:
        raise UnknownMemoryError("period: no summary has it. Name a day, week or month: 2025-03-04, 2025-W10, 2025-03.")
    return summary_block(summaries[0], MAX_TOKENS)


def _read_memory(bank: MemoryBank, id: str) -> str:
    return history_block(bank.get(id), bank.history(id), bank.zone, MAX_TOKENS)


@dataclass(frozen=True)
class ResourceKind:
    """A kind of resource: the end of its URI, and the function that reads it."""

    path: str
    name: str
    title: str
    read: Callable[..., str]


RESOURCE_KINDS = (
    ResourceKind("portrait", "portrait", "Portrait of the people, their standing wishes, what is due", _read_portrait),
    ResourceKind("summaries/{period}", "summary", "Summary of a day, a week or a month", _read_summary),
    ResourceKind("memories/{id}", "memory", "A memory with its history", _read_memory),
)


class MemoryResources:
    """Resources of the served banks; a bank's path stands in the URI where there may be several."""

    def __init__(self, served: ServedBanks) -> None:
        self._served = served
        self._bank_part = "{bank}/" if served.only is None else ""
        self._kinds = [(kind, UriTemplate.parse(ROOT_URI + self._bank_part + kind.path)) for kind in RESOURCE_KINDS]

    def read(self, caller: Caller, uri: str) -> str:
        """The text of a resource. Raises UnknownMemoryError, and what a bank raises."""
        for kind, template in self._kinds:
            if (values := template.match(uri)) is not None:
                given: dict[str, Any] = {**values}
                return kind.read(self._served.bank(caller, given.pop("bank", None), "read"), **given)
        raise UnknownMemoryError("uri: there is no such resource; resources/templates/list says how they are called.")

    def templates(self) -> list[ResourceTemplate]:
        """Templates of what is read by a name."""
        return [
            ResourceTemplate(uri_template=template.template, name=kind.name, title=kind.title, mime_type=BLOCK_TYPE)
            for kind, template in self._kinds
            if template.variables
        ]

    def page(self, caller: Caller, cursor: str | None) -> tuple[list[Resource], str | None]:
        """A page of resources: of one bank the portrait and the days, newest first; of several their portraits."""
        if self._served.only is None:
            names, following = page_after(sorted(map(bank_path, self._served.names(caller))), cursor, PAGE_SIZE)
            return [self._resource(0, f"Portrait, {name}", bank=name) for name in names], following
        bank = self._served.bank(caller, None, "read")
        first = [] if cursor else [self._resource(0, RESOURCE_KINDS[0].title)]
        days = bank.list(["summary"], {"level": "day"}, cursor, PAGE_SIZE, order="-occurred_at")
        periods = [str(day.metadata["period"]) for day in days]
        return [*first, *(self._resource(1, f"Summary, {period}", period=period) for period in periods)], days.next

    def _resource(self, place: int, title: str, **values: str) -> Resource:
        kind, template = self._kinds[place]
        name = "/".join([kind.name, *values.values()])
        return Resource(uri=template.expand(values), name=name, title=title, mime_type=BLOCK_TYPE)

    def completions(self, caller: Caller, argument: str, begun: str, others: dict[str, str]) -> list[str]:
        """Values that an argument of a template or a prompt may have: banks, and days with a summary, newest first."""
        if argument == "bank":
            values = sorted(map(bank_path, self._served.names(caller)))
        elif argument == "period":
            bank = self._served.bank(caller, others.get("bank"), "read")
            days = bank.list(["summary"], {"level": "day"}, limit=1_000, order="-occurred_at")
            values = [str(day.metadata["period"]) for day in days]
        else:
            values = []
        return [value for value in values if value.startswith(begun)]
