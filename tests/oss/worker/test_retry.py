"""What becomes of a failed job: the formula, the limits, the policy, and the fields as Sidekiq writes them."""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import redis

from offsider import App, Retry
from offsider.job.outcome import Kind, Outcome
from offsider.job.record import dumps
from offsider.worker.retry import (
    MOST_ERROR_TEXT,
    after_failure,
    compressed_traceback,
    error_name,
    error_text,
    note_failure,
)
from offsider.worker.worker import Worker
from support.waiting import until

JID = "b4a577edbccf1d805744efa9"
HOUR_MS = 3_600_000


def job(**fields: Any) -> dict[str, Any]:
    """A record as it lies in a queue."""
    return {"retry": True, "queue": "default", "args": [], "class": "HardJob", "jid": JID, **fields}


def fail(
    error: BaseException | None = None, policy: Retry | None = None, *, retries: int = 25, **fields: Any
) -> Outcome:
    """The outcome of one failure."""
    return after_failure(job(**fields), error or ValueError("boom"), policy, rng=Random(1), retries=retries)


def delay(count: int, error: BaseException | None = None, policy: Retry | None = None) -> float:
    """The delay after failure number ``count`` (0 for the first)."""
    outcome = fail(error, policy, **({} if count == 0 else {"retry_count": count - 1, "failed_at": 1}))
    assert outcome.kind is Kind.RETRY
    return outcome.delay_s


def now_ms() -> int:
    return time.time_ns() // 1_000_000


# -- when ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "base_s", "jitter_s"),
    [(0, 15, 9), (1, 16, 19), (2, 31, 29), (3, 96, 39), (4, 271, 49), (10, 10_015, 109), (24, 331_791, 249)],
)
def test_the_default_delay_is_sidekiqs_formula(count: int, base_s: int, jitter_s: int) -> None:
    record: dict[str, Any] = {} if count == 0 else {"retry_count": count - 1, "failed_at": 1}
    delays = [after_failure(job(**record), ValueError("boom"), None, rng=Random(seed)).delay_s for seed in range(2000)]
    assert min(delays) == base_s
    assert max(delays) == base_s + jitter_s
    assert all(one == int(one) for one in delays)


def test_twenty_five_retries_take_about_twenty_days() -> None:
    assert sum(delay(count) for count in range(25)) / 86_400 == pytest.approx(20.4, abs=0.1)


def test_a_fixed_delay_of_the_jobs_own_is_taken() -> None:
    assert delay(0, policy=Retry(delay=7.5)) == 7.5
    assert delay(20, policy=Retry(delay=7.5)) == 7.5


def test_a_delay_function_gets_the_count_and_the_error() -> None:
    asked: list[tuple[int, BaseException]] = []
    error = OSError("down")

    def wait(count: int, failure: BaseException) -> float:
        asked.append((count, failure))
        return 100.0 + count

    policy = Retry(delay=wait)
    assert [delay(count, error, policy) for count in (0, 1, 5)] == [100.0, 101.0, 105.0]
    assert asked == [(0, error), (1, error), (5, error)]


@pytest.mark.parametrize("answer", [None, 0, -5.0])
def test_a_delay_function_without_an_answer_leaves_it_to_the_formula(answer: float | None) -> None:
    assert 15 <= delay(0, policy=Retry(delay=lambda _count, _error: answer)) < 25


def test_a_delay_function_that_fails_is_told_and_the_formula_is_used(caplog: pytest.LogCaptureFixture) -> None:
    def broken(count: int, error: BaseException) -> float:
        raise ZeroDivisionError("in the delay")

    assert 15 <= delay(0, OSError("down"), Retry(delay=broken)) < 25
    (record,) = caplog.records
    assert "the job's own retry delay failed for OSError; the default delay is used" in record.getMessage()
    assert record.exc_info is not None


@pytest.mark.parametrize(
    "answer", ["soon", float("nan"), float("inf"), 10**400, [1]], ids=["text", "nan", "inf", "huge", "list"]
)
def test_whatever_a_delay_function_answers_the_job_is_retried_at_a_finite_time(answer: Any) -> None:
    found = delay(0, policy=Retry(delay=lambda _count, _error: answer))
    assert 0 < found < 10**9


