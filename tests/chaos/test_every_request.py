"""Processes killed at one certain request to Redis, before and after it took effect: every point ends consistent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from offsider.store.scripts import all_scripts
from support.every_request import PRODUCER, Point, run_points
from support.fleet import Fleet
from support.invariants import assert_sound, read
from support.proxy import Act, Fault, FaultyProxy, nth
from support.server import Server

AT_A_TIME = 3
# One of each kind of request that a worker makes in its life; the long run takes every single one.
ALWAYS = (
    Point("exchange", 1, Act.LOSE),
    Point("exchange", 2, Act.CUT),
    Point("exchange", 3, Act.LOSE),
    Point("move_due", 1, Act.LOSE),
    Point("recover", 1, Act.LOSE),
    Point("push", 1, Act.LOSE),
    Point("retire", 1, Act.CUT),
    Point("retire", 1, Act.LOSE),
)
SOMETIMES = tuple(
    Point(name, count, act)
    for name, most in {"exchange": 6, "renew": 3, "due": 3, "move_due": 2, "expired": 3, "BLPOP": 3, "EXEC": 3}.items()
    for count in range(1, most + 1)
    for act in (Act.CUT, Act.LOSE)
)


def test_a_worker_killed_at_a_request_leaves_everything_consistent(
    server: Server,
    redis_url: str,
    make_fleet: Callable[..., Fleet],
    make_proxy: Callable[[str], FaultyProxy],
    rng: Random,
    tell: Callable[..., str],
) -> None:
    points = [*ALWAYS, *rng.sample(SOMETIMES, 4)]

    def make(number: int) -> tuple[Fleet, FaultyProxy]:
        return make_fleet(redis_url, namespace=f"point{number}", lease_s=2.0), make_proxy(redis_url)

    results = run_points(points, make, at_a_time=AT_A_TIME)
    reached, doubles = sum(bool(one.reached) for one in results), sum(one.doubles for one in results)
    figures = tell(points=len(points), reached=reached, doubles=doubles)
    wrong = [f"{one.point}: {what}" for one in results for what in one.wrong]
    assert not wrong, "\n".join([figures, *wrong])
    unreached = [str(one.point) for one in results if not one.reached and one.point in ALWAYS]
    assert not unreached, f"{figures}: never came to {unreached}"


@pytest.mark.parametrize("act", [Act.CUT, Act.LOSE], ids=["before", "after"])
def test_a_producer_killed_at_a_push_has_put_all_of_it_or_nothing(
    act: Act, redis_url: str, make_fleet: Callable[..., Fleet], make_proxy: Callable[[str], FaultyProxy]
) -> None:
    def kill_at(push: int) -> int:
        fleet, proxy = make_fleet(redis_url, namespace=f"producer{push}"), make_proxy(redis_url)
        for script in all_scripts():
            fleet.raw.script_load(script.text)
        command = [sys.executable, "-c", PRODUCER]
        producer = subprocess.Popen(command, env=fleet.environment(proxy.url))
        fault = proxy.add(Fault(nth("push", push), act, then=lambda _: (producer.kill(), producer.wait())))
        assert producer.wait(30) == -9
        assert fault.hit
        assert_sound(fleet.raw, fleet.keys, lease_s=2.0, living=())
        return len(read(fleet.raw, fleet.keys).places)

    with ThreadPoolExecutor(2) as pool:
        put = list(pool.map(kill_at, (1, 2, 3, 4)))
    # One job, one in the schedule, then two batches of three.
    assert put == ([0, 1, 2, 5] if act is Act.CUT else [1, 2, 5, 8])
