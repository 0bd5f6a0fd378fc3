"""Without a namespace everything lies in Redis where Ruby's Sidekiq expects it, in the form it expects it in."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import redis

from interop.ruby_jobs import JID, is_near, only, push, ruby_job
from offsider import CONTEXT, App, Context, Retry, Snooze
from offsider.worker.worker import Worker
from support.waiting import until

Make = Callable[..., App]
Start = Callable[..., Worker]


@pytest.fixture
def app(make_app: Make) -> App:
    """An app in Sidekiq's layout."""
    return make_app(namespace="", worker={"queues": ["default", "critical"], "tag": "shop", "labels": ["reliable"]})


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
