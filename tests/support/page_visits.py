"""A visitor of the page, over ASGI without a browser, who fills in its forms as one would."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

HERE = "http://127.0.0.1:8000"


@dataclass
class Form:
    """A form of a page: where it is sent, and its hidden and prefilled fields."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class PageReader(HTMLParser):
    """Reads a page's forms, and whatever may run a script or be styled inline."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.inline: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get")))
        elif tag in ("input", "textarea") and "name" in values and self.forms and values.get("type") != "checkbox":
            self.forms[-1].fields[values["name"]] = values.get("value", "")
        self.inline += [f"{tag} {name}" for name in values if name == "style" or name.startswith("on")]
        self.inline += [f"{tag} {name}" for name, value in values.items() if value.lower().startswith("javascript:")]
        self.inline += (
            [tag] if tag in ("style", "iframe", "object", "embed") or (tag == "script" and "src" not in values) else []
        )

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@dataclass
class PageVisit:
    """A visit of the page in one browser."""

    http: httpx.AsyncClient

    async def look(self, view: str, status: int = 200, **parameters: Any) -> str:
        """The HTML of a view."""
        answer = await self.http.get(f"/page/{view}", params=parameters)
        assert answer.status_code == status, answer.text[:500]
        return answer.text

    async def send(self, html: str, action: str, **fields: str) -> httpx.Response:
        """Send the first form of a view with this action, and these of its fields filled in; redirects are followed."""
        form = next(
            form for form in PageReader(html).forms if (form.method, form.action) == ("post", f"/page/{action}")
        )
        return await self.http.post(form.action, data=form.fields | fields, follow_redirects=True)


def visiting(app: Any, **options: Any) -> PageVisit:
    """A visit of an application's page from this machine."""
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    return PageVisit(httpx.AsyncClient(transport=transport, base_url=HERE, **options))
