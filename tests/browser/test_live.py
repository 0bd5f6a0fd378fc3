"""Open pages stay up to date, and what a person is doing on them stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from offsider import App
from support.site import PAGES, failed, fill, payload
from support.waiting import until


def test_no_page_complains_or_is_too_wide(app: App, raw: Any, screen: Any) -> None:
    fill(app, raw)
    for address in PAGES:
        screen.open(address)
        assert not screen.too_wide(), address
    screen.open("/")
    screen.page.locator("#chart-now canvas").wait_for()
    screen.page.locator("#chart-days canvas").wait_for()


def test_no_page_is_wider_than_a_phone_at_night(app: App, raw: Any, make_screen: Callable[..., Any]) -> None:
    fill(app, raw)
    raw.zadd(app.keys.retry, {failed("long", message="x" * 5000, args=["y" * 5000], **{"class": "z" * 500}): 4e9})
    screen = make_screen(app, viewport={"width": 390, "height": 800}, color_scheme="dark")
    for address in (*PAGES, "/jobs/long"):
        screen.open(address)
        assert not screen.too_wide(), address


def test_news_come_by_themselves(make_app: Callable[..., App], raw: Any, make_screen: Callable[..., Any]) -> None:
    app = make_app(web={"poll_s": 1})
    screen = make_screen(app)
    page = screen.open("/retries")
    assert "Nothing is to be tried again" in page.locator("main").inner_text()
    raw.zadd(app.keys.retry, {failed("r1"): 4e9})
    page.locator('input[value="r1"]').wait_for()
    assert page.locator(".tabs .alarming").inner_text() == "1"


def test_what_was_typed_chosen_and_opened_stays(app: App, raw: Any, screen: Any) -> None:
    raw.zadd(app.keys.retry, {failed(f"r{k}"): 4e9 + k for k in range(5)})
    page = screen.open("/retries")
    page.locator("#text").fill("half a wor")
    page.locator('input[value="r3"]').check()
    page.locator("#text").focus()
    raw.zadd(app.keys.retry, {failed("earlier"): 3.9e9})
    raw.zrem(app.keys.retry, *raw.zrange(app.keys.retry, 1, 1))
    screen.update()
    page.locator('input[value="earlier"]').wait_for()
    assert page.locator("#text").input_value() == "half a wor"
    assert page.evaluate("document.activeElement.id") == "text"
    assert page.locator('input[value="r3"]').is_checked()
    assert page.locator(".picked").inner_text() == "1 chosen"
    assert page.locator('input[value="earlier"]').is_checked() is False


def test_details_stay_open_and_the_scroll_stays(app: App, raw: Any, screen: Any) -> None:
    fill(app, raw)
    page = screen.open("/")
    page.locator("details.data summary").click()
    page.mouse.wheel(0, 300)
    until(lambda: page.evaluate("scrollY") == 300, what="it has scrolled")
    before = page.locator("details.data").bounding_box()["y"]
    screen.update()
    assert page.locator("details.data").get_attribute("open") is not None
    assert abs(page.locator("details.data").bounding_box()["y"] - before) < 2, "the browser keeps it in its place"


def test_while_text_is_selected_nothing_moves(app: App, raw: Any, screen: Any) -> None:
    raw.zadd(app.keys.retry, {failed("r1"): 4e9})
    page = screen.open("/retries")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.error'))")
    raw.zadd(app.keys.retry, {failed("r2"): 3e9})
    screen.update()
    assert page.locator('input[value="r2"]').count() == 0
    page.evaluate("getSelection().removeAllRanges()")
    screen.update()
    page.locator('input[value="r2"]').wait_for()


def test_live_updates_can_be_turned_off_and_stay_off(app: App, raw: Any, screen: Any) -> None:
    page = screen.open("/retries")
    page.locator("#live-toggle").click()
    assert page.locator("#live-toggle").get_attribute("aria-pressed") == "false"
    raw.zadd(app.keys.retry, {failed("r1"): 4e9})
    screen.update()
    assert page.locator('input[value="r1"]').count() == 0
    page.reload()
    assert page.locator("#live-toggle").get_attribute("aria-pressed") == "false"


def test_light_and_dark_is_remembered(screen: Any) -> None:
    page = screen.open("/queues")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme-toggle").click()
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert before != after
    screen.open("/retries")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after


def test_keys(app: App, raw: Any, screen: Any) -> None:
    raw.zadd(app.keys.dead, {payload(f"d{k}"): 1.0 + k for k in range(3)})
    page = screen.open("/dead")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator('input[value="d1"]').is_checked()
    page.keyboard.press("o")
    page.wait_for_url("**/jobs/d1?in=dead*")
    page.keyboard.press("g")
    page.keyboard.press("3")
    page.wait_for_url("**/queues")
    page.keyboard.press("/")
    page.keyboard.type("g3 tea?")
    assert page.locator("#find").input_value() == "g3 tea?"


def test_without_scripts_it_is_read_and_acted_on(app: App, raw: Any, make_screen: Callable[..., Any]) -> None:
    fill(app, raw)
    screen = make_screen(app, java_script_enabled=False)
    page = screen.open("/retries")
    page.locator('input[value="r1"]').check()
    page.locator(".toolbar").get_by_role("button", name="Run now", exact=True).click()
    assert "Put into their queues: 1" in page.locator("#said").inner_text()
    assert app.why("r1").place == "queue"


def test_numbers_and_times_are_the_readers(app: App, raw: Any, make_screen: Callable[..., Any]) -> None:
    raw.set(app.keys.stat("processed"), 1_234_567)
    raw.zadd(app.keys.dead, {payload("d1"): 1_700_000_000})
    screen = make_screen(app)
    page = screen.open("/")
    assert page.locator(".tiles .big").nth(2).inner_text() == "1,234,567"
    screen.open("/dead")
    assert page.locator("tbody time").inner_text().endswith("ago")
    assert "2023" in page.locator("tbody time").get_attribute("title")
