"""Without a namespace the process list, running jobs, statistics and signals are where Ruby's pages look for them."""

from __future__ import annotations

import datetime
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable

import pytest
import redis

from interop.ruby_jobs import push
from offsider import App
from offsider.worker.worker import Worker
from support.waiting import until

Make = Callable[..., App]
Start = Callable[..., Worker]

FIVE_YEARS_S = 5 * 365 * 86_400


@pytest.fixture
def app(make_app: Make) -> App:
    """An app in Sidekiq's layout."""
    return make_app(namespace="", worker={"queues": ["default", "critical"], "tag": "shop", "labels": ["reliable"]})


def test_a_process_is_listed_with_all_that_any_version_looks_for(
    app: App, start_worker: Start, raw: redis.Redis
) -> None:
    worker = start_worker(app, concurrency=7)
    until(lambda: raw.exists(worker.identity))
    assert raw.smembers("processes") == {worker.identity.encode()}
    host, pid, nonce = worker.identity.rsplit(":", 2)
    assert (host, pid) == (socket.gethostname(), str(os.getpid()))
    assert re.fullmatch("[0-9a-f]{12}", nonce)
    fields = {name.decode(): value.decode() for name, value in raw.hgetall(worker.identity).items()}
    assert sorted(fields) == ["beat", "busy", "concurrency", "info", "quiet", "rss", "rtt_us"]
    assert (fields["busy"], fields["concurrency"], fields["quiet"]) == ("0", "7", "false")
    assert abs(float(fields["beat"]) - time.time()) < 60
    assert 1_000 < int(fields["rss"]) < 10_000_000
    assert 0 < int(fields["rtt_us"]) < 10_000_000
    assert 0 < raw.ttl(worker.identity) <= 60
    info = json.loads(fields["info"])
    assert abs(info.pop("started_at") - time.time()) < 60
    assert re.match(r"offsider \d", info.pop("version"))
    weights = {"default": 0, "critical": 0}
    assert info == {
        "hostname": host, "pid": int(pid), "tag": "shop", "concurrency": 7, "identity": worker.identity,
        "queues": ["default", "critical"], "weights": [weights], "labels": ["reliable"], "embedded": False,
        "capsules": {"default": {"concurrency": 7, "mode": "strict", "weights": weights}},
    }  # fmt: skip


def test_what_runs_is_listed_with_its_payload_as_it_was(app: App, start_worker: Start, raw: redis.Redis) -> None:
    go_on = threading.Event()

    @app.job(name="HardJob")
    def hard(name: str, count: int) -> None:
        go_on.wait(20)

    worker = start_worker(app)
    push(raw, args=["ä", 1])
    work = f"{worker.identity}:work"
    until(lambda: raw.exists(work))
    ((thread, text),) = raw.hgetall(work).items()
    assert re.fullmatch(rb"[\w.:-]+", thread)
    entry = json.loads(text)
    assert sorted(entry) == ["payload", "queue", "run_at"]
    assert entry["queue"] == "default"
    assert isinstance(entry["payload"], str)
    assert json.loads(entry["payload"])["args"] == ["ä", 1]
    assert type(entry["run_at"]) is int
    assert abs(entry["run_at"] - time.time()) < 60
    assert 0 < raw.ttl(work) <= 60
    until(lambda: raw.hget(worker.identity, "busy") == b"1")
    go_on.set()
    until(lambda: not raw.exists(work))


def test_statistics_are_counted_in_all_and_by_utc_day(app: App, start_worker: Start, raw: redis.Redis) -> None:
    @app.job(name="HardJob", retry=False)
    def hard(name: str, count: int) -> None:
        if count:
            raise ValueError("no")

    worker = start_worker(app)
    days = {datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")}
    for count in (0, 1, 0):
        push(raw, args=["a", count])
    until(lambda: raw.get("stat:processed") == b"3", what="failed ones are processed, too")
    days.add(datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"))
    assert raw.get("stat:failed") == b"1"
    for name, total in (("processed", 3), ("failed", 1)):
        assert sum(int(raw.get(f"stat:{name}:{day}") or 0) for day in days) == total
        found = [raw.ttl(key) for key in raw.keys(f"stat:{name}:*")]
        assert all(FIVE_YEARS_S - 60 <= ttl <= FIVE_YEARS_S for ttl in found)
    assert raw.ttl("stat:processed") == -1
    worker.stop()


def test_signals_of_its_pages_are_obeyed(app: App, start_worker: Start, raw: redis.Redis) -> None:
    worker = start_worker(app)
    until(lambda: raw.exists(worker.identity))
    signals = f"{worker.identity}-signals"
    raw.lpush(signals, "TSTP")
    until(lambda: raw.hget(worker.identity, "quiet") == b"true")
    push(raw)
    raw.lpush(signals, "TERM")
    until(lambda: not raw.exists(worker.identity), what="it has stopped and is no longer listed")
    assert raw.scard("processes") == 0
    assert raw.llen("queue:default") == 1, "who is quiet takes no job"
    assert raw.llen(signals) == 0


def test_a_signal_for_stacks_logs_them(
    app: App, start_worker: Start, raw: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    worker = start_worker(app)
    raw.lpush(f"{worker.identity}-signals", "TTIN")
    until(lambda: "offsider-fetch-default" in caplog.text)


def test_our_own_keys_are_none_that_ruby_looks_at(app: App, start_worker: Start, raw: redis.Redis) -> None:
    go_on = threading.Event()

    @app.job(name="HardJob")
    def hard(name: str, count: int) -> None:
        go_on.wait(20)

    worker = start_worker(app)
    hard.enqueue("a", 1)
    hard.using(delay=3600).enqueue("a", 1)
    until(lambda: raw.exists(f"{worker.identity}:work"))
    theirs = {"queues", "schedule", "retry", "dead", "processes", worker.identity, f"{worker.identity}:work"}
    ours = re.compile(r"(owners|quarantine|bell-schedule|(bell|inflight|lane):.+)")
    rest = {key.decode() for key in raw.keys("*")} - theirs
    assert {key for key in rest if not ours.fullmatch(key)} == set()
    go_on.set()


def test_metrics_are_where_rubys_pages_look_for_them(app: App, start_worker: Start, raw: redis.Redis) -> None:
    @app.job(name="HardJob")
    def hard(fails: bool) -> None:
        if fails:
            raise ValueError("no")

    hard.using(retry=False).enqueue_many([(False,), (False,), (True,)])
    start_worker(app)
    until(lambda: raw.get("stat:processed") == b"3")
    now = datetime.datetime.now(datetime.UTC)
    minutes = [now - datetime.timedelta(minutes=ago) for ago in range(3)]
    counts: dict[bytes, int] = {}
    spread = [0] * 26
    for at in minutes:
        key = f"j|{at:%y%m%d}|{at.hour}:{at:%M}"
        for name, value in raw.hgetall(key).items():
            counts[name] = counts.get(name, 0) + int(value)
            assert raw.ttl(key) <= 8 * 3600
        read = raw.bitfield(f"h|HardJob-{at.day}-{at.hour}:{at.minute}")
        for bucket in range(26):
            read.get("u16", f"#{bucket}")
        spread = [sum(both) for both in zip(spread, read.execute(), strict=True)]
    assert (counts[b"HardJob|p"], counts[b"HardJob|f"]) == (3, 1)
    assert sum(spread) == 2, "failures have no run time"
    tens = {f"j|{at:%y%m%d}|{at.hour}:{at:%M}"[:-1] for at in minutes}
    assert sum(int(raw.hget(key, "HardJob|p") or 0) for key in tens) == 3
