"""What becomes of a failed job: the count, the window, the delay, and the fields that Sidekiq's pages read."""

from __future__ import annotations

import base64
import json
import time
import zlib
from random import Random
from typing import Any

import pytest

from offsider import Retry
from offsider.job.outcome import Kind, Outcome
from offsider.worker.retry import after_failure, compressed_traceback, error_name, error_text

JOB: dict[str, Any] = {"queue": "mail", "class": "job", "args": [1], "jid": "j1", "retry": True, "created_at": 1}


def boom(error: BaseException | None = None) -> BaseException:
    """An error with a traceback."""
    try:
        raise error or ValueError("boom")
    except BaseException as raised:
        return raised


def fail(record: dict[str, Any] | None = None, error: BaseException | None = None, **policy: Any) -> Outcome:
    retry = None if policy == {"retry": None} else Retry(**policy)
    return after_failure(dict(JOB, **(record or {})), boom(error), retry, rng=Random(7))


def record_of(outcome: Outcome) -> dict[str, Any]:
    assert outcome.record is not None
    return outcome.record


# -- fields ------------------------------------------------------------------------------------------------------


def test_the_first_failure_writes_sidekiqs_fields() -> None:
    before_ms = int(time.time() * 1000)
    record = record_of(fail())
    assert before_ms <= record.pop("failed_at") <= time.time() * 1000
    assert record == JOB | {"error_message": "boom", "error_class": "ValueError", "retry_count": 0}


def test_a_later_failure_counts_on_and_keeps_the_time_of_the_first() -> None:
    before_ms = int(time.time() * 1000)
    record = record_of(fail({"retry_count": 0, "failed_at": 1234, "error_message": "old", "error_class": "Old"}))
    assert before_ms <= record.pop("retried_at") <= time.time() * 1000
    assert record == JOB | {
        "error_message": "boom",
        "error_class": "ValueError",
        "retry_count": 1,
        "failed_at": 1234,
    }


@pytest.mark.parametrize(
    ("record", "queue"),
    [({}, "mail"), ({"retry_queue": "retries"}, "retries"), ({"queue": None}, "default")],
)
def test_the_next_attempt_has_the_retry_queue_or_the_jobs_own(record: dict[str, Any], queue: str) -> None:
    assert record_of(fail(record))["queue"] == queue


class Unreadable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("x" * 20_000), "x" * 10_000),
        (ValueError("é\ud800"), "é?"),
        (ValueError(), ""),
        (Unreadable(), "(the message of this Unreadable could not be read: RuntimeError)"),
        (KeyError("key"), "'key'"),
    ],
)
def test_the_message_is_bounded_valid_text_whatever_the_error_does(error: Exception, text: str) -> None:
    assert error_text(error) == text
    assert record_of(fail(error=error))["error_message"] == text


def test_an_errors_class_is_named_as_it_is_imported() -> None:
    assert error_name(ValueError()) == "ValueError"
    assert error_name(json.JSONDecodeError("m", "d", 0)) == "json.decoder.JSONDecodeError"
    assert error_name(Unreadable()).endswith("test_retry.Unreadable")


def lines_of(packed: str) -> list[str]:
    """As Sidekiq's pages unpack it."""
    lines: list[str] = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)))
    return lines


def test_a_traceback_is_kept_compressed_when_the_job_wants_it() -> None:
    assert "error_backtrace" not in record_of(fail())
    lines = lines_of(record_of(fail({"backtrace": True}))["error_backtrace"])
    assert lines[-1] == "ValueError: boom"
    assert any("raise error or ValueError" in line for line in lines)


def test_as_many_lines_of_a_traceback_are_kept_as_the_job_wants_the_innermost() -> None:
    every = lines_of(compressed_traceback(boom(), True))
    assert lines_of(record_of(fail({"backtrace": 2}))["error_backtrace"]) == every[-2:]


# -- how often -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retry", "count", "kind"),
    [
        (True, 23, Kind.RETRY),
        (True, 24, Kind.DEAD),
        (None, 24, Kind.DEAD),
        (3, 1, Kind.RETRY),
        (3, 2, Kind.DEAD),
        (1, None, Kind.RETRY),
        (0, None, Kind.DEAD),
        (False, None, Kind.DISCARDED),
    ],
)
def test_a_job_is_retried_as_often_as_its_record_says(retry: Any, count: int | None, kind: Kind) -> None:
    record: dict[str, Any] = {"retry": retry}
    if count is not None:
        record |= {"retry_count": count, "failed_at": 1}
    assert fail(record).kind is kind


