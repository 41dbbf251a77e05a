"""Forms of answers where the library gives what JSON hasn't: a page that is a list with a mark, a problem."""

from pydantic import BaseModel, ConfigDict, Field

from memkit.models import FrozenModel, Memory, MemoryPage


class MemoryPageForm(FrozenModel):
    """A page of memories. `next`: where the next page goes on, given as `after`; None at the end."""

    memories: tuple[Memory, ...]
    next: str | None = None

    @classmethod
    def of(cls, page: MemoryPage) -> "MemoryPageForm":
        """The form of a page."""
        return cls(memories=tuple(page), next=page.next)


class BrokenRule(BaseModel):
    """A rule that a request breaks: in which field, and which rule; never what was given."""

    field: str
    rule: str


class Problem(BaseModel):
    """Problem details (RFC 9457): an error of memkit's by its class, with the remedy in `detail`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:memkit:UnknownMemoryError",
                    "title": "An id that isn't in this bank.",
                    "status": 404,
                    "detail": "history: no memory has this id in bank acme/ana. Ids hold within one bank.",
                }
            ]
        }
    )

    type: str = Field(description="urn:memkit: and the class of the error; about:blank for the protocol's own.")
    title: str
    status: int
    detail: str
    errors: list[BrokenRule] | None = Field(None, description="Of a request that breaks rules of its form, each.")