# -- how often -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retry", "retries", "most"), [(True, 25, 25), (True, 3, 3), (None, 3, 3), (8, 25, 8), (1, 25, 1)]
)
def test_the_last_retry_is_followed_by_death(retry: Any, retries: int, most: int) -> None:
    last = fail(retry=retry, retries=retries, retry_count=most - 2, failed_at=1) if most > 1 else fail(retry=retry)
    assert last.kind is Kind.RETRY
    over = fail(retry=retry, retries=retries, retry_count=most - 1, failed_at=1)
    assert over.kind is Kind.DEAD
    assert over.record is not None
    assert over.record["retry_count"] == most


def test_retry_0_dies_at_the_first_failure_and_is_kept() -> None:
    outcome = fail(retry=0)
    assert outcome.kind is Kind.DEAD
    assert outcome.record is not None
    assert (outcome.record["retry_count"], outcome.record["error_message"]) == (0, "boom")


def test_retry_false_is_not_retried_and_not_kept() -> None:
    assert fail(retry=False).kind is Kind.DISCARDED


def test_dead_false_is_retried_but_not_kept() -> None:
    assert fail(dead=False).kind is Kind.RETRY
    assert fail(dead=False, retry_count=24, failed_at=1).kind is Kind.DISCARDED


@pytest.mark.parametrize("failed_at", [lambda ms: ms, lambda ms: ms / 1000], ids=["milliseconds", "float seconds"])
def test_retry_for_counts_the_time_since_the_first_failure_and_no_attempts(
    failed_at: Callable[[int], float],
) -> None:
    within = fail(retry_for=3600, retry_count=500, failed_at=failed_at(now_ms() - HOUR_MS + 60_000))
    assert within.kind is Kind.RETRY
    over = fail(retry_for=3600, retry_count=1, failed_at=failed_at(now_ms() - HOUR_MS - 60_000))
    assert over.kind is Kind.DEAD
    assert fail(retry_for=3600).kind is Kind.RETRY, "the first failure is always within"


# -- the policy ----------------------------------------------------------------------------------------------------


def test_an_error_to_skip_dies_at_once_and_a_subclass_is_one() -> None:
    policy = Retry(skip=(LookupError,))
    assert fail(KeyError("x"), policy).kind is Kind.DEAD
    assert fail(ValueError("x"), policy).kind is Kind.RETRY
    assert fail(KeyError("x"), policy, dead=False).kind is Kind.DISCARDED


def test_an_error_to_discard_drops_the_job_before_anything_else_is_asked() -> None:
    policy = Retry(discard=(LookupError,), skip=(LookupError,))
    outcome = fail(KeyError("x"), policy)
    assert outcome.kind is Kind.DISCARDED
    assert isinstance(outcome.error, KeyError)
    assert outcome.record is not None
    assert outcome.record["error_class"] == "KeyError"


# -- the fields ----------------------------------------------------------------------------------------------------


def test_the_first_failure_adds_exactly_sidekiqs_fields() -> None:
    record, before = job(created_at=1755432000123, enqueued_at=1755432000124, mine=[1]), now_ms()
    kept = dict(record)
    note_failure(record, RuntimeError("boom"))
    added = {key: value for key, value in record.items() if key not in kept}
    failed_at = added.pop("failed_at")
    assert type(failed_at) is int
    assert before <= failed_at <= now_ms()
    assert added == {"error_message": "boom", "error_class": "RuntimeError", "retry_count": 0}
    assert {key: record[key] for key in kept} == kept


def test_a_later_failure_counts_and_keeps_the_time_of_the_first() -> None:
    record, before = job(failed_at=1755432001000, retry_count=0, error_message="old", error_class="Old"), now_ms()
    note_failure(record, KeyError("new"))
    assert before <= record.pop("retried_at") <= now_ms()
    assert record == job(failed_at=1755432001000, retry_count=1, error_message="'new'", error_class="KeyError")


def test_retries_go_to_their_own_queue_from_the_first_failure_on() -> None:
    record = job(queue="fast", retry_queue="slow")
    note_failure(record, ValueError())
    assert (record["queue"], record["retry_queue"]) == ("slow", "slow")
    without = job()
    del without["queue"]
    note_failure(without, ValueError())
    assert without["queue"] == "default"


def deep(levels: int) -> None:
    if levels == 0:
        raise ValueError("at the bottom")
    deep(levels - 1)


