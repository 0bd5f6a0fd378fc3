"""A walk through the pages: what is chosen, narrowed, sorted and repaired there, by the mouse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from offsider import App
from support.site import failed, fill, payload, quarantined
from support.waiting import until

MakeScreen = Callable[..., Any]


def names(page: Any, pattern: str = "tbody .name") -> list[str]:
    """What is listed."""
    found: list[str] = page.locator(pattern).all_inner_texts()
    return found


def test_a_job_gets_another_time_by_the_readers_clock(app: App, raw: Any, make_screen: MakeScreen) -> None:
    fill(app, raw)
    page = make_screen(app, timezone_id="Asia/Kolkata").open("/scheduled")
    page.locator("tbody .name").click()
    field = page.locator('input[name="at"]')
    assert field.input_value() == "2096-10-02T12:36", "five and a half hours ahead of UTC"
    assert "Asia" in page.locator("[data-zone]").inner_text()
    field.fill("2096-12-24T18:00")
    page.get_by_role("button", name="Reschedule").click()
    assert "another time" in page.locator("#said").inner_text()
    assert app.why("s1").at_s == datetime(2096, 12, 24, 12, 30, tzinfo=UTC).timestamp()


def test_an_open_job_is_followed_to_its_end(app: App, raw: Any, screen: Any) -> None:
    fill(app, raw)
    page = screen.open("/queues/mail")
    page.locator("tbody .name").click()
    live = page.locator("#live")
    assert live.get_attribute("data-live") == "/jobs/w1?in=queue&at=1&of=mail"
    raw.zadd(app.keys.retry, {raw.rpop(app.keys.queue("mail")): 4e9})
    screen.update()
    page.locator("h1", has_text="to be tried again").wait_for()
    assert live.get_attribute("data-live") == "/jobs/w1?in=retry&at=4000000000.0"
    raw.delete(app.keys.retry)
    screen.update()
    page.locator("h1", has_text="not in Redis").wait_for()
    assert live.get_attribute("data-live") is None, "it is not asked for any more"
    assert page.locator("#live-toggle").is_hidden()


def test_lists_are_narrowed_and_widened(app: App, raw: Any, screen: Any) -> None:
    fill(app, raw)
    raw.zadd(app.keys.retry, {failed("vip", "shop.OutOfStock", "no cake", tags=["vip"], args=["cake"]): 3.9e9})
    page = screen.open("/errors")
    row = page.locator("tr", has_text="shop.OutOfStock")
    row.locator("td.num a").first.click()
    assert page.locator(".chips").inner_text().split() == ["error", "shop.OutOfStock"]
    assert page.locator("tbody .pick").count() == 1
    page.locator("a.tag").click()
    assert page.locator(".chips").inner_text().split() == ["tag", "vip"]
    page.locator(".chips a").click()
    assert page.locator("tbody .pick").count() == 2
    page.locator("#find").fill("cake")
    page.locator("#find").press("Enter")
    assert "no cake" in page.locator("main").inner_text()
    page.locator("tbody .name").first.click()
    assert "vip" in page.locator("h1 + .facts").inner_text()


def test_queues_and_metrics_are_sorted_and_found(app: App, raw: Any, screen: Any) -> None:
    raw.sadd(app.keys.queues, "tea", "cake", "mail")
    raw.lpush(app.keys.queue("cake"), payload("c1"), payload("c2"))
    page = screen.open("/queues")
    assert names(page, "tbody .queue") == ["cake", "mail", "tea"]
    page.get_by_role("link", name="Queue", exact=True).click()
    page.wait_for_url("**/queues?sort=name")
    page.locator("#match").fill("EA")
    page.locator("#match").press("Enter")
    page.wait_for_url("**match=EA**")
    assert names(page, "tbody .queue") == ["tea"]
    assert "sort=name" in page.url
    screen.open("/metrics")
    page.get_by_role("link", name="24h").click()
    assert page.locator('[aria-current="true"]').inner_text() == "24h"
    screen.open("/")
    page.get_by_role("link", name="7 days").click()
    page.locator("summary", has_text="As a table").click()
    assert page.locator("details.data tbody tr").count() == 7


def test_the_quarantine_is_emptied_by_hand(app: App, raw: Any, screen: Any) -> None:
    fill(app, raw)
    raw.zadd(app.keys.quarantine, {quarantined(b'{"class":"shop.tea","args":["cup"'): 2.0, quarantined(b"\xff"): 1.0})
    page = screen.open("/quarantine")
    page.locator("tr", has_text="xff").locator("input").check()
    page.locator(".toolbar").get_by_role("button", name="Delete", exact=True).click()
    page.locator("#ask-yes").click()
    page.locator("#said").wait_for()
    page.locator("tr", has_text="cup").locator("a.name").click()
    page.locator("textarea").fill(payload("mended", "shop.tea", "cup").decode())
    page.get_by_role("button", name="Put this back instead").click()
    page.locator("#said").wait_for()
    assert app.why("mended").place == "queue"
    page.locator("tr", has_text="shop.unknown").locator("a.name").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="its bytes as a file").click()
    assert download.value.suggested_filename == "payload.bin"
    page.get_by_role("button", name="Put back", exact=True).click()
    page.locator("#said").wait_for()
    assert "Nothing is in quarantine" in page.locator("main").inner_text()
    assert app.why("q1").place == "queue"


def test_a_server_and_a_language_are_chosen_and_stay(make_app: Callable[..., App], raw: Any, make_screen: Any) -> None:
    app = make_app(namespace="home", shards={"eu": {"namespace": "shop-eu"}})
    raw.zadd(app.shard("eu").keys.retry, {failed("e1"): 4e9})
    page = make_screen(app).open("/retries")
    page.locator(".servers summary").click()
    page.locator(".servers").get_by_role("link", name="eu").click()
    page.locator('input[value="e1"]').wait_for()
    page.locator("#language").select_option("de")
    page.wait_for_url("**lang=de**")
    page.locator("#text").fill("no")
    page.locator("#text").press("Enter")
    page.wait_for_url("**text=no**")
    assert page.locator("h1").inner_text() == "Wiederholungen"
    page.locator('input[value="e1"]').check()
    page.locator(".toolbar").get_by_role("button", name="Jetzt ausführen", exact=True).click()
    page.locator("#said").wait_for()
    assert app.shard("eu").why("e1").place == "queue"
    page.locator(".tabs a").first.click()
    until(lambda: page.locator(".servers summary").inner_text().strip() == "eu", what="still there")


def test_a_profile_is_read_and_deleted(app: App, raw: Any, screen: Any, start_worker: Callable[..., Any]) -> None:
    @app.job(name="shop.slow")
    def slow() -> int:
        return max(sum(range(10_000)) for _ in range(1_000))  # long enough to be seen: a look each millisecond

    slow.using(profile="tea").enqueue()
    start_worker(app)
    until(lambda: app.profiles.all(), what="there is a profile")
    page = screen.open("/profiles")
    page.locator("tbody .name").click()
    assert "slow" in page.locator("pre").inner_text()
    page.get_by_role("button", name="Delete").click()
    page.locator("#said").wait_for()
    assert app.profiles.all() == []
