"""Basics of forms: their base, names of banks, moments, turns."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StrictBool, StrictFloat, StrictInt
from pydantic.json_schema import JsonSchemaValue

from memkit.models import MAX_PART_CHARS, Role

MOMENT_RULE = "ISO 8601 with an offset, a date (the beginning of that day in the bank's zone), or unix seconds."


class RequestForm(BaseModel):
    """Base of what a request's body says. Unknown fields are errors; inputs stay out of messages."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def options(self, *left_out: str) -> dict[str, Any]:
        """The fields that were given, by name, but for some: options of a verb."""
        return {name: getattr(self, name) for name in self.model_fields_set.difference(left_out)}


BankPart = Annotated[str, Field(min_length=1, max_length=MAX_PART_CHARS)]
BankParts = Annotated[
    tuple[BankPart, ...], Field(min_length=1, description="A bank's name, in its parts.", examples=[["acme", "ana"]])
]
PrefixParts = Annotated[
    tuple[BankPart, ...], Field(description="The beginning of banks' names, in its parts.", examples=[["acme"]])
]
JsonMoment = Annotated[
    str | StrictInt | StrictFloat, Field(description=MOMENT_RULE, examples=["2026-05-04T09:00:00+02:00"])
]
QueryMoment = Annotated[
    float | str,
    Field(union_mode="left_to_right", description=MOMENT_RULE, examples=["2026-05-04T09:00:00+02:00"]),
]
MemoryIds = Annotated[
    list[str], Field(description="Ids of memories.", examples=[["0197f2c4-8a10-7c3e-9b1d-2f4e5a6b7c8d"]])
]
Flag = StrictBool


class TurnForm(RequestForm):
    """One utterance. Without `at`, it is of the moment in which it is observed."""

    text: str
    speaker: str
    role: Role | None = None
    at: JsonMoment | None = None
    id: str | None = None
    session: str | None = None
    metadata: dict[str, Any] | None = None
    reply_to: str | None = None


class ChatMessageForm(BaseModel):
    """A message of a chat API: a role, and a content in whatever blocks that API gives it."""

    model_config = ConfigDict(extra="allow")

    role: Literal["user", "human", "assistant", "ai", "system", "developer", "tool", "function"]
    content: Any = None


class TurnInput(RootModel[Any]):
    """A turn: an object with text and speaker, a message of a chat API, or a [speaker, text] pair.

    Read by the library itself, so that one that can't be read is an outcome of its own.
    """

    @classmethod
    def __get_pydantic_json_schema__(cls, _core_schema: Any, handler: Any) -> JsonSchemaValue:
        pair = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}
        return {
            "anyOf": [
                handler(TurnForm.__pydantic_core_schema__),
                handler(ChatMessageForm.__pydantic_core_schema__),
                pair,
            ],
            "title": "TurnInput",
            "description": (cls.__doc__ or "").strip(),
        }


def given(turns: list[TurnInput]) -> list[Any]:
    """Turns as they came, for the library to read."""
    return [turn.root for turn in turns]
