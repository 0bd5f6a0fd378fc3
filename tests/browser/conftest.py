"""A real browser on real pages: chromium without a window, uvicorn on a free port of loopback."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn

from offsider import App
from support.waiting import until

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


# While playwright is there, its event loop runs on this thread: nobody else's tests could run one of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The browser of a file of tests."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium here: apt-get install -y chromium")
    with sync_api.sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield one
        one.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serves an ASGI application; returns its address."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(site: Any) -> str:
        server = uvicorn.Server(uvicorn.Config(site, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        until(lambda: server.started, what="uvicorn listens")
        return f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start
    for server, thread in running:
        server.should_exit = server.force_exit = True
        thread.join(10)


TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > innerWidth && !one.closest(".tabs, .scroll, pre"))
    .map((one) => `${one.tagName}.${one.className} ${one.textContent.slice(0, 40)}`)"""


class Screen:
    """A page in the browser that must not complain about anything.

    Attributes:
        page: Playwright's.
        said: What the console and failed scripts have said.
    """

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.set_default_timeout(10_000)

    def open(self, path: str) -> Any:
        """Go to a page."""
        self.page.goto(self.address + path)
        return self.page

    def update(self) -> None:
        """An update of the page, now, and its end."""
        self.page.evaluate("update()")

    def too_wide(self) -> list[str]:
        """What makes the page wider than its window; empty when nothing does."""
        found: list[str] = self.page.evaluate(TOO_WIDE)
        return found


@pytest.fixture
def make_screen(browser: Any, serve: Callable[[Any], str]) -> Iterator[Callable[..., Screen]]:
    """Screens on the pages of an app; at the end none may have complained."""
    made: list[tuple[Any, Screen]] = []

    def make(app: App, **options: Any) -> Screen:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options})
        one = Screen(context.new_page(), serve(app.web()))
        made.append((context, one))
        return one

    yield make
    said = [line for context, one in made for line in one.said]
    for context, _one in made:
        context.close()
    assert not said, said


@pytest.fixture
def screen(app: App, make_screen: Callable[..., Screen]) -> Screen:
    """One on the pages of the test's app."""
    return make_screen(app)
