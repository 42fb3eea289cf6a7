"""The windows that tests open, and the watch kept over what the browser complains about in them."""

from dataclasses import dataclass, field
from typing import Protocol

from playwright.sync_api import ConsoleMessage, Error, Page, ViewportSize

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}


class Service(Protocol):
    """What ``tests/conftest.py`` gives: a running ``engagement serve``."""

    @property
    def url(self) -> str: ...


@dataclass
class Watch:
    """Everything the browser complained about; ``allow`` names complaints that a test provokes."""

    complaints: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, text: str) -> None:
        self.allowed.append(text)

    def page(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", self._page_error)

    def unexpected(self) -> list[str]:
        return [each for each in self.complaints if not any(text in each for text in self.allowed)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _page_error(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error}")
