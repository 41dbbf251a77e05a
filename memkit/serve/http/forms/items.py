"""Forms of items: JSON values by key."""

from datetime import datetime
from typing import Annotated, Any, cast

from pydantic import Field

from memkit.items import ItemFields
from memkit.serve.http.forms.basics import Flag, RequestForm

Minutes = Annotated[float, Field(gt=0, strict=True)]
ItemIndex = Annotated[
    bool | list[str] | None,
    Field(description="False for none, paths into the value for a vector of each, None for all of it."),
]


class ItemForm(RequestForm):
    """A value to put under a key, any JSON. `ttl`: minutes that it lives; `sources`: memories that it belongs to."""

    key: str
    value: Any
    index: ItemIndex = None
    ttl: Minutes | None = None
    sources: list[str] = []

    def as_fields(self) -> ItemFields:
        """The fields that were given, as the library takes them."""
        return cast("ItemFields", self.options())


class PutManyRequest(RequestForm):
    """Items to put, then keys to delete: all or nothing.

    `encoded`: not without their vectors. `expected`: each key's `updated_at` as it was read, None for absent; all must
    be so still.
    """

    puts: list[ItemForm] = []
    delete: list[str] = []
    encoded: Flag = False
    expected: dict[str, datetime | None] | None = None


class KeyRequest(RequestForm):
    """The key of an item."""

    key: str
