"""The pages show any of an app's servers: its own, its shards, and what editions add."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.contract.edition import Edition
from support.site import PAGES, Visitor, failed, fill, payload, quarantined

Make = Callable[..., App]


@pytest.fixture
def sharded(make_app: Make, raw: Any) -> App:
    """An app with a shard, and a job in every place of both."""
    app = make_app(namespace="home", shards={"eu": {"namespace": "shop-eu", "queues": ["letters"]}})
    fill(app, raw)
    keys = app.shard("eu").keys
    raw.sadd(keys.queues, "letters")
    raw.lpush(keys.queue("letters"), payload("e1", "eu.write"))
    raw.zadd(keys.retry, {failed("e2", "eu.NoPaper"): 4e9})
    raw.zadd(keys.quarantine, {quarantined(payload("q1")): 1.0})
    return app


def test_without_shards_there_is_nothing_to_choose(app: App) -> None:
    assert "server=" not in Visitor(app.web()).text("/")


def test_a_shard_is_chosen_and_stays_chosen(sharded: App) -> None:
    visitor = Visitor(sharded.web())
    assert 'href="/retries?server=eu"' in visitor.text("/retries"), "the same list, there"
    text = visitor.text("/retries?server=eu")
    assert "/jobs/e2" in text
    assert "/jobs/r1" not in text
    assert "shop-eu" in text.split("<footer")[1]
    assert 'href="/retries"' in text, "and back"
    ours = re.findall(r'(?:href|action|data-live)="(/[^"]*)"', text.split("<header")[1])
    stays = [one for one in ours if "server=eu" in one]
    assert sorted(set(ours) - set(stays)) == ["/retries"]
    assert text.count('<input type="hidden" name="server" value="eu">') == 3, (
        "forms that would lose it: two searches, language"
    )


@pytest.mark.parametrize("address", PAGES)
def test_every_page_shows_a_shard(sharded: App, address: str) -> None:
    visitor = Visitor(sharded.web())
    joint = "&" if "?" in address else "?"
    text = visitor.text(f"{address}{joint}server=eu")
    assert 'aria-current="true"><bdi>eu</bdi>' in text


def test_what_is_done_is_done_there(sharded: App) -> None:
    visitor = Visitor(sharded.web())
    answer = visitor.post("/retries?server=eu", {"act": "delete", "jid": ["e2", "r1"]})
    assert "server=eu" in answer.headers["location"]
    assert len(sharded.shard("eu").retries) == 0
    assert len(sharded.retries) == 1


def test_a_server_that_is_not_there_is_said(sharded: App) -> None:
    answer = Visitor(sharded.web()).get("/retries?server=us")
    assert answer.status_code == 404
    assert "there is no server &#39;us&#39;: expected one of eu" in answer.text
    assert "server=us" not in answer.text.split("<nav")[1].split("</nav>")[0]
    assert Visitor(sharded.web()).post("/retries?server=us", {"act": "delete", "jid": "r1"}).status_code == 404
    assert len(sharded.retries) == 1


class Archive(Edition):
    """Another app beside."""

    name = "archive"

    def __init__(self, app: App) -> None:
        self.app = app

    def install_web(self, web: Any) -> None:
        web.servers.add("archive", lambda: self.app, by=self.name)


def test_an_edition_adds_one(make_app: Make, raw: Any) -> None:
    other = make_app(namespace="old")
    raw.zadd(other.keys.dead, {failed("o1"): 1.0})
    visitor = Visitor(make_app(editions=[Archive(other)]).web())
    assert "/jobs/o1" in visitor.text("/dead?server=archive")
    assert "/jobs/o1" not in visitor.text("/dead")
