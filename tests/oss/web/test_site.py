"""Every address has a permission and the headers, changes pass one gate, errors are pages that say what is wrong."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.contract.edition import Edition
from offsider.contract.web import CHANGE, OPEN, PERMISSIONS, READ, Notice, Page, Verdict
from offsider.web.gate import HEADERS
from offsider.web.site import Site
from support.server import Server
from support.site import PAGES, SAME, Visitor, failed, fill

Make = Callable[..., App]


@pytest.fixture
def site(app: App) -> Site:
    """The pages, for this machine."""
    return app.web()


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """Somebody at this machine."""
    return Visitor(site)


def addresses(site: Site) -> list[tuple[Page, str]]:
    """Every page with an address that fits it."""
    return [(page, re.sub(r"\{.*?\}", "x", page.path)) for _name, page in site.web.pages.items()]


# -- permissions -----------------------------------------------------------------------------------------------------


def test_every_page_has_a_permission_and_whatever_changes_something_the_right_one(site: Site) -> None:
    for page in dict(site.web.pages.items()).values():
        assert page.permission in PERMISSIONS
        assert page.method in ("GET", "POST")
        if page.method == "POST":
            assert page.permission == CHANGE
    assert [page.path for _name, page in site.web.pages.items() if page.permission == OPEN] == ["/healthz"]


def test_every_route_is_one_of_the_pages_or_the_files(site: Site) -> None:
    routes = {route.path for route in site.starlette.routes}  # type: ignore[attr-defined]
    assert routes == {page.path for _name, page in site.web.pages.items()} | {"/assets/{name}/{file:path}"}


def test_who_may_nothing_gets_nothing_but_the_probe(app: App) -> None:
    site = app.web(auth=lambda asker, permission: False)
    visitor = Visitor(site)
    for page, address in addresses(site):
        answer = visitor.client.request(page.method, address, headers=SAME)
        assert answer.status_code == (200 if page.permission == OPEN else 403), address
    for address in ("/nothing", "/assets/offsider/offsider.css"):
        assert visitor.get(address).status_code == 403


def test_who_may_only_read_can_change_nothing_and_is_offered_nothing(app: App, raw: Any) -> None:
    fill(app, raw)
    before = {key: raw.dump(key) for key in raw.scan_iter()}
    site = app.web(auth=lambda asker, permission: permission == READ)
    visitor = Visitor(site)
    for page, address in addresses(site):
        if page.permission == CHANGE:
            answer = visitor.client.request(page.method, address, headers=SAME, data={"act": "delete", "jid": "r1"})
            assert answer.status_code == 403, address
    for address in PAGES:
        answer = visitor.get(address)
        assert answer.status_code in (200, 403)
        assert 'method="post"' not in answer.text
    assert {key: raw.dump(key) for key in raw.scan_iter()} == before


# -- the gate --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://localhost"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost"}, 303),
        ({"sec-fetch-site": "same-origin"}, 303),
    ],
)
def test_a_change_comes_from_a_page_of_ours_or_not_at_all(
    visitor: Visitor, app: App, raw: Any, headers: dict[str, str], status: int
) -> None:
    fill(app, raw)
    answer = visitor.client.post("/retries", data={"act": "delete", "jid": "r1"}, headers=headers)
    assert answer.status_code == status
    assert len(app.retries) == (0 if status == 303 else 1)


def test_nothing_is_changed_by_looking(visitor: Visitor, app: App, raw: Any) -> None:
    fill(app, raw)
    before = {key: raw.dump(key) for key in raw.scan_iter()}
    for page, address in addresses(app.web()):
        if page.method == "GET":
            visitor.get(f"{address}?act=delete&jid=r1")
    assert {key: raw.dump(key) for key in raw.scan_iter()} == before


def test_a_megabyte_is_enough_for_a_form(visitor: Visitor) -> None:
    answer = visitor.post("/retries", {"act": "x" * 1_000_001})
    assert answer.status_code == 413
    assert "1,000,000" in answer.text


def test_ten_thousand_jobs_are_enough_for_a_form(visitor: Visitor) -> None:
    assert visitor.post("/retries", {"act": "delete", "jid": ["x"] * 10_000}).status_code == 303
    answer = visitor.post("/retries", {"jid": ["x"] * 11_001})
    assert answer.status_code == 413
    assert "11,000 fields" in answer.text


@pytest.mark.parametrize("address", [*PAGES, "/nothing", "/healthz", "/stats", "/assets/offsider/offsider.css"])
def test_every_answer_has_the_headers(visitor: Visitor, app: App, raw: Any, address: str) -> None:
    fill(app, raw)
    answer = visitor.get(address)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "set-cookie" not in answer.headers
    assert "cache-control" in answer.headers


@pytest.mark.parametrize("address", PAGES)
def test_no_page_has_a_script_or_a_style_within(visitor: Visitor, app: App, raw: Any, address: str) -> None:
    fill(app, raw)
    text = visitor.text(address)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert 'lang="en"' in text


def test_the_head_of_a_page_is_a_probe(visitor: Visitor) -> None:
    answer = visitor.client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


# -- errors ----------------------------------------------------------------------------------------------------------


def test_what_is_not_there_is_said_as_a_page_or_as_json(visitor: Visitor) -> None:
    answer = visitor.get("/nothing/<b>")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert "<b>" not in answer.text.split("<main")[1]
    assert visitor.get("/nothing", accept="application/json").json()["error"] == "There is no such page"
    assert visitor.client.put("/queues").status_code == 405


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/?days=0", "days is &#39;0&#39;: expected a whole number from 1 to 180"),
        ("/?days=\u0661", "expected a whole number"),
        ("/?days=9999999999999999999", "expected a whole number"),
        ("/retries?count=26", "count is 26: expected one of 25, 50, 100, 250"),
        ("/retries?page=-1", "page is &#39;-1&#39;"),
        ("/retries?sort=up", "sort is &#39;up&#39;: expected one of usual, other"),
        ("/retries?cursor=x&text=a", "cursor is &#39;x&#39;"),
        ("/retries/all?act=explode", "act is &#39;explode&#39;: expected one of run_now, delete, kill"),
        ("/metrics?period=9h", "period is &#39;9h&#39;"),
        ("/queues/not%20a%20name", "not a name"),
        (f"/jobs/{'x' * 201}", "expected the text that enqueue returned"),
        (f"/retries?text={'x' * 1001}", "expected a text of 1 to 1000 letters"),
    ],
)
def test_an_address_that_cannot_be_is_explained(visitor: Visitor, address: str, said: str) -> None:
    answer = visitor.get(address)
    assert answer.status_code == 400
    assert said in answer.text


def test_redis_that_is_away_is_a_page_that_says_so(make_app: Make, make_server: Callable[..., Server]) -> None:
    server = make_server()
    visitor = Visitor(make_app(server.url, redis={"connect_timeout_s": 1.0}).web())
    server.stop()
    answer = visitor.get("/retries")
    assert answer.status_code == 503
    assert "Redis does not answer" in answer.text
    assert visitor.get("/healthz").status_code == 503


class Broken(Edition):
    """Whatever it adds fails."""

    name = "broken"

    def install_web(self, web: Any) -> None:
        def fails(*_given: Any) -> Any:
            raise RuntimeError("the secret 4711")

        web.pages.add("broken", Page("/broken", fails), by=self.name)
        web.banners.add("broken", fails, by=self.name)
        web.banners.add("fine", lambda: [Notice("all is <well>")] * 2, by=self.name)
        web.job_rows.add("broken", fails, by=self.name)


def test_what_an_edition_breaks_is_logged_and_tells_nobody_else(
    make_app: Make, raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(editions=[Broken()])
    fill(app, raw)
    visitor = Visitor(app.web())
    answer = visitor.get("/broken")
    assert answer.status_code == 500
    assert "4711" not in answer.text
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
    with caplog.at_level(logging.ERROR, "offsider"):
        text = visitor.text("/jobs/r1")
    assert text.count("all is &lt;well&gt;") == 1
    assert "the banner 'broken' by broken failed" in caplog.text
    assert "the rows 'broken' by broken failed" in caplog.text


class Mistaken(Edition):
    """Its page has a mistake, another one looks for what is not there."""

    name = "mistaken"

    def install_web(self, web: Any) -> None:
        def looks(_visit: Any) -> Any:
            raise LookupError("tea")

        web.pages.add("slip", Page("/slip", lambda visit: {}["tea"]), by=self.name)
        web.pages.add("bare", Page("/bare", lambda visit: visit.page("mistaken/none.html")), by=self.name)
        web.pages.add("looks", Page("/looks", looks), by=self.name)


def test_a_mistake_in_a_page_is_not_taken_for_what_is_not_there(make_app: Make) -> None:
    visitor = Visitor(make_app(editions=[Mistaken()]).web())
    assert visitor.get("/slip").status_code == 500
    assert visitor.get("/bare").status_code == 500
    answer = visitor.get("/looks")
    assert answer.status_code == 404
    assert "There is no such thing here" in answer.text


def test_an_authorizer_that_fails_lets_nobody_in(app: App) -> None:
    def fails(asker: Any, permission: str) -> bool:
        raise RuntimeError("the directory is away")

    visitor = Visitor(app.web(auth=fails))
    assert visitor.get("/").status_code == 500
    assert visitor.post("/busy", {"act": "quiet"}).status_code == 500


class Elsewhere(Edition):
    """Its source notes where it is asked."""

    name = "elsewhere"

    def __init__(self) -> None:
        self.asked: list[bool] = []

    def install_web(self, web: Any) -> None:
        inner = web.source.value
        web.source.fill(lambda asker: (self.asked.append(on_a_loop()), inner(asker))[1], by=self.name)


def on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def test_who_decides_and_whose_jobs_they_are_is_asked_in_threads(make_app: Make) -> None:
    """A directory or a database that takes a second holds up nobody else's page."""
    asked: list[bool] = []
    edition = Elsewhere()
    site = make_app(editions=[edition]).web(auth=lambda asker, permission: asked.append(on_a_loop()) is None)
    visitor = Visitor(site)
    for address in ("/", "/assets/offsider/offsider.css", "/nothing"):
        visitor.get(address)
    visitor.post("/busy", {"act": "quiet"})
    assert len(asked) >= 4
    assert len(edition.asked) == 2, "files and errors are nobody's"
    assert not any([*asked, *edition.asked])


def test_a_page_asks_once_what_it_may_offer(app: App, raw: Any) -> None:
    raw.zadd(app.keys.retry, {failed(f"r{k}"): 4e9 for k in range(30)})
    asked: list[str] = []
    Visitor(app.web(auth=lambda asker, permission: asked.append(permission) is None)).text("/retries")
    assert asked == [READ, CHANGE]


def test_a_user_is_named_on_the_page(app: App) -> None:
    visitor = Visitor(app.web(auth=lambda asker, permission: Verdict(True, user="<ada>")))
    assert "Signed in as &lt;ada&gt;" in visitor.text("/")
