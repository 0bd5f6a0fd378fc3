"""Redis killed, frozen, emptied of scripts, full, demoted: nothing is lost, and work goes on by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import redis

from offsider.errors import RedisRefused
from support.fleet import Fleet
from support.invariants import assert_sound
from support.server import Server, free_port
from support.tally import tally
from support.waiting import until

RESUMES_WITHIN_S = 5.0
LEASE_S = 5.0
SHORT_LEASE_S = 2.0
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


def resumed_s(fleet: Fleet) -> float:
    """Seconds from now until another job starts."""
    now_s = time.monotonic()
    until(lambda: any(effect.at_s > now_s for effect in fleet.record.read()[-1:]), 20, "work goes on")
    return next(effect.at_s for effect in fleet.record.read() if effect.at_s > now_s) - now_s


def work(rng: Random, count: int) -> list[tuple[float]]:
    """Jobs of 1 to 20 ms."""
    return [(rng.uniform(1, 20),) for _ in range(count)]


def finish(fleet: Fleet, jids: list[str], figures: str, *, doubles: int = 0) -> None:
    """Everything ends, nothing is lost, no more than so much is repeated, and all is in order."""
    until(lambda: fleet.ended(jids) and fleet.idle(), 30, f"every job has ended; {figures}")
    counted = tally(fleet, jids)
    figures = f"{figures}; {counted}"
    print(figures)
    assert not counted.lost, figures
    assert counted.doubles <= doubles, f"{figures}\n{fleet.logs()}"
    assert set(fleet.stop()) == {0}, fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=fleet.lease_s, living=(), note=figures)


def test_a_redis_that_is_killed_and_restarted_loses_nothing(
    make_server: Callable[..., Server], make_fleet: Callable[..., Fleet], rng: Random, tell: Callable[..., str]
) -> None:
    server = make_server(*DURABLE)
    fleet = make_fleet(server.url, lease_s=LEASE_S)
    fleet.start("-c", "5").ready()
    jids = fleet.enqueue_many("work", work(rng, 600))
    times_s = []
    for _ in range(2):
        threading.Event().wait(rng.uniform(0.1, 0.4))
        server.kill()
        threading.Event().wait(rng.uniform(0, 0.5))
        server.start()
        times_s.append(round(resumed_s(fleet), 2))
        jids += fleet.enqueue_many("work", work(rng, 100))
    figures = tell(resumed_after_s=times_s)
    assert max(times_s) <= RESUMES_WITHIN_S, figures
    finish(fleet, jids, figures)


def test_a_producer_that_works_while_redis_is_killed_loses_nothing_it_was_told_of(
    make_server: Callable[..., Server], make_fleet: Callable[..., Fleet], tell: Callable[..., str]
) -> None:
    server = make_server(*DURABLE)
    fleet = make_fleet(server.url, lease_s=LEASE_S)
    jids: list[str] = []
    over = threading.Event()

    def produce() -> None:
        while not over.is_set():
            jids.append(fleet.enqueue("work"))
            jids.extend(fleet.enqueue_many("work", [()] * 20))

    producer = threading.Thread(target=produce)
    producer.start()
    for _ in range(3):
        told = len(jids)
        until(lambda told=told: len(jids) > told + 100, 10, "it enqueues")  # type: ignore[misc]
        server.restart()
    over.set()
    producer.join()
    fleet.start("-c", "5")
    finish(fleet, jids, tell(enqueued=len(jids)))


def test_a_redis_that_was_away_for_longer_than_a_lease_is_no_reason_to_recover_anybody(
    make_server: Callable[..., Server], make_fleet: Callable[..., Fleet], rng: Random, tell: Callable[..., str]
) -> None:
    away_s = rng.uniform(2, 3) * SHORT_LEASE_S
    figures = tell(away_s=round(away_s, 1), lease_s=SHORT_LEASE_S)
    servers = {"frozen": make_server(), "down": make_server(*DURABLE)}
    fleets = {how: make_fleet(server.url, lease_s=SHORT_LEASE_S) for how, server in servers.items()}

    def go_away(how: str) -> None:
        server, fleet = servers[how], fleets[how]
        for _ in range(2):
            fleet.start("-c", "5")
        jids = fleet.enqueue_many("hold", [("go",)] * 10)
        until(lambda: all(fleet.started(jid) for jid in jids), 10, "all of them run")
        jids += fleet.enqueue_many("work", [(5,)] * 50)
        server.freeze() if how == "frozen" else server.kill()
        threading.Event().wait(away_s)
        server.thaw() if how == "frozen" else server.start()
        threading.Event().wait(SHORT_LEASE_S)  # in which a recovery would have happened
        fleet.flag("go")
        finish(fleet, jids, f"{how}, {figures}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(go_away, servers))


def test_lost_scripts_and_killed_connections_disturb_nothing(
    make_server: Callable[..., Server], make_fleet: Callable[..., Fleet], rng: Random, tell: Callable[..., str]
) -> None:
    server = make_server()
    fleet = make_fleet(server.url, lease_s=LEASE_S)
    fleet.start("-c", "5").ready()
    jids, times_s = [], []
    for act in ("scripts", "connections", "both", "connections", "both"):
        jids += fleet.enqueue_many("work", work(rng, 150))
        if act != "connections":
            fleet.raw.script_flush()
        if act != "scripts":
            fleet.raw.client_kill_filter(_type="normal", skipme=True)
        times_s.append(round(resumed_s(fleet), 2))
    figures = tell(resumed_after_s=times_s)
    assert max(times_s) <= RESUMES_WITHIN_S, figures
    finish(fleet, jids, figures)


def test_a_full_redis_says_no_and_drains_by_itself(
    make_server: Callable[..., Server], make_fleet: Callable[..., Fleet], tell: Callable[..., str]
) -> None:
    server = make_server()
    fleet = make_fleet(server.url, lease_s=LEASE_S)
    jids = [fleet.enqueue("flaky"), fleet.enqueue("hopeless"), fleet.enqueue("snoozer"), fleet.enqueue("work", delay=1)]
    used = fleet.raw.info("memory")["used_memory"]
    fleet.raw.config_set("maxmemory", used + 1_000_000)
    refused = 0
    for size in (500, 20, 1):
        while True:
            try:
                jids += fleet.enqueue_many("work", [()] * size)
            except RedisRefused:
                refused += 1
                break
    waiting = fleet.raw.llen(fleet.keys.queue("default"))
    assert waiting + 1 == len(jids), "what was refused was not put"
    fleet.start("-c", "5")
    until(lambda: not fleet.raw.exists(fleet.keys.queue("default")), 20, f"it drains; {fleet.logs()}")
    jids += [fleet.enqueue("work") for _ in range(10)]
    figures = tell(filled_with=waiting, refused=refused)
    hopeless = jids.pop(1)
    finish(fleet, jids, figures)
    assert tally(fleet, [hopeless]).dead == 1


def test_a_demoted_redis_is_waited_for(
    make_server: Callable[..., Server], make_fleet: Callable[..., Fleet], rng: Random, tell: Callable[..., str]
) -> None:
    server = make_server()
    fleet = make_fleet(server.url, lease_s=LEASE_S)
    fleet.start("-c", "5").ready()
    jids = fleet.enqueue_many("work", work(rng, 400))
    until(lambda: len(fleet.record.read()) > 50, 10)
    fleet.raw.replicaof("127.0.0.1", free_port())
    promote = threading.Timer(1.5, lambda: redis.Redis.from_url(server.url).replicaof("NO", "ONE"))
    promote.start()
    jids.append(fleet.enqueue("work"))  # it waits for the promotion, too
    promote.join()
    after_s = round(resumed_s(fleet), 2)
    figures = tell(resumed_after_s=after_s)
    assert after_s <= RESUMES_WITHIN_S, figures
    finish(fleet, jids, figures)
