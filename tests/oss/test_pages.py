"""The pages live in any application: at the top, under a prefix, in Starlette, FastAPI, Flask and Django."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from offsider import App

for extra in ("starlette", "jinja2", "httpx", "a2wsgi", "fastapi", "flask"):
    pytest.importorskip(extra)
import httpx
from a2wsgi import ASGIMiddleware
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from support.site import SAME, Visitor, fill


def starlette(site: Any) -> Any:
    return Starlette(routes=[Mount("/jobs", site)])


def fastapi(site: Any) -> Any:
    made = FastAPI()
    made.mount("/jobs", site)
    return made


@pytest.mark.parametrize("mounted", [starlette, fastapi])
def test_every_address_of_a_page_stays_under_the_prefix(app: App, raw: Any, mounted: Any) -> None:
    fill(app, raw)
    visitor = Visitor(mounted(app.web(back="/shop")))
    for address in ("/jobs/", "/jobs/retries", "/jobs/queues/mail", "/jobs/jobs/r1", "/jobs/dead/all?act=delete"):
        text = visitor.text(address)
        found = re.findall(r'(?:href|src|action|hx-post)="(/[^"]*)"', text)
        assert len(found) > 10
        assert not [one for one in found if not one.startswith("/jobs/") and one != "/shop"]
    style = re.search(r'href="(/jobs/assets/offsider/offsider.css[^"]*)"', visitor.text("/jobs/"))
    assert style is not None
    assert visitor.get(style[1]).status_code == 200
    answer = visitor.post("/jobs/retries", {"act": "delete", "jid": "r1", "back": "/jobs/retries?count=25"})
    assert answer.headers["location"].startswith("/jobs/retries?count=25&said=")
    outside = visitor.post("/jobs/retries", {"act": "delete", "jid": "x", "back": "/shop"})
    assert outside.headers["location"].startswith("/jobs/retries?")


def test_in_flask_by_a_bridge(app: App, raw: Any) -> None:
    fill(app, raw)
    shop = Flask("shop")
    site: Any = ASGIMiddleware(app.web(auth="host"))
    shop.wsgi_app = DispatcherMiddleware(shop.wsgi_app, {"/jobs": site})  # type: ignore[method-assign]
    client = shop.test_client()
    answer = client.get("/jobs/retries", headers={"accept": "text/html"})
    assert answer.status_code == 200
    assert b'href="/jobs/queues/mail"' in answer.data
    assert answer.headers["content-security-policy"]
    assert client.post("/jobs/retries", data={"act": "delete", "jid": "r1"}).status_code == 403
    assert client.post("/jobs/retries", data={"act": "delete", "jid": "r1"}, headers=SAME).status_code == 303
    assert len(app.retries) == 0


def test_on_an_event_loop_nobody_is_held_up(app: App, raw: Any) -> None:
    fill(app, raw)

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(app.web(auth="host"))
        async with httpx.AsyncClient(transport=transport, base_url="http://jobs.example") as client:
            answers = await asyncio.gather(*(client.get(path) for path in ("/", "/busy", "/queues", "/retries") * 5))
        return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [200] * 20
