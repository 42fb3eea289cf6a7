"""A real browser against the real service: one Chromium for the run, a fresh reader for every page."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.browser.window import DESKTOP, Service, Watch

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=10_000)  # milliseconds


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium or Chrome."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.fail(f"The browser tests need one of {', '.join(BROWSERS)} on PATH.", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def viewport(request: pytest.FixtureRequest) -> ViewportSize:
    """The size of the window; a test asks for others with ``parametrize(..., indirect=True)``."""
    size: ViewportSize = getattr(request, "param", DESKTOP)
    return size


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fail the test that made the browser complain: console errors, uncaught errors, CSP violations."""
    watch = Watch()
    yield watch
    assert watch.unexpected() == []


@pytest.fixture
def new_reader(
    browser: Browser, service: Service, viewport: ViewportSize, watch: Watch
) -> Iterator[Callable[[], Page]]:
    """Open a page of somebody who was never here; paths are relative to the service."""
    contexts = []

    def open_page() -> Page:
        context = browser.new_context(base_url=service.url, viewport=viewport, locale="en-GB")
        contexts.append(context)
        page = context.new_page()
        watch.page(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_reader: Callable[[], Page]) -> Page:
    """A fresh reader's page."""
    return new_reader()


@pytest.fixture
def article() -> str:
    """The id of an article that no other test uses."""
    return f"test-{uuid.uuid4()}"


@pytest.fixture
def embed(service: Service) -> Iterator[Callable[[str], str]]:
    """Give the address, on another origin, of a white page that has the widget with these attributes."""

    class Story(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            attributes = unquote(self.path.partition("?")[2])
            self.wfile.write(
                f"""<!doctype html><title>News</title><link rel="icon" href="data:,">
                <engagement-footer {attributes}></engagement-footer>
                <script type="module" src="{service.url}/static/engagement.js"></script>""".encode()
            )

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Story) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield lambda attributes: f"http://127.0.0.1:{server.server_port}/story?{quote(attributes)}"
        server.shutdown()
        thread.join()
