"""Each action of each page by the mouse, as a person does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.worker.worker import Worker
from support.site import failed, fill, payload
from support.waiting import until

Start = Callable[..., Worker]


@pytest.mark.parametrize(
    ("path", "button", "place"),
    [
        *(("/retries", "Run now", "queue"), ("/retries", "Delete", "nowhere"), ("/retries", "Kill", "dead")),
        *(("/scheduled", "Run now", "queue"), ("/scheduled", "Delete", "nowhere"), ("/scheduled", "Kill", "dead")),
        *(("/dead", "Retry", "queue"), ("/dead", "Delete", "nowhere"), ("/queues/mail", "Delete", "nowhere")),
    ],
)
def test_chosen_jobs_are_acted_on(app: App, raw: Any, screen: Any, path: str, button: str, place: str) -> None:
    fill(app, raw)
    jid = {"/retries": "r1", "/scheduled": "s1", "/dead": "d1", "/queues/mail": "w1"}[path]
    page = screen.open(path)
    act = page.locator(".toolbar").get_by_role("button", name=button, exact=True)
    assert act.is_disabled(), "nothing is chosen"
    page.locator(f'input[value="{jid}"]').check()
    assert page.locator(".picked").inner_text() == "1 chosen"
    act.click()
    if button in ("Delete", "Kill"):
        assert "1 chosen" in page.locator("#ask-text").inner_text()
        assert app.why(jid).place != place, "to ask changes nothing"
        page.locator("#ask-yes").click()
    page.locator("#said").wait_for()
    assert app.why(jid).place == place
    assert page.locator(f'input[value="{jid}"]').count() == 0


def test_who_does_not_want_to_changes_nothing(app: App, raw: Any, screen: Any) -> None:
    fill(app, raw)
    page = screen.open("/retries")
    page.locator('input[value="r1"]').check()
    page.locator(".toolbar").get_by_role("button", name="Delete", exact=True).click()
    page.locator("#ask").get_by_role("button", name="Cancel").click()
    assert page.locator("#ask").is_hidden()
    assert app.why("r1").place == "retry"


def test_all_that_fit_are_acted_on_after_a_look_at_how_many(app: App, raw: Any, screen: Any) -> None:
    raw.zadd(app.keys.retry, {failed(f"tea{k}", args=["tea"]): 4e9 for k in range(60)})
    raw.zadd(app.keys.retry, {failed("coffee"): 4e9})
    page = screen.open("/retries")
    page.locator("#text").fill("tea")
    page.locator("#text").press("Enter")
    page.locator("summary", has_text="All that fit").click()
    page.locator(".menu").get_by_role("link", name="Delete").click()
    assert "60 jobs" in page.locator(".big").inner_text()
    page.locator("main").get_by_role("button", name="Delete").click()
    page.locator("#said").wait_for()
    assert [job.jid for job in app.retries] == ["coffee"]


def test_a_range_and_a_whole_page_are_chosen(app: App, raw: Any, screen: Any) -> None:
    raw.zadd(app.keys.dead, {failed(f"d{k}"): 1.0 + k for k in range(9)})
    page = screen.open("/dead")
    boxes = page.locator('tbody input[name="jid"]')
    boxes.nth(1).click()
    boxes.nth(5).click(modifiers=["Shift"])
    assert page.locator(".picked").inner_text() == "5 chosen"
    page.locator("#pick-all").check()
    assert page.locator(".picked").inner_text() == "9 chosen"
    page.locator("#pick-all").uncheck()
    assert page.locator(".picked").inner_text() == "Choose jobs, or act on all:"


def test_a_queue_is_cleared(app: App, raw: Any, screen: Any) -> None:
    fill(app, raw)
    page = screen.open("/queues/mail")
    page.get_by_role("link", name="Clear the queue").click()
    page.get_by_role("button", name="Delete them").click()
    page.locator("#said").wait_for()
    assert app.queues["mail"].size == 0


@pytest.mark.parametrize(
    ("jid", "button", "place"),
    [("r1", "Run now", "queue"), ("r1", "Kill", "dead"), ("s1", "Delete", "nowhere"), ("d1", "Retry", "queue")],
)
def test_one_job_is_acted_on(app: App, raw: Any, screen: Any, jid: str, button: str, place: str) -> None:
    fill(app, raw)
    page = screen.open(f"/jobs/{jid}")
    page.locator(".head").get_by_role("button", name=button, exact=True).click()
    if button not in ("Run now", "Retry"):
        page.locator("#ask-yes").click()
    page.locator("#said").wait_for()
    assert app.why(jid).place == place


def test_processes_and_running_jobs_are_told(app: App, raw: Any, screen: Any, start_worker: Start) -> None:
    @app.job
    async def long() -> None:
        await forever.wait()

    import asyncio

    forever = asyncio.Event()
    jid = long.enqueue()
    start_worker(app)
    until(lambda: app.running.all(), what="it runs")
    page = screen.open("/busy")
    page.get_by_role("button", name="Cancel").first.click()
    page.locator("#ask-yes").click()
    page.locator("#said").wait_for()
    until(lambda: not app.running.find(str(jid)), what="it was cancelled")
    page.get_by_role("button", name="Stacks").click()
    page.locator("#said", has_text="log their stacks").wait_for()
    page.get_by_role("button", name="Quiet", exact=True).click()
    page.locator("#said", has_text="fetch no more").wait_for()
    until(lambda: app.processes.all()[0].quiet, what="it is quiet")
    page.get_by_role("button", name="Quiet all").click()
    page.locator("#ask").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator("#ask-yes").click()
    page.locator("#said", has_text="will stop").wait_for()
    page.get_by_role("button", name="Stop all").click()
    page.locator("#ask-yes").click()
    page.locator("#said").wait_for()


def test_a_list_is_paged_and_sorted(app: App, raw: Any, screen: Any) -> None:
    raw.zadd(app.keys.schedule, {payload(f"j{k:03}"): 4_000_000_000 + k for k in range(120)})
    page = screen.open("/scheduled?count=50")
    page.get_by_role("link", name="Next", exact=True).first.click()
    assert page.locator('tbody input[name="jid"]').first.input_value() == "j050"
    page.get_by_role("link", name="Due").click()
    assert page.locator('tbody input[name="jid"]').first.input_value() == "j119"
