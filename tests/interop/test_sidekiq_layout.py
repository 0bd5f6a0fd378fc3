"""Without a namespace everything lies in Redis where Ruby's Sidekiq expects it, in the form it expects it in."""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
import socket
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import redis

from offsider import CONTEXT, App, Context, Retry, Snooze
from offsider.worker.worker import Worker
from support.waiting import until

Make = Callable[..., App]
Start = Callable[..., Worker]

FIVE_YEARS_S = 5 * 365 * 86_400
JID = "b4a577edbccf1d805744efa9"


@pytest.fixture
def app(make_app: Make) -> App:
    """An app in Sidekiq's layout."""
    return make_app(namespace="", worker={"queues": ["default", "critical"], "tag": "shop", "labels": ["reliable"]})


def ruby_job(**fields: Any) -> dict[str, Any]:
    """A job as Sidekiq 7.3 and 8 write it: whole milliseconds."""
    now = int(time.time() * 1000)
    usual = {"retry": True, "queue": "default", "class": "HardJob", "args": ["bob", 1], "jid": JID}
    return {**usual, "created_at": now, "enqueued_at": now + 1, **fields}


def push(raw: redis.Redis, **fields: Any) -> dict[str, Any]:
    """What a Ruby client does: no bell, no script."""
    job = ruby_job(**fields)
    raw.sadd("queues", job["queue"])
    raw.lpush(f"queue:{job['queue']}", json.dumps(job, separators=(",", ":"), ensure_ascii=False))
    return job


def only(raw: redis.Redis, key: str) -> tuple[dict[str, Any], float]:
    """The one entry of a sorted set, and its score."""
    ((member, score),) = raw.zrange(key, 0, -1, withscores=True)
    entry: dict[str, Any] = json.loads(member)
    return entry, score


def is_near(milliseconds: object) -> bool:
    """True for whole milliseconds of this minute."""
    return type(milliseconds) is int and abs(milliseconds / 1000 - time.time()) < 60


# -- Ruby enqueues, we run -----------------------------------------------------------------------------------------


def test_a_job_of_ruby_runs_with_its_arguments(app: App, start_worker: Start, raw: redis.Redis) -> None:
    ran: list[Any] = []

    @app.job(name="My::HardJob")
    def hard(name: str, count: int, more: dict[str, Any], ctx: Context = CONTEXT) -> None:
        ran.append((name, count, more, ctx.jid, ctx.queue, ctx.enqueued_ms))

    start_worker(app)
    more = {"ä": [1.5, None, True, 12345678901234567890]}
    job = push(raw, **{"class": "My::HardJob", "queue": "critical", "args": ["bob", 1, more]})
    until(lambda: ran)
    assert ran == [("bob", 1, more, JID, "critical", job["enqueued_at"])]
    until(lambda: not raw.exists("queue:critical") and not raw.keys("inflight:*"), what="nothing is left")


def test_a_job_of_an_older_ruby_runs_with_its_seconds(app: App, start_worker: Start, raw: redis.Redis) -> None:
    seen: list[int | None] = []

    @app.job(name="HardJob")
    def hard(name: str, count: int, ctx: Context = CONTEXT) -> None:
        seen.append(ctx.enqueued_ms)

    start_worker(app)
    push(raw, created_at=1755432000.1234567, enqueued_at=1755432000.5)
    until(lambda: seen)
    assert seen == [1755432000500]


def test_retries_go_on_where_ruby_was(app: App, start_worker: Start, raw: redis.Redis) -> None:
    attempts: list[int] = []

    @app.job(name="HardJob")
    def hard(name: str, count: int, ctx: Context = CONTEXT) -> None:
        attempts.append(ctx.attempt)
        raise ValueError("again")

    start_worker(app)
    failed = {"error_message": "boom", "error_class": "RuntimeError", "failed_at": 1755432000.25, "retry_count": 3}
    push(raw, **failed, retried_at=1755432001.5)
    until(lambda: raw.zcard("retry"))
    entry, score = only(raw, "retry")
    assert attempts == [4]
    assert (entry["retry_count"], entry["failed_at"]) == (4, 1755432000.25)
    assert (entry["error_class"], entry["error_message"]) == ("ValueError", "again")
    assert is_near(entry["retried_at"])
    assert 4**4 + 15 - 5 < score - time.time() < 4**4 + 15 + 50 + 5


