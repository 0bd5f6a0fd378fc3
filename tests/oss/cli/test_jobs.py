"""``offsider jobs``: what runs, and one job by its id, wherever it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App, Context
from offsider.worker.worker import Worker
from support.cli import offsider, told, told_json
from support.waiting import until

NOBODY = "0" * 24


@pytest.fixture
def running(shop: App, start_worker: Callable[..., Worker]) -> Iterator[str]:
    """A job that runs and has told how far it is; its id."""
    gate = threading.Event()

    @shop.job(name="slow", queue="mail")
    def slow(ctx: Context) -> None:
        ctx.progress(3, 10, "sending")
        gate.wait(20)

    start_worker(shop, queues=["mail"], concurrency=1)
    jid = slow.enqueue()
    until(lambda: [one.progress for one in shop.running] == [(3.0, 10.0, "sending")])
    yield str(jid)
    gate.set()


def failed(shop: App, start_worker: Callable[..., Worker]) -> str:
    """A job that waits for its retry."""
    worker = start_worker(shop, queues=["low"])
    jid = shop.jobs["fails"].enqueue(7)
    until(lambda: len(shop.retries) == 1)
    worker.stop(5)
    return str(jid)


# -- looking -----------------------------------------------------------------------------------------------------


def test_what_runs_is_listed_with_its_progress(shop: App, running: str) -> None:
    head, line = told("jobs").splitlines()
    assert head.split() == ["jid", "name", "queue", "for", "progress", "process"]
    assert line.split()[:3] == [running, "slow", "mail"]
    assert "3/10 sending" in line
    (found,) = told_json("jobs", "list")
    assert (found["jid"], found["progress"]) == (running, [3.0, 10.0, "sending"])


@pytest.mark.parametrize("score", ["inf", "-inf", "1795570454788"])
def test_a_time_that_no_calendar_has_is_shown_all_the_same(shop: App, raw: Any, score: str) -> None:
    odd = '{"class":"welcome","args":[],"jid":"j1","created_at":999999999999999}'
    raw.zadd(shop.keys.schedule, {odd: score})
    at = "1970-01-01" if score == "-inf" else "9999-12-31"
    assert f"at:         {at} " in told("jobs", "show", "j1")
    assert f"scheduled at {at}T" in offsider("why", "j1").stdout
    assert told("scheduled").splitlines()[1].split()[0] == "j1"


def test_nothing_runs(shop: App) -> None:
    assert told("jobs") == "nothing runs now\n"


def test_a_job_is_shown_where_it_is(shop: App, running: str) -> None:
    shop.jobs["welcome"].using(queue="later").enqueue(7, locale="de")
    jid = shop.jobs["welcome"].using(queue="later").enqueue(8)
    shown = dict(line.split(":", 1) for line in told("jobs", "show", str(jid)).splitlines())
    assert shown["place"].strip() == "queue"
    assert shown["position"].strip() == "2 of 2"
    assert (shown["arguments"].strip(), shown["tags"].strip()) == ("8", "vip")
    assert "progress:   3/10 sending" in told("jobs", "show", running)
    assert told_json("jobs", "show", running)["place"] == "in flight"


def test_a_failed_one_is_shown_with_its_error(shop: App, start_worker: Callable[..., Worker]) -> None:
    out = told("jobs", "show", failed(shop, start_worker))
    assert "place:      retry" in out
    assert "error:      ValueError: no paper\ufffdfor 7" in out
    assert "failures:   1" in out


def test_one_that_is_not_there_is_told(shop: App) -> None:
    result = offsider("jobs", "show", NOBODY)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is not in Redis" in result.stderr
    assert told_json("jobs", "show", NOBODY, code=1) is None


# -- acting ------------------------------------------------------------------------------------------------------


def test_one_that_waits_is_cancelled_and_deleted(shop: App) -> None:
    first, second = (str(shop.jobs["welcome"].enqueue(n)) for n in range(2))
    assert told("jobs", "cancel", first, "--yes") == f"{first} is removed from where it was: queue\n"
    assert told("jobs", "delete", second, "--yes") == f"{second} is deleted\n"
    assert shop.queues["mail"].size == 0
    assert told_json("jobs", "cancel", first, "--yes", code=1)["removed"] is False


def test_one_that_runs_is_asked_to_end_and_is_not_deleted(shop: App, running: str) -> None:
    result = offsider("jobs", "delete", running, "--yes")
    assert result.exit_code == 1
    assert "it is in 'in flight'" in result.stderr
    assert "cancel it instead" in result.stderr
    assert told_json("jobs", "cancel", running, "--yes")["requested"] is True


def test_a_failed_one_is_tried_again_now(shop: App, start_worker: Callable[..., Worker]) -> None:
    jid = failed(shop, start_worker)
    assert told("jobs", "retry", jid) == f"{jid} is enqueued\n"
    assert [one.jid for one in shop.queues["low"].jobs()] == [jid]
    assert told_json("jobs", "retry", jid, code=1) == {"jid": jid, "place": "queue", "enqueued": False}


def test_a_scheduled_one_gets_another_time_is_killed_and_run(shop: App, raw: Any) -> None:
    jid = str(shop.jobs["welcome"].using(delay=60).enqueue(1))
    assert told("jobs", "reschedule", jid, "--at", "3h") == f"{jid} is rescheduled\n"
    ((_member, score),) = raw.zrange("{offsider}:schedule", 0, -1, withscores=True)
    assert abs(score - time.time() - 10_800) < 30
    assert offsider("jobs", "retry", jid).exit_code == 1, "it has not failed"
    assert told("jobs", "kill", jid, "--yes") == f"{jid} is killed\n"
    assert told("jobs", "run", jid) == f"{jid} is enqueued\n"
    assert shop.queues["mail"].size == 1


@pytest.mark.parametrize("act", ["cancel", "delete", "kill"])
def test_what_ends_a_job_asks_first(act: str, shop: App) -> None:
    jid = str(shop.jobs["welcome"].using(delay=60).enqueue(1))
    result = offsider("jobs", act, jid)
    assert result.exit_code == 2
    assert jid in result.stderr
    assert len(shop.scheduled) == 1
