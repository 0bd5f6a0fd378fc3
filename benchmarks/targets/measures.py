"""What is measured, one function a figure. Each gets a rig with an empty server and says what it found."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any

from rig import Rig, cpu_s, rss_mb, until

ARGUMENTS: tuple[Any, ...] = ("string", 1, {"mike": "bob"})
Figures = dict[str, float]
REFILL = """
local missing = ARGV[1] - redis.call('LLEN', KEYS[1])
for _ = 1, missing do redis.call('LPUSH', KEYS[1], ARGV[2]) end
if redis.call('LLEN', KEYS[2]) == 0 then redis.call('LPUSH', KEYS[2], '1') end
return missing
"""


def enqueue(rig: Rig) -> Figures:
    """One at a time, typed and plain, and many at once."""
    noop, typed, plain = (rig.app.jobs[name] for name in ("noop", "typed", "plain"))
    day, count = date(2026, 11, 24), 20_000
    one_us: list[float] = []
    more_us: list[float] = []
    for _ in range(5):
        one_us.append(_each_us(lambda: noop.enqueue(*ARGUMENTS), count))
        with_types_us = _each_us(lambda: typed.enqueue("string", day, (1, 2, 3)), count // 4)
        more_us.append(with_types_us - _each_us(lambda: plain.enqueue("string", "2026-11-24", [1, 2, 3]), count // 4))
        rig.empty()
    bulk = []
    for _ in range(5):
        before_s = time.perf_counter()
        noop.enqueue_many((*ARGUMENTS[:1], number, ARGUMENTS[2]) for number in range(100_000))
        bulk.append(100_000 / (time.perf_counter() - before_s))
        rig.empty()
    return {
        "enqueue one, jobs/s": 1e6 / statistics.median(one_us),
        "typed arguments, µs more": statistics.median(more_us),
        "enqueue many, jobs/s": statistics.median(bulk),
    }


def _each_us(call: Any, count: int) -> float:
    before_s = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - before_s) / count * 1e6


def sleeping(rig: Rig) -> Figures:
    """Jobs that wait for 10 ms, 50 at once, against the ideal of 5,000 a second."""
    rates = []
    for _ in range(3):
        rig.empty()
        count = 15_000
        rig.app.jobs["rest"].using(queue="aside").enqueue_many(() for _ in range(count))
        with rig.worker("-c", "50"):
            rates.append(count / _released_s(rig))
    return {"10 ms sleeps at 50, share of ideal": statistics.median(rates) / 5000}


def _released_s(rig: Rig, queue: str = "default") -> float:
    """From the moment in which a prepared queue is there until it is done."""
    keys = rig.app.keys
    before_s = time.perf_counter()
    rig.redis.pipeline().rename(keys.queue("aside"), keys.queue(queue)).lpush(keys.bell(queue), "1").execute()
    until(lambda: rig.drained([queue]), every_s=0.02)
    return time.perf_counter() - before_s


def latency(rig: Rig) -> Figures:
    """From `enqueue` to the first line of the body on an idle worker with three queues."""
    stamp = rig.app.jobs["stamp"]
    found_ms = []
    with rig.worker("-q", "high", "-q", "default", "-q", "low"):
        for number in range(500):
            time.sleep(0.004)
            before_ns = time.monotonic_ns()
            stamp.enqueue()
            _key, started_ns = rig.redis.blpop("stamps", 10)
            if number >= 50:
                found_ms.append((int(started_ns) - before_ns) / 1e6)
    cuts = statistics.quantiles(found_ms, n=100)
    return {"enqueue to start p50, ms": cuts[49], "enqueue to start p99, ms": cuts[98]}


def idle(rig: Rig) -> Figures:
    """A worker with nothing to do, for half a minute."""
    with rig.worker() as pid:
        time.sleep(3)
        before_s, began_s = cpu_s(pid), time.monotonic()
        commands = rig.requests(30)
        share = (cpu_s(pid) - before_s) / (time.monotonic() - began_s)
        rss = rss_mb(pid)
    boots = [rig.boot_s() for _ in range(7)]
    return {
        "idle CPU, %": share * 100,
        "idle commands/s": commands,
        "idle RSS, MB": rss,
        "boot, s": statistics.median(boots),
    }


def scheduled(rig: Rig) -> Figures:
    """Ten thousand jobs that are due in the same moment, and single ones, each in a moment of its own."""
    noop, mark = rig.app.jobs["noop"], rig.app.jobs["mark"]
    bursts = []
    for _ in range(3):
        rig.empty()
        with rig.worker():
            due_s = time.time() + 3
            noop.enqueue_many([ARGUMENTS] * 10_000, at=due_s)
            time.sleep(max(0.0, due_s - time.time()))
            until(lambda: not rig.redis.exists(rig.app.keys.schedule) and rig.drained(), every_s=0.005)
            bursts.append(time.time() - due_s)
    rig.empty()
    with rig.worker():
        for number in range(200):
            due_s = time.time() + 0.5 + number * 0.037
            mark.using(at=due_s).enqueue(due_s)
        until(lambda: rig.redis.llen("stamps") == 200)
    late_s = sorted(float(one) for one in rig.redis.lrange("stamps", 0, -1))
    return {"10,000 due at once, s": statistics.median(bursts), "lateness p99, s": late_s[197]}


def backlog(rig: Rig) -> Figures:
    """Jobs a second in front of a queue of a million, against one of ten thousand."""
    ratios = []
    for _ in range(3):
        rates = {depth: _rate_in_front(rig, depth) for depth in (10_000, 1_000_000)}
        ratios.append(rates[1_000_000] / rates[10_000])
    return {"1,000,000 waiting, share of the speed with 10,000": statistics.median(ratios)}


def _rate_in_front(rig: Rig, depth: int) -> float:
    """Over three seconds in which what is taken is put in again at the other end."""
    rig.empty()
    taken, key, bell = 0, rig.app.keys.queue("default"), rig.app.keys.bell("default")
    rig.app.jobs["noop"].enqueue(*ARGUMENTS)
    script, arguments = rig.redis.register_script(REFILL), [depth, rig.redis.lindex(key, 0)]
    script([key, bell], arguments)
    with rig.worker():
        time.sleep(0.5)
        script([key, bell], arguments)
        before_s = time.perf_counter()
        while time.perf_counter() - before_s < 3:
            time.sleep(0.02)
            taken += script([key, bell], arguments)
        elapsed_s = time.perf_counter() - before_s
        rig.redis.unlink(key)
        until(rig.drained)
    return taken / elapsed_s


def two_processes(rig: Rig) -> Figures:
    """Two workers and Redis on two cores, against one worker and Redis on one of them."""
    cores = [0, 1]
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("two processes are measured on two cores; this machine has one")
    ratios = []
    for _ in range(5):
        one = _rate_of(rig, 1, cores[:1])
        ratios.append(_rate_of(rig, 2, cores) / one)
    os.sched_setaffinity(rig.server.pid, os.sched_getaffinity(0))
    return {"two processes on two cores, times one on one": statistics.median(ratios)}


def _rate_of(rig: Rig, workers: int, cores: list[int]) -> float:
    count = 60_000 * workers
    rig.empty()
    os.sched_setaffinity(rig.server.pid, cores)
    rig.app.jobs["noop"].using(queue="aside").enqueue_many([ARGUMENTS] * count)
    with ExitStack() as stack:
        for number in range(workers):
            stack.enter_context(rig.worker(cores=cores[number % len(cores) :][:1]))
        until(lambda: rig.redis.scard(rig.app.keys.processes) == workers)
        return count / _released_s(rig)


def growth(rig: Rig) -> Figures:
    """CPU and requests a job with many queues and many other processes, against few."""
    few = _cost(rig, queues=1, others=0)
    figures = {}
    for name, queues, others in (("1,000 queues", 1000, 0), ("200 processes", 1, 200)):
        cpu, requests = _cost(rig, queues=queues, others=others)
        figures[f"{name}: CPU a job, times that with one"] = cpu / few[0]
        figures[f"{name}: requests a job, times that with one"] = requests / few[1]
    return figures


def _cost(rig: Rig, *, queues: int, others: int) -> tuple[float, float]:
    """Medians of CPU µs and requests a job."""
    count, found = 50_000, []
    for _ in range(3):
        rig.empty()
        names = [f"q{number}" for number in range(queues)]
        with rig.worker(*[word for name in names for word in ("-q", name)]) as pid:
            _pretend(rig, others)
            rig.app.jobs["noop"].using(queue="aside").enqueue_many([ARGUMENTS] * count)
            before_s, counted = cpu_s(pid), _requests(rig)
            _released_s(rig, names[-1])
            found.append(((cpu_s(pid) - before_s) / count * 1e6, (_requests(rig) - counted) / count))
    return statistics.median(one[0] for one in found), statistics.median(one[1] for one in found)


def _pretend(rig: Rig, others: int) -> None:
    """Owners and processes that live and do nothing."""
    far_ms = int(time.time() * 1000) + 600_000
    for number in range(others):
        rig.redis.zadd(rig.app.keys.owners, {f"host:{number}:x/default/1": far_ms})
        rig.redis.sadd(rig.app.keys.processes, f"host:{number}:x")


def _requests(rig: Rig) -> int:
    """Scripts that ran: all that a worker does on a job's path."""
    stats = rig.redis.info("commandstats")
    return sum(int(stats[name]["calls"]) for name in ("cmdstat_evalsha", "cmdstat_eval") if name in stats)


def everything() -> Iterator[tuple[str, Any]]:
    """All of them, in the order of the table."""
    for one in (enqueue, sleeping, latency, idle, scheduled, backlog, two_processes, growth):
        yield one.__name__, one