def test_a_retry_by_hand_in_rubys_pages_runs_and_uses_no_attempt(
    app: App, start_worker: Start, raw: redis.Redis
) -> None:
    attempts: list[int] = []

    @app.job(name="HardJob")
    def hard(name: str, count: int, ctx: Context = CONTEXT) -> None:
        attempts.append(ctx.attempt)
        raise ValueError("again")

    start_worker(app)
    # Its button takes one off the count before it pushes: after the first failure that is -1.
    push(raw, error_message="boom", error_class="RuntimeError", failed_at=1755432000123, retry_count=-1)
    until(lambda: raw.zcard("retry") or raw.zcard("quarantine"))
    entry, _score = only(raw, "retry")
    assert attempts == [0]
    assert (entry["retry_count"], entry["failed_at"]) == (0, 1755432000123)
    assert is_near(entry["retried_at"])


def test_the_schedule_of_ruby_is_moved_into_its_queue(app: App, start_worker: Start, raw: redis.Redis) -> None:
    start_worker(app)
    job = ruby_job(queue="elsewhere", cattr={"user": 7}, wrapped="RealJob")
    del job["enqueued_at"]
    raw.zadd("schedule", {json.dumps(job): time.time() - 1})
    until(lambda: raw.llen("queue:elsewhere"))
    moved = json.loads(raw.lindex("queue:elsewhere", 0))
    assert is_near(moved.pop("enqueued_at"))
    assert moved == job
    assert raw.smembers("queues") == {b"elsewhere"}
    assert raw.zcard("schedule") == 0


# -- we enqueue, Ruby runs -----------------------------------------------------------------------------------------


def test_a_job_of_ours_is_what_ruby_would_write(app: App, raw: redis.Redis) -> None:
    @app.job(name="HardJob", queue="critical")
    def hard(name: str, count: int) -> None:
        """Runs in Ruby."""

    jid = hard.enqueue("bøb", 1)
    hard.enqueue("later", 2)
    assert raw.smembers("queues") == {b"critical"}
    text = raw.lindex("queue:critical", -1)
    job = json.loads(text)
    assert is_near(job.pop("created_at"))
    assert is_near(job.pop("enqueued_at"))
    assert job == {"class": "HardJob", "args": ["bøb", 1], "jid": jid, "queue": "critical", "retry": True}
    assert re.fullmatch("[0-9a-f]{24}", str(jid))
    assert b": " not in text
    assert b", " not in text
    assert "bøb".encode() in text


def test_options_have_the_names_of_ruby(app: App, raw: redis.Redis) -> None:
    @app.job(
        name="HardJob", queue="low", retry=Retry(max=5, for_=3600, queue="slow"), tags=["a", "b"], backtrace=20,
        dead=False, display_name="Hard", log_level="debug",
    )  # fmt: skip
    def hard() -> None:
        """With options."""

    @app.job(name="OnceJob", retry=False)
    def once() -> None:
        """Without retries."""

    hard.enqueue()
    once.enqueue()
    job = json.loads(raw.lindex("queue:low", 0))
    expected = {
        "retry": 5,
        "retry_for": 3600,
        "retry_queue": "slow",
        "tags": ["a", "b"],
        "backtrace": 20,
        "dead": False,
    }
    assert {name: job[name] for name in expected} == expected
    assert (job["display_class"], job["log_level"].lower()) == ("Hard", "debug")
    assert json.loads(raw.lindex("queue:default", 0))["retry"] is False


