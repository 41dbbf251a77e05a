"""Chromium, as Debian packages it, at the page: it tells whatever a page must never do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

CHROMIUM = os.environ.get("MEMKIT_CHROMIUM", "/usr/bin/chromium")
WAIT_MS = 30_000  # for anything; two cores are shared
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


@dataclass
class WatchedPage:
    """A tab of a browser. `misdeeds`: scripts that failed, violations of the policy, dialogs, requests elsewhere."""

    tab: Any
    root: str
    misdeeds: list[str] = field(default_factory=list)

    def watch(self) -> "WatchedPage":
        """Note whatever the page must not do."""
        self.tab.on("console", self._hear)
        self.tab.on("pageerror", lambda error: self.misdeeds.append(f"error: {error}"))
        self.tab.on("dialog", self._dismiss)
        self.tab.on("request", self._follow)
        self.tab.set_default_timeout(WAIT_MS)
        return self

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning") and "status of 4" not in message.text:  # an error's page was asked for
            self.misdeeds.append(f"console: {message.text[:300]}")

    def _dismiss(self, dialog: Any) -> None:
        self.misdeeds.append(f"dialog: {dialog.message[:100]}")
        dialog.dismiss()

    def _follow(self, request: Any) -> None:
        if not request.url.startswith((self.root, "data:")):
            self.misdeeds.append(f"request: {request.url[:100]}")

    def look(self, view: str, **parameters: Any) -> Any:
        """Open a view, and wait until all of it is there, charts and parts that come later included."""
        self.tab.goto(f"{self.root}/page/{view}?{urlencode(parameters, doseq=True)}")
        self.tab.wait_for_load_state("networkidle")
        return self.tab

    def is_clean(self) -> bool:
        """Whether nothing ran that stood in a text."""
        return self.misdeeds == [] and self.tab.evaluate("window.scriptRan === undefined") is True

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than the screen."""
        width: int = self.tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser. Skips the test where there is none; in CI there has to be one."""
    if not Path(CHROMIUM).exists() and not os.environ.get("CI"):
        pytest.skip(f"needs Chromium at {CHROMIUM}, or where MEMKIT_CHROMIUM says")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def tab_of(browser: Any, root: str, **options: Any) -> WatchedPage:
    """A new tab with cookies of its own."""
    return WatchedPage(browser.new_context(viewport=WIDE, **options).new_page(), root).watch()