def caught(levels: int = 3) -> BaseException:
    try:
        deep(levels)
    except ValueError as error:
        return error
    raise AssertionError


def unpacked(text: str) -> list[str]:
    """What Sidekiq's pages read: strict base64, zlib, a JSON list of lines."""
    lines = json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
    assert isinstance(lines, list)
    return lines


def test_a_traceback_is_kept_only_when_it_is_asked_for() -> None:
    record = job()
    note_failure(record, caught())
    assert "error_backtrace" not in record
    record = job(backtrace=True)
    note_failure(record, caught())
    lines = unpacked(record["error_backtrace"])
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: at the bottom"
    assert sum("in deep" in line for line in lines) == 4
    assert "\n" not in record["error_backtrace"]


def test_a_number_keeps_so_many_of_the_innermost_lines() -> None:
    every = unpacked(compressed_traceback(caught(), True))
    assert unpacked(compressed_traceback(caught(), 3)) == every[-3:]
    assert unpacked(compressed_traceback(caught(), 10_000)) == every
    assert unpacked(compressed_traceback(ValueError("é\ud800"), True)), "also what is no UTF-8"


class Mute(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_that_cannot_be_read_says_that() -> None:
    assert error_text(Mute()) == "(the message of this Mute could not be read: RuntimeError)"
    record = job(backtrace=True)
    note_failure(record, Mute())
    assert unpacked(record["error_backtrace"])
    assert record["error_class"].endswith("test_retry.Mute")


def test_a_message_is_bounded_and_always_utf8() -> None:
    assert error_text(ValueError("ä" * 50_000)) == "ä" * MOST_ERROR_TEXT
    assert error_text(ValueError("a\ud800b")) == "a?b"
    assert error_text(ValueError()) == ""
    record = job()
    note_failure(record, ValueError("a\ud800\0\x1b" * 20_000))
    assert len(record["error_message"]) == MOST_ERROR_TEXT
    dumps(record)


def test_an_error_has_its_full_name_and_builtins_their_short_one() -> None:
    class Local(Exception):
        pass

    assert error_name(KeyError()) == "KeyError"
    assert error_name(json.JSONDecodeError("x", "y", 0)) == "json.decoder.JSONDecodeError"
    assert error_name(Local()).endswith("test_an_error_has_its_full_name_and_builtins_their_short_one.<locals>.Local")


# -- in a worker ---------------------------------------------------------------------------------------------------


def test_what_a_worker_writes_is_what_sidekiq_would_write(
    app: App, start_worker: Callable[..., Worker], raw: redis.Redis
) -> None:
    @app.job(name="HardJob", queue="default", retry=Retry(max=3, queue="slow"), backtrace=2)
    def hard(name: str, number: int) -> None:
        raise RuntimeError("boom")

    @app.job(name="LastJob", retry=0)
    def last() -> None:
        raise Mute

    @app.job(name="LostJob", retry=False)
    def lost() -> None:
        raise SystemExit(3)

    jid = hard.enqueue("bob", 1)
    last.enqueue()
    lost.enqueue()
    before_s = time.time()
    start_worker(app)
    until(lambda: raw.zcard("{offsider}:retry") and raw.zcard("{offsider}:dead"))
    until(lambda: not raw.keys("{offsider}:inflight:*"))
    ((member, score),) = raw.zrange("{offsider}:retry", 0, -1, withscores=True)  # type: ignore[misc]
    record = json.loads(member)
    times = [record.pop(name) for name in ("created_at", "enqueued_at", "failed_at")]
    assert all(type(one) is int for one in times)
    assert times == sorted(times)
    assert unpacked(record.pop("error_backtrace"))[-1] == "RuntimeError: boom"
    assert record == {
        "class": "HardJob",
        "args": ["bob", 1],
        "jid": jid,
        "queue": "slow",
        "retry": 3,
        "retry_queue": "slow",
        "backtrace": 2,
        "error_message": "boom",
        "error_class": "RuntimeError",
        "retry_count": 0,
    }
    assert 15 <= score - before_s < 40
    ((member, score),) = raw.zrange("{offsider}:dead", 0, -1, withscores=True)  # type: ignore[misc]
    assert json.loads(member)["class"] == "LastJob"
    assert abs(score - time.time()) < 15
    assert raw.zcard("{offsider}:quarantine") == 0
