"""Rendering of the page's templates: memory text is always escaped, and nothing in it can steer the screen."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from memkit.forget.erasure_plan import plural
from memkit.identifiers import bank_path
from memkit.models import Memory
from memkit.recall.present.quoting import local
from memkit.recall.present.reasons import PART_NAMES

DIRECTION_OVERRIDES = frozenset(
    "\u202d\u202e"
)  # they turn what follows round; other marks of direction end with their text
EXCERPT_CHARS = 600  # characters of a text in a list
WHOLE_CHARS = 20_000  # characters of a text on its own page, before the rest is asked for


def visible(text: str) -> str:
    """A text in which nothing is hidden: characters that have no picture, or turn the direction, are replaced."""
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    is_hidden = character in DIRECTION_OVERRIDES or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
    return "\N{REPLACEMENT CHARACTER}" if is_hidden else character


def excerpt(text: str, length: int = EXCERPT_CHARS) -> str:
    """The beginning of a text."""
    return visible(text) if len(text) <= length else visible(text[: length - 1].rstrip()) + "…"


def clock(moment: datetime, zone: str) -> str:
    """A moment on the clocks of a bank: its day and time."""
    return f"{day(moment, zone)} {local(moment, ZoneInfo(zone)):%H:%M}"


def day(moment: datetime, zone: str) -> str:
    """The day of a moment in a bank."""
    return local(moment, ZoneInfo(zone)).date().isoformat()


def time_of_day(moment: datetime, zone: str) -> str:
    """The time of a moment on the clocks of a bank."""
    return f"{local(moment, ZoneInfo(zone)):%H:%M}"


def who(memory: Memory) -> str:
    """Name of the speaker; of what nobody said, its kind."""
    return visible(memory.speaker) if memory.kind == "turn" and memory.speaker else memory.kind


def byte_size(count: int) -> str:
    """Bytes in the unit that fits."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:,.0f} {unit}"
        value /= 1000
    return f"{value:,.1f} GB"


def address(root: str, view: str, **values: object) -> str:
    """The address of a view with these parameters; those that are None, empty or False are left out."""
    query = urlencode({name: value for name, value in values.items() if value not in (None, "", False)})
    return f"{root}/{view}{'?' if query else ''}{query}"


def is_own_address(root: str, back: str) -> bool:
    """Whether an address that a form gave leads to a view of the page."""
    parts = urlsplit(back)
    return not (parts.scheme or parts.netloc or "\\" in back) and parts.path.startswith(f"{root}/")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("memkit.serve.http.page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    for function in (visible, excerpt, clock, day, time_of_day, who, byte_size, bank_path, plural):
        environment.filters[function.__name__] = function
    environment.globals["part_names"] = PART_NAMES
    return environment


PAGE_TEMPLATES = Jinja2Templates(env=_environment())


def render(request: Request, template: str, context: Mapping[str, Any], status: int = 200) -> Response:
    """The answer with a template filled in; in it, `url` gives addresses of views."""
    root = request.scope.get("root_path", "")
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    filled = {"root": root, "here": here, "url": partial(address, root), **context}
    return PAGE_TEMPLATES.TemplateResponse(request, template, filled, status_code=status)
