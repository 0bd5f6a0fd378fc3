"""How many threads work: live workers of the namespace, whatever else stands in the process list."""

from __future__ import annotations

import json

import pytest
import redis

from offsider import App
from offsider.errors import RedisUnavailable
from offsider.store.connection import Connections
from offsider_pro.threads import PAGE, count_threads

OURS = json.dumps({"version": "offsider 0.1.0"})


def enlist(raw: redis.Redis, name: str, concurrency: object = 10, info: str = OURS) -> None:
    """A process as its heartbeat writes it."""
    raw.sadd("{offsider}:processes", name)
    raw.hset(f"{{offsider}}:{name}", mapping={"concurrency": str(concurrency), "info": info})


def test_live_workers_count_and_one_can_be_left_out(app: App, raw: redis.Redis) -> None:
    assert count_threads(app.connections, app.keys) == 0
    enlist(raw, "a:1:x", 10)
    enlist(raw, "b:1:x", 5)
    assert count_threads(app.connections, app.keys) == 15
    assert count_threads(app.connections, app.keys, but="a:1:x") == 5


def test_one_whose_heartbeat_has_ended_does_not_count(app: App, raw: redis.Redis) -> None:
    enlist(raw, "a:1:x", 10)
    raw.sadd("{offsider}:processes", "dead:1:x")
    assert count_threads(app.connections, app.keys) == 10


@pytest.mark.parametrize("info", [json.dumps({"version": "8.0.1"}), "{}", "[]", "", "nonsense", "[" * 5_000])
def test_what_is_no_worker_of_ours_does_not_count(info: str, app: App, raw: redis.Redis) -> None:
    enlist(raw, "ruby:1:x", 25, info)
    assert count_threads(app.connections, app.keys) == 0


@pytest.mark.parametrize("concurrency", ["", "ten", "-5", "1.5", "9" * 5_000])
def test_a_number_that_is_none_counts_as_none(concurrency: str, app: App, raw: redis.Redis) -> None:
    enlist(raw, "a:1:x", concurrency)
    enlist(raw, "b:1:x", 3)
    assert count_threads(app.connections, app.keys) == 3


def test_a_large_fleet_is_counted_page_by_page(app: App, raw: redis.Redis) -> None:
    for number in range(PAGE * 2 + 1):
        enlist(raw, f"host{number}:1:x", 2)
    assert count_threads(app.connections, app.keys) == 2 * (PAGE * 2 + 1)


def test_redis_away_is_an_error_of_the_store(app: App) -> None:
    with pytest.raises(RedisUnavailable):
        count_threads(Connections("redis://127.0.0.1:1"), app.keys)