def test_the_settings_say_how_often_a_job_is_retried_that_says_only_true() -> None:
    record = JOB | {"retry_count": 2, "failed_at": 1}
    assert after_failure(dict(record), boom(), Retry(), rng=Random(), retries=3).kind is Kind.DEAD
    assert after_failure(dict(record), boom(), Retry(), rng=Random(), retries=4).kind is Kind.RETRY


def test_twenty_five_retries_are_twenty_six_attempts() -> None:
    record = dict(JOB)
    attempts = 1
    while (outcome := after_failure(record, boom(), Retry(), rng=Random())).kind is Kind.RETRY:
        attempts += 1
    assert (attempts, outcome.kind, record["retry_count"]) == (26, Kind.DEAD, 25)


@pytest.mark.parametrize("in_seconds", [True, False], ids=["float seconds of version 7", "whole milliseconds"])
def test_a_window_is_measured_from_the_first_failure(in_seconds: bool) -> None:
    def failed_ago(seconds: float) -> float | int:
        return time.time() - seconds if in_seconds else round((time.time() - seconds) * 1000)

    policy = {"retry_for": 60, "retry_count": 500}
    assert fail(policy | {"failed_at": failed_ago(50)}).kind is Kind.RETRY
    assert fail(policy | {"failed_at": failed_ago(70)}).kind is Kind.DEAD
    assert fail({"retry_for": 60}).kind is Kind.RETRY


def test_a_job_that_is_not_to_be_kept_is_discarded_at_its_end() -> None:
    assert fail({"retry": 0, "dead": False}).kind is Kind.DISCARDED


class Narrow(ValueError):
    pass


@pytest.mark.parametrize(
    ("policy", "error", "kind"),
    [
        ({"skip": (ValueError,)}, Narrow("x"), Kind.DEAD),
        ({"skip": (ValueError,)}, KeyError("x"), Kind.RETRY),
        ({"discard": (ValueError,)}, Narrow("x"), Kind.DISCARDED),
        ({"discard": (ValueError,)}, KeyError("x"), Kind.RETRY),
        ({"discard": (Narrow,), "skip": (ValueError,)}, Narrow("x"), Kind.DISCARDED),
    ],
)
def test_some_errors_are_never_retried(policy: dict[str, Any], error: Exception, kind: Kind) -> None:
    assert fail(error=error, **policy).kind is kind


def test_a_job_that_is_known_by_its_record_only_is_retried_by_its_record() -> None:
    assert fail({"retry": 1}, retry=None).kind is Kind.RETRY
    assert fail({"retry": 0}, retry=None).kind is Kind.DEAD


# -- how long ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 10, 15, 20, 24])
def test_the_delay_is_sidekiqs_formula(count: int) -> None:
    record = {"retry": 100} | ({} if count == 0 else {"retry_count": count - 1, "failed_at": 1})
    delays = {after_failure(JOB | record, boom(), Retry(max=100), rng=Random(seed)).delay_s for seed in range(40)}
    base = count**4 + 15
    assert min(delays) >= base
    assert max(delays) <= base + 10 * (count + 1) - 1
    assert len(delays) > 5, "there is jitter"


@pytest.mark.parametrize("delay", [3, 0.5, lambda count, error: 3 if isinstance(error, ValueError) else 9])
def test_a_delay_of_the_jobs_own_is_exact(delay: Any) -> None:
    assert fail(delay=delay).delay_s == (0.5 if delay == 0.5 else 3.0)


def test_a_delay_of_the_jobs_own_knows_the_count_and_the_error() -> None:
    seen: list[tuple[int, BaseException]] = []

    def delay(count: int, error: BaseException) -> float:
        seen.append((count, error))
        return 1.0

    error = KeyError("x")
    fail({"retry_count": 4, "failed_at": 1}, error, delay=delay)
    assert seen == [(5, error)]


def broken(count: int, error: BaseException) -> float:
    raise RuntimeError("the delay itself is broken")


@pytest.mark.parametrize("delay", [lambda *_: None, lambda *_: 0, lambda *_: -5, broken])
def test_a_delay_that_is_none_is_the_formulas(delay: Any) -> None:
    assert 15 <= fail(delay=delay).delay_s < 25


@pytest.mark.parametrize("value", ["soon", float("nan"), float("inf"), object(), True])
def test_a_delay_function_that_returns_nonsense_gets_the_formulas(value: Any) -> None:
    outcome = fail(delay=lambda *_: value)
    assert outcome.kind is Kind.RETRY
    assert 1 <= outcome.delay_s < 25
