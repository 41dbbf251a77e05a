"""Tools as values: typed arguments, a typed answer, and the function between them, which runs in a thread."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import cleandoc
from typing import Annotated, Any, Generic, TypeVar

import anyio.from_thread
from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from memkit.access import Right
from memkit.bank import MemoryBank
from memkit.errors import UnknownOptionError
from memkit.serve.guard import Caller
from memkit.serve.mcp.erase_plans import ErasePlans
from memkit.serve.mcp.served_banks import ServedBanks

ReportProgress = Callable[[float, float, str], None]
BANK_FIELD: Any = (str, Field(description="bank, as acme/ana"))


class ToolArguments(BaseModel):
    """Base of a tool's arguments; unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


Arguments = TypeVar("Arguments", bound=ToolArguments)
Element = TypeVar("Element")


def _parsed(value: Any) -> Any:
    """A list that came as its JSON text, as some clients send it."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


Listed = Annotated[list[Element], BeforeValidator(_parsed)]


@dataclass(frozen=True)
class ToolCall:
    """A call: the banks that are served, who calls, which bank is meant, and whom to tell how far it is."""

    served: ServedBanks
    caller: Caller
    right: Right
    path: str | None
    plans: ErasePlans
    report: ReportProgress

    @cached_property
    def bank(self) -> MemoryBank:
        """The bank, where the caller has the tool's right. Raises InvalidNameError, ForbiddenError, InputError."""
        return self.served.bank(self.caller, self.path, self.right)

    def check(self) -> None:
        """Raise where the call was cancelled, which ends the work."""
        anyio.from_thread.check_cancelled()

    def step(self, done: float, total: float, text: str) -> None:
        """Tell how far it is, or raise as `check` does."""
        self.check()
        self.report(done, total, text)


@dataclass(frozen=True)
class ToolAnswer:
    """Answer of a tool: texts for a model, and data for programs."""

    texts: list[str]
    data: BaseModel


@dataclass(frozen=True)
class MemoryTool(Generic[Arguments]):
    """A tool: a function, whose docstring is what a model reads, the right that it needs, and what it changes."""

    run: Callable[[ToolCall, Arguments], ToolAnswer]
    title: str
    arguments: type[Arguments]
    answer: type[BaseModel]
    right: Right
    destructive: bool = False
    idempotent: bool = False
    takes_bank: bool = True

    @property
    def name(self) -> str:
        """The function's name."""
        return self.run.__name__

    def model(self, *, names_bank: bool) -> type[Arguments]:
        """The arguments, with the bank's name where calls choose it."""
        if not (names_bank and self.takes_bank):
            return self.arguments
        return create_model(self.arguments.__name__, __base__=self.arguments, bank=BANK_FIELD)

    def listed(self, *, names_bank: bool) -> Tool:
        """The tool as clients see it."""
        return Tool(
            name=self.name,
            title=self.title,
            description=" ".join(cleandoc(self.run.__doc__ or "").split()),
            input_schema=short_schema(self.model(names_bank=names_bank).model_json_schema()),
            output_schema=short_schema(self.answer.model_json_schema(), without=("title", "description")),
            annotations=ToolAnnotations(
                read_only_hint=self.right == "read",
                destructive_hint=self.destructive,
                idempotent_hint=self.idempotent or self.right == "read",
                open_world_hint=False,
            ),
        )


def checked_arguments(model: type[Arguments], values: Mapping[str, Any]) -> Arguments:
    """A call's arguments. Raises UnknownOptionError, whose message names what is wrong and repeats no value."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors())
        raise UnknownOptionError(f"{wrong}. The tool's input schema says what it takes.") from None


def short_schema(schema: Any, without: Collection[str] = ("title",)) -> Any:
    """A JSON schema without annotations that tell a model nothing, and without defaults of null."""
    if isinstance(schema, list):
        return [short_schema(part, without) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: short_schema(part, without) for name, part in schema.items() if not _is_noise(name, part, without)}


def _is_noise(name: str, part: Any, without: Collection[str]) -> bool:
    return (name in without and isinstance(part, str)) or (name == "default" and part is None)
