"""Tasks of Celery as jobs: defined and called as before; what has no counterpart says what to write instead."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offsider import App, OptionSpec, Retry
from offsider.contract.edition import Edition
from offsider.errors import InvalidOption, UnknownOption
from offsider.integrations.celery import Tasks


@pytest.fixture
def tasks(app: App) -> Tasks:
    return Tasks(app)


def record(raw: Any, queue: str = "default") -> dict[str, Any]:
    """The newest job of a queue."""
    found: dict[str, Any] = json.loads(raw.lindex(f"{{offsider}}:queue:{queue}", 0))
    return found


def test_a_task_is_called_and_enqueued_as_before(tasks: Tasks, raw: Any) -> None:
    @tasks.task
    def add(a: int, b: int = 2) -> int:
        return a + b

    assert add(1) == 3
    sent = add.delay(1, b=5)
    assert (record(raw)["args"], record(raw)["jid"]) == ([1, 5], sent.id)
    assert (sent.task_id, str(sent)) == (sent.id, sent.id)
    add.apply_async((1,), {"b": 7}, queue="sums", retry=True, priority=None, ignore_result=True)
    assert record(raw, "sums")["args"] == [1, 7]
    assert add.enqueue_many([(1,), (2,)]), "it is a job as well"


def test_its_options_are_those_of_a_job(tasks: Tasks) -> None:
    @tasks.task(name="shop.charge", queue="money", acks_late=True, soft_time_limit=20, time_limit=30, rate_limit=None)
    def charge() -> None: ...

    options = charge.job.options
    assert (charge.job.name, options.queue, options.timeout_s) == ("shop.charge", "money", 20)
    assert options.retry == Retry(max=0), "Celery does not try again by itself"


@pytest.mark.parametrize(
    ("given", "retry"),
    [
        ({"autoretry_for": (OSError,)}, Retry(max=3, delay=180.0)),
        ({"autoretry_for": (OSError,), "max_retries": 7, "default_retry_delay": 5}, Retry(max=7, delay=5)),
        ({"autoretry_for": (OSError,), "max_retries": None}, Retry(max=25, delay=180.0)),
        ({"retry": Retry(max=9), "tags": ["vip"]}, Retry(max=9)),
    ],
)
def test_what_is_tried_again(tasks: Tasks, given: dict[str, Any], retry: Retry) -> None:
    assert tasks.task(**given)(lambda: None).job.options.retry == retry


def test_times_are_celerys(tasks: Tasks, raw: Any) -> None:
    task = tasks.task(name="later")(lambda: None)
    at = datetime(2040, 1, 1, tzinfo=UTC)
    for eta in (at, at.replace(tzinfo=None)):
        task.apply_async(eta=eta)
    task.apply_async(countdown=60)
    due = sorted(score for _member, score in raw.zrange("{offsider}:schedule", 0, -1, withscores=True))
    assert due[1:] == [at.timestamp()] * 2
    assert 50 < due[0] - time.time() <= 60


def test_expires_is_for_those_who_have_it(make_app: Any, raw: Any) -> None:
    class Expiry(Edition):
        name = "expiry"
        contract = 1

        def install(self, app: App) -> None:
            app.job_options.add("expires_in", OptionSpec("expires_in", self.name, self.seconds), by=self.name)

        def seconds(self, value: Any) -> float:
            return value.total_seconds() if isinstance(value, timedelta) else float(value)

    task = Tasks(make_app(editions=[Expiry()])).task(name="soon")(lambda: None)
    task.apply_async(expires=60)
    assert record(raw)["expires_in"] == 60
    task.apply_async(expires=datetime.now(UTC) + timedelta(seconds=30))
    assert 20 < record(raw)["expires_in"] <= 30
    with pytest.raises(UnknownOption, match="expires_in"):
        Tasks(make_app(editions=[])).task(name="never")(lambda: None).apply_async(expires=60)


def test_what_has_no_counterpart_says_what_to_write(tasks: Tasks) -> None:
    with pytest.raises(InvalidOption, match="bind=True has no counterpart here: take `ctx: Context = CONTEXT`"):
        tasks.task(bind=True)
    with pytest.raises(UnknownOption, match="Did you mean 'max_retries'"):
        tasks.task(max_retrys=3)
    task = tasks.task(name="task")(lambda: None)
    with pytest.raises(InvalidOption, match="priority=5 has no counterpart here: give urgent jobs a queue"):
        task.apply_async(priority=5)
    with pytest.raises(UnknownOption, match="'counddown'"):
        task.apply_async(counddown=5)
