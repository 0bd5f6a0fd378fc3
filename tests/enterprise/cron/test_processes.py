"""Real workers: the leader is killed a second before an instant, frozen over three of them; Redis is restarted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from offsider.worker.worker import Worker
from offsider_enterprise.cron.schedule import Schedule
from support.processes import Desk, Process
from support.server import Server
from support.waiting import until

from .conftest import YEARLY, YEARS_S, CronBench, new_year

MODULE = """
from offsider import App
from offsider_enterprise import EnterpriseEdition
from offsider_enterprise.cron import Cron, service
from offsider_pro import ProEdition

service.LOOK_EVERY_S = 1.0
editions = [ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")]
app = App(editions=editions, enterprise={"leader_lease_s": 2})
app.job(name="report", queue="cron", cron=Cron("0 0 1 1 *", name="yearly", window=1e9))(lambda: None)
"""


class Fleet:
    """Two workers, and the entry ``yearly``, which a test puts to any time."""

    def __init__(self, desk: Desk, bench: CronBench) -> None:
        (desk.folder / "jobs.py").write_text(MODULE, "utf-8")
        self.bench = bench
        self.raw = bench.raw
        self.processes = [desk.offsider("worker", "jobs:app") for _ in range(2)]
        for process in self.processes:
            process.logs(" runs default (")
        until(self.leader, what="one of them leads")

    def leader(self) -> Process | None:
        """The one that leads."""
        holder = self.raw.hget(self.bench.keys.leader, "holder") or b"::"
        pid = holder.split(b":")[1].decode()
        return next((one for one in self.processes if str(one.pid) == pid), None)

    def put(self, in_s: float) -> int:
        """Let the entry be due soon, at a whole second; that is its instant then."""
        due_s = int(float(self.raw.time()[0]) + in_s + 1)
        self.bench.put_back("yearly", due_s)
        return due_s

    def instants(self) -> list[int]:
        """For which instants there are jobs."""
        return [int(job["cron"]["at"]) for job in self.bench.enqueued()]


@pytest.fixture
def fleet(desk: Desk, bench: CronBench) -> Fleet:
    return Fleet(desk, bench)


def test_a_leader_that_is_killed_before_an_instant_and_one_that_is_frozen_over_three_cost_no_run(fleet: Fleet) -> None:
    frozen = fleet.leader()
    assert frozen is not None
    instants = []
    frozen.tell("STOP")
    for _ in range(3):
        instants.append(fleet.put(0.2))
        until(lambda: fleet.instants() == instants, what="the other one does it")
    until(lambda: fleet.leader() is not frozen, what="and leads, after the lease")
    frozen.tell("CONT")
    killed = fleet.leader()
    assert killed is not None
    instants.append(fleet.put(1.2))
    killed.kill()
    until(lambda: fleet.instants() == instants, what="the one that was frozen does it")
    history = fleet.bench.crontab.history("yearly")
    assert [run.at_s for run in history] == instants[::-1]
    assert all(run.late_s < 10 for run in history)


def test_redis_is_restarted_and_nothing_is_lost_or_enqueued_twice(
    make_bench: Callable[..., CronBench], make_server: Callable[..., Server], start_worker: Callable[..., Worker]
) -> None:
    server = make_server("--appendonly", "yes", "--appendfsync", "always")
    bench = make_bench(server.url)
    bench.raw = server.client()
    names = [f"entry{k}" for k in range(20)]
    for name in names:
        bench.crontab.add(name, "report", YEARLY, window=YEARS_S)
    worker = start_worker(bench.app)
    for name in names[:10]:
        bench.put_back(name, new_year())
    until(bench.enqueued, what="some are under way")
    server.kill()
    server.start()
    bench.raw = server.client()
    for name in names[10:]:
        bench.put_back(name, new_year())
    until(lambda: len(bench.enqueued()) >= len(names), 30, "all of them are enqueued")
    worker.stop()
    assert sorted(job["cron"]["name"] for job in bench.enqueued()) == sorted(names)


def test_ten_thousand_entries_are_a_cheap_look(bench: CronBench, start_worker: Callable[..., Worker]) -> None:
    bench.crontab.add("a", "report", YEARLY, window=YEARS_S)
    pattern = bench.raw.hgetall(bench.keys.cron_entry("a"))
    pipe = bench.raw.pipeline(transaction=False)
    for k in range(10_000):
        pipe.hset(bench.keys.cron_entry(f"entry{k}"), mapping=pattern)
    pipe.execute()
    names = [f"entry{k}" for k in range(10_000)]
    for k in range(0, 10_000, 1000):
        some = names[k : k + 1000]
        bench.raw.zadd(bench.keys.cron_names, dict.fromkeys(some, 0))
        bench.raw.zadd(bench.keys.cron_due, dict.fromkeys(some, new_year(-1)))
    service: Any = dict(start_worker(bench.app).services.items())["cron"]
    until(lambda: service._seen and service._plan_from is None, 60, "it has looked at all of them once")
    bench.raw.config_set("slowlog-log-slower-than", 50_000)
    asked: list[str] = []

    def look() -> bool:
        """Twenty looks and a run, within 5 s, without a command of over 50 ms."""
        bench.raw.slowlog_reset()
        bench.raw.config_resetstat()
        until(lambda: calls(bench, "zrangebyscore") >= 40, what="some looks")
        assert calls(bench, "hmget") < 50, "what is not due is not read"
        asked.append(f"entry{len(asked)}")
        bench.put_back(asked[-1], new_year())
        began_s = time.monotonic()
        until(lambda: len(bench.enqueued()) == len(asked))
        return bench.raw.slowlog_get() == [] and time.monotonic() - began_s < 5

    until(look)  # the machine may have stood still in one of them
    assert [job["cron"]["name"] for job in bench.enqueued()] == asked


def calls(bench: CronBench, command: str) -> int:
    """How often Redis has done a command since its statistics were reset."""
    return int(bench.raw.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"])


def test_a_look_costs_the_next_instant_of_what_is_due_and_no_more() -> None:
    nightly: Any = Schedule("0 3 * * mon-fri", "Europe/Berlin", "x")
    began_s = time.process_time()
    for k in range(200):
        nightly.after(1_790_000_000 + 3600 * k)
    assert (time.process_time() - began_s) / 200 < 0.001