def test_an_entry_of_the_schedule_has_its_time_as_score_only(app: App, raw: redis.Redis) -> None:
    @app.job(name="HardJob")
    def hard() -> None:
        """Later."""

    due = time.time() + 3600.125
    hard.using(at=due).enqueue()
    entry, score = only(raw, "schedule")
    assert score == due
    assert sorted(entry) == ["args", "class", "created_at", "jid", "queue", "retry"]
    assert raw.keys("queue*") == []


# -- failures ------------------------------------------------------------------------------------------------------


def test_a_failure_is_kept_in_the_fields_of_ruby_and_nothing_is_lost(
    app: App, start_worker: Start, raw: redis.Redis
) -> None:
    @app.job(name="HardJob", retry=Retry(delay=0.05, max=3))
    def hard(name: str, count: int) -> None:
        raise ValueError("no: " + "ü" * 20_000)

    start_worker(app)
    unknown = {
        "bid": "7Gcq", "cattr": {"deep": [{"a": None}]}, "locale": "de", "wrapped": "RealJob", "x_trace": "00-ab",
        "profile": "token", "big": 12345678901234567890, "price": 1.5, "tags": ["ä/b"],
    }  # fmt: skip
    job = push(raw, **unknown, retry=1, backtrace=True, retry_queue="critical")
    until(lambda: raw.zcard("dead"), what="its two attempts are over")
    entry, score = only(raw, "dead")
    assert abs(score - time.time()) < 60
    assert {name: entry[name] for name in unknown} == unknown
    assert (entry["jid"], entry["args"], entry["created_at"]) == (job["jid"], job["args"], job["created_at"])
    assert (entry["queue"], entry["retry_count"]) == ("critical", 1)
    assert is_near(entry["failed_at"])
    assert is_near(entry["retried_at"])
    assert entry["failed_at"] < entry["retried_at"]
    assert is_near(entry["enqueued_at"])
    assert len(entry["error_message"]) == 10_000
    lines = json.loads(zlib.decompress(base64.b64decode(entry["error_backtrace"], validate=True)))
    assert any("hard" in line for line in lines)
    assert raw.zcard("retry") == 0


def test_the_first_failure_has_a_count_of_zero_and_rubys_delay(app: App, start_worker: Start, raw: redis.Redis) -> None:
    @app.job(name="HardJob")
    def hard(name: str, count: int) -> None:
        raise KeyError("boom")

    start_worker(app)
    job = push(raw)
    until(lambda: raw.zcard("retry"))
    entry, score = only(raw, "retry")
    added = {"error_message": "'boom'", "error_class": "KeyError", "retry_count": 0, "failed_at": entry["failed_at"]}
    assert entry == {**job, **added}
    assert is_near(entry["failed_at"])
    assert 15 - 5 < score - time.time() < 15 + 10


@pytest.mark.parametrize("fields", [{"retry": False}, {"retry": 0, "dead": False}], ids=["no-retry", "not-kept"])
def test_what_ruby_does_not_keep_is_not_kept(
    fields: dict[str, Any], app: App, start_worker: Start, raw: redis.Redis
) -> None:
    died = threading.Event()
    app.on("death")(lambda record, error: died.set())

    @app.job(name="HardJob")
    def hard(name: str, count: int) -> None:
        raise KeyError("boom")

    start_worker(app)
    push(raw, **fields)
    assert died.wait(10)
    until(lambda: not raw.keys("inflight:*"))
    assert (raw.zcard("dead"), raw.zcard("retry")) == (0, 0)


def test_a_snoozed_job_keeps_what_it_does_not_know(app: App, start_worker: Start, raw: redis.Redis) -> None:
    @app.job(name="HardJob")
    def hard(name: str, count: int) -> Snooze:
        return Snooze(3600)

    start_worker(app)
    job = push(raw, cattr={"user": 7})
    until(lambda: raw.zcard("schedule"))
    entry, score = only(raw, "schedule")
    del job["enqueued_at"]
    assert entry == job
    assert abs(score - time.time() - 3600) < 60


# -- what its pages show -------------------------------------------------------------------------------------------


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
