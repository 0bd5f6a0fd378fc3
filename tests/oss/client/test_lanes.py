"""Lanes: as many as callers at once, each with an id and a count of its own, none shared with a forked child."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import redis

from offsider import App
from offsider.client.lanes import AsyncLanes, Lanes
from offsider.store.connection import Connections
from support.connections import count_named, named
from support.loops import on_loop
from support.waiting import until

Make = Callable[..., App]
QUEUE = "{offsider}:queue:default"


def add(a: int) -> None:
    """A body that never runs here."""


@pytest.fixture
def lanes(redis_url: str) -> Iterator[Lanes]:
    """Lanes of threads."""
    made = Lanes(Connections(redis_url))
    yield made
    made.close()


@pytest.fixture
def app(make_app: Make, redis_url: str) -> App:
    """One whose connections are known."""
    return make_app(named(redis_url))


@pytest.fixture
def numbers(raw: redis.Redis) -> Callable[[], list[int]]:
    """The last number of each lane that Redis knows."""

    def read() -> list[int]:
        return sorted(int(raw.get(key) or 0) for key in raw.scan_iter("{offsider}:lane:*"))  # type: ignore[arg-type]

    return read


@pytest.fixture
def opened(raw: redis.Redis) -> Callable[[], int]:
    """Counts the open connections of the test's app."""
    return partial(count_named, raw)


# -- threads -------------------------------------------------------------------------------------------------------


def test_the_lane_that_was_used_last_is_used_next(lanes: Lanes) -> None:
    first, second = lanes.take(), lanes.take()
    lanes.give(first)
    lanes.give(second)
    assert lanes.take() is second
    assert lanes.take() is first


def test_each_lane_has_an_id_of_its_own_and_begins_at_0(lanes: Lanes) -> None:
    made = [lanes.take() for _ in range(100)]
    assert len({one.id for one in made}) == 100
    assert {one.number for one in made} == {0}
    assert len({id(one.wire) for one in made}) == 100


def test_pushes_one_after_the_other_share_a_lane_and_are_counted(
    app: App, raw: redis.Redis, numbers: Callable[[], list[int]]
) -> None:
    job = app.job(name="add")(add)
    for number in range(3):
        job.enqueue(number)
    job.enqueue_many([(3,), (4,), (5,)], batch_size=2)
    assert numbers() == [5]
    (key,) = raw.keys("{offsider}:lane:*")  # type: ignore[misc]
    assert 3500 < raw.ttl(key) <= 3600  # type: ignore[operator]


def test_threads_that_push_at_once_have_a_lane_each_and_lose_nothing(
    app: App, raw: redis.Redis, numbers: Callable[[], list[int]], opened: Callable[[], int]
) -> None:
    job = app.job(name="add")(add)
    begin = threading.Barrier(8)
    jids: list[str | None] = []

    def push() -> None:
        begin.wait(10)
        jids.extend([job.enqueue(number) for number in range(50)])

    threads = [threading.Thread(target=push) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert len(set(jids)) == raw.llen(QUEUE) == 400
    assert sum(numbers()) == 400
    assert 1 <= len(numbers()) <= 8
    assert opened() <= 8


def test_a_lane_whose_push_failed_goes_on_with_the_next_number(app: App, numbers: Callable[[], list[int]]) -> None:
    job = app.job(name="add")(add)
    job.enqueue(1)
    lane = app.client._lanes.take()
    app.client._lanes.give(lane)
    lane.number += 1  # a push that Redis never heard of
    job.enqueue(2)
    assert numbers() == [3]


def test_closing_drops_the_connections_of_free_lanes(app: App, raw: redis.Redis, opened: Callable[[], int]) -> None:
    job = app.job(name="add")(add)
    job.enqueue(1)
    assert opened() == 1
    app.close()
    until(lambda: opened() == 0)
    job.enqueue(2)
    assert raw.llen(QUEUE) == 2


# -- a forked child ------------------------------------------------------------------------------------------------

FORK = """
import os, sys
from offsider import App
app = App(sys.argv[1], editions=[])
@app.job(name="add")
def add(who, number):
    pass
add.enqueue("parent", 0)
children = []
for child in range(3):
    pid = os.fork()
    if pid == 0:
        for number in range(20):
            add.enqueue(f"child {child}", number)
        add.enqueue_many([(f"child {child}", number) for number in range(20, 30)])
        os._exit(0)
    children.append(pid)
for number in range(1, 30):
    add.enqueue("parent", number)
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
add.enqueue("parent", 30)
"""


def test_parent_and_forked_children_push_at_once_and_lose_and_repeat_nothing(
    redis_url: str, raw: redis.Redis, numbers: Callable[[], list[int]]
) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK, redis_url], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    payloads: Any = raw.lrange(QUEUE, 0, -1)
    seen = [tuple(json.loads(one)["args"]) for one in payloads]
    expected = [("parent", number) for number in range(31)]
    expected += [(f"child {child}", number) for child in range(3) for number in range(30)]
    assert sorted(seen) == sorted(expected)
    assert numbers() == [21, 21, 21, 31], "each process has a lane of its own"


def test_a_child_begins_without_lanes(lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = lanes.take()
    lanes.give(mine)
    monkeypatch.setattr("os.getpid", lambda: 1)
    other = lanes.take()
    assert other is not mine
    assert other.id != mine.id
    monkeypatch.undo()
    mine.wire.close()


# -- event loops ---------------------------------------------------------------------------------------------------


def test_pushes_of_one_loop_at_once_have_a_lane_each_and_later_ones_use_them_again(
    app: App, raw: redis.Redis, numbers: Callable[[], list[int]]
) -> None:
    job = app.job(name="add")(add)

    async def push() -> None:
        await asyncio.gather(*(job.aenqueue(number) for number in range(5)))
        assert len(numbers()) == 5
        for number in range(5):
            await job.aenqueue(number)

    on_loop(app, push())
    assert numbers() == [1, 1, 1, 1, 6]
    assert raw.llen(QUEUE) == 10


def test_each_loop_has_connections_of_its_own_and_drops_them(
    app: App, raw: redis.Redis, opened: Callable[[], int]
) -> None:
    job = app.job(name="add")(add)
    for number in range(3):
        on_loop(app, job.aenqueue(number))
        until(lambda: opened() == 0)
    assert raw.llen(QUEUE) == 3


def test_the_lanes_of_a_loop_go_with_it(redis_url: str) -> None:
    lanes = AsyncLanes(Connections(redis_url))

    async def use() -> None:
        async with lanes.lane() as first:
            async with lanes.lane() as second:
                assert first is not second
        async with lanes.lane() as again:
            assert again in (first, second)
        await lanes.close()

    asyncio.run(use())
    asyncio.run(use())
    gc.collect()
    assert len(lanes._free) == 0


def test_a_lane_comes_back_when_its_push_fails(redis_url: str) -> None:
    lanes = AsyncLanes(Connections(redis_url))

    async def use() -> None:
        seen = []
        for _ in range(2):
            with contextlib.suppress(ConnectionError):
                async with lanes.lane() as lane:
                    seen.append(lane)
                    raise ConnectionError
        assert seen[0] is seen[1]

    asyncio.run(use())
