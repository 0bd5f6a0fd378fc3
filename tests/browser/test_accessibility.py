"""axe-core finds nothing wrong with any page: by day on a wide screen, by night on a phone, and from right to left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from offsider import App, Context
from offsider.worker.worker import Worker
from support.site import failed, fill, payload
from support.waiting import until

spec = find_spec("axe_playwright_python")
if spec is None or spec.origin is None:
    pytest.skip("axe-core is not installed: pip install axe-playwright-python", allow_module_level=True)
AXE = Path(spec.origin).with_name("axe.min.js").read_text("utf-8")
# What may differ between two looks of the same page; all the rest is the same and was looked at by day.
OF_LOOKS = ["color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block", "meta-viewport"]
RUN = """async (only) => {
    const found = await axe.run(document, {
        resultTypes: ["violations"],
        rules: { "target-size": { enabled: true } },
        ...(only.length ? { runOnly: { type: "rule", values: only } } : {}),
    });
    const why = (node) => [...node.any, ...node.all, ...node.none].map((check) => check.message)[0] ?? "";
    const told = (one) => one.nodes.slice(0, 3).map((node) => `${node.target} ${why(node)}`);
    return found.violations.map((one) => `${one.impact} ${one.id}: ${told(one)}`);
}"""
NOT_FOUND = "error: Failed to load resource: the server responded with a status of 404 (Not Found)"
pause = threading.Event()
# One of each kind of page: what differs in their addresses only differs in no look.
KINDS = (
    *("/", "/busy", "/queues", "/queues/mail?text=vip", "/retries", "/dead?text=no", "/dead/all?act=retry", "/errors"),
    *("/metrics", "/metrics/shop.count", "/profiles", "/doctor", "/find?q=a", "/jobs/w1", "/jobs/long", "/jobs/gone"),
    *("/jobs/s1", "/quarantine", "/quarantine/q1", "/nothing"),
)


def complaints(page: Any, only: Sequence[str] = ()) -> list[str]:
    """What axe-core has to say about a page as it is now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, list(only))
    return found


def check(found: dict[str, list[str]]) -> None:
    """Fails with all complaints, to be read."""
    said = [f"{where}: {one}" for where, complained in found.items() for one in complained]
    if said:
        pytest.fail("\n".join(said))


def work(app: App, raw: Any, start_worker: Callable[..., Worker]) -> None:
    """Something in every place, something that runs, something measured, something marked, a profile."""

    @app.job(name="shop.count", queue="mail")
    def count(upto: int, ctx: Context) -> None:
        ctx.progress(3, upto, "rows of orders")
        if upto == 7:
            raise ValueError("7 is no number of orders")
        while upto > 7 and not ctx.stopping:
            pause.wait(0.02)

    fill(app, raw)
    raw.zadd(app.keys.retry, {failed("long", message="x" * 5000, args=["y" * 5000], tags=["a", "b"]): 4e9})
    raw.delete(app.keys.queue("mail"))
    count.enqueue_many([(3,), (7,), (8,)])
    app.metrics.mark("v42")
    worker = start_worker(app, queues=["mail"])
    until(lambda: app.running.all() and app.running.all()[0].progress, what="a job runs and says how far it is")
    until(lambda: app.metrics.queues(minutes=2), what="something was measured")
    worker.quiet()
    raw.lpush(app.keys.queue("mail"), payload("w1", "shop.welcome", 7, tags=["vip"]))
    until(lambda: app.processes.all()[0].quiet, what="it is quiet, and takes nothing more")


@pytest.mark.parametrize("part", range(3))
def test_no_page_keeps_anybody_out(
    app: App, raw: Any, start_worker: Callable[..., Worker], make_screen: Callable[..., Any], part: int
) -> None:
    work(app, raw, start_worker)
    screen = make_screen(app, reduced_motion="reduce")  # else a colour is looked at on its way to another
    found = {}
    for address in KINDS[part::3]:
        page = screen.open(address)
        found[address] = complaints(page)
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 844})
        found[f"{address} at night on a phone"] = complaints(page, OF_LOOKS)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1280, "height": 800})
    screen.said[:] = [one for one in screen.said if one != NOT_FOUND]
    check(found)


def test_dialogs_menus_and_news_keep_nobody_out(app: App, raw: Any, screen: Any) -> None:
    fill(app, raw)
    found = {}
    page = screen.open("/retries?text=no")
    page.locator("summary", has_text="All that fit").click()
    found["a menu"] = complaints(page)
    page.locator("h1").click()
    page.locator('input[value="r1"]').check()
    page.locator(".toolbar").get_by_role("button", name="Delete", exact=True).click()
    found["a question"] = complaints(page)
    page.locator("#ask-yes").click()
    page.locator("#said").wait_for()
    found["what was done"] = complaints(page)
    page.locator("#keys-toggle").click()
    found["the keys"] = complaints(page)
    check(found)


@pytest.mark.parametrize("language", ["ar", "ja"])
def test_other_scripts_keep_nobody_out(app: App, raw: Any, make_screen: Callable[..., Any], language: str) -> None:
    fill(app, raw)
    screen = make_screen(app, locale=language)
    found = {address: complaints(screen.open(address)) for address in ("/", "/retries", "/jobs/r1")}
    check(found)
