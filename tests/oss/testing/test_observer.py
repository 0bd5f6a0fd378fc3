"""The observer sees what lies in Redis, past the part that is tested."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from offsider import App
from offsider.testing.jobs import payload
from offsider.testing.observer import Observer


@pytest.fixture
def observer(app: App) -> Iterator[Observer]:
    """An observer of the test's app."""
    one = Observer(app)
    yield one
    one.close()


def test_the_next_job_of_a_queue_comes_first(observer: Observer, raw: redis.Redis) -> None:
    observer.push("mail", range(3))
    assert observer.waiting("mail") == [payload(0), payload(1), payload(2)]
    assert raw.rpop("{offsider}:queue:mail") == payload(0)


def test_nothing_pushed_is_nothing_done(observer: Observer, raw: redis.Redis) -> None:
    observer.push("mail", [])
    assert raw.keys("*") == []


def test_a_score_is_told_as_seconds_from_now(observer: Observer, raw: redis.Redis) -> None:
    seconds, _microseconds = raw.time()
    raw.zadd("{offsider}:retry", {b"a": int(seconds) + 100, b"b": int(seconds) - 50})
    assert observer.members("{offsider}:retry") == [b"b", b"a"]
    assert 90 < observer.due_in_s("{offsider}:retry", b"a") < 101
    assert -60 < observer.due_in_s("{offsider}:retry", b"b") < -49


def test_recovery_takes_what_an_owner_holds_although_its_lease_lasts(observer: Observer, raw: redis.Redis) -> None:
    raw.zadd("{offsider}:owners", {"somebody": 9e12})
    raw.hset("{offsider}:inflight:somebody", mapping={"1:mail": payload(1), "2:mail": payload(0)})
    assert observer.owners() == ["somebody"]
    assert observer.in_flight("somebody") == [payload(0), payload(1)]
    assert observer.lease_left_s("somebody") > 1000
    assert observer.recover("somebody") == 2
    assert (observer.owners(), observer.in_flight("somebody")) == ([], [])
    assert len(observer.waiting("mail")) == 2


def test_a_full_redis_refuses_to_grow_and_is_as_before_afterwards(observer: Observer, raw: redis.Redis) -> None:
    before = raw.config_get("maxmemory")
    with observer.full(), pytest.raises(redis.ResponseError):
        raw.set("a", "b")
    assert raw.config_get("maxmemory") == before
    assert raw.set("a", "b")
