"""The dead set by hand: looked at, and run again without using a retry."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from offsider import CONTEXT, App, Context, Retry
from offsider.errors import InvalidOption
from offsider.worker.worker import Worker
from support.waiting import until

Start = Callable[..., Worker]


def die(app: App, start_worker: Start, count: int = 1) -> list[str | None]:
    """Jobs that fail at their only attempt."""

    @app.job(name="explode", queue="mines", retry=Retry(max=0))
    def explode(number: int) -> None:
        raise ValueError(f"no. {number}")

    jids = explode.enqueue_many([(number,) for number in range(count)])
    worker = start_worker(app, queues=["mines"])
    until(lambda: len(app.dead) == count)
    worker.stop(1.0)
    return jids


def test_the_dead_are_listed_with_what_they_died_of_newest_first(app: App, start_worker: Start) -> None:
    jids = die(app, start_worker, 3)
    listed = app.dead.jobs()
    assert {job.jid for job in listed} == set(jids)
    assert [job.died_s for job in listed] == sorted((job.died_s for job in listed), reverse=True)
    assert {(job.name, job.queue) for job in listed} == {("explode", "mines")}
    assert {job.error for job in listed} == {f"ValueError: no. {number}" for number in range(3)}
    assert [job.jid for job in app.dead.jobs(count=1, skip=1)] == [listed[1].jid]


def test_a_retry_runs_the_job_again_and_uses_none_of_its_retries(
    app: App, make_app: Callable[..., App], start_worker: Start
) -> None:
    (jid,) = die(app, start_worker)
    assert jid is not None
    ran = threading.Event()
    attempts: list[int] = []
    mended = make_app()

    @mended.job(name="explode", queue="mines")
    def explode(number: int, ctx: Context = CONTEXT) -> None:
        attempts.append(ctx.attempt)
        ran.set()

    assert mended.dead.retry(jid)
    assert len(mended.dead) == 0
    start_worker(mended, queues=["mines"])
    assert ran.wait(10)
    assert attempts == [0], "as if the attempt it died of had not been"


def test_a_job_that_is_not_there_is_not_retried(app: App, start_worker: Start, raw: Any) -> None:
    (jid,) = die(app, start_worker)
    assert jid is not None
    assert not app.dead.retry("0" * 24)
    assert app.dead.retry(jid)
    assert not app.dead.retry(jid), "it has left the dead set"
    assert raw.llen(app.keys.queue("mines")) == 1


def test_what_is_no_job_is_passed_over(app: App, start_worker: Start, raw: Any) -> None:
    (jid,) = die(app, start_worker)
    assert jid is not None
    raw.zadd(app.keys.dead, {b"\xff not a job": 1.0})
    assert len(app.dead) == 2
    assert [job.jid for job in app.dead.jobs()] == [jid]
    assert app.dead.retry(jid)


def test_of_several_retries_at_once_one_moves_it(app: App, start_worker: Start, raw: Any) -> None:
    (jid,) = die(app, start_worker)
    assert jid is not None
    moved: list[bool] = []
    sets = [App(app.url, editions=[]) for _ in range(4)]
    threads = [threading.Thread(target=lambda one=one: moved.append(one.dead.retry(jid))) for one in sets]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    for one in sets:
        one.close()
    assert sorted(moved) == [False, False, False, True]
    assert raw.llen(app.keys.queue("mines")) == 1


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": 1001}, {"count": "5"}, {"skip": -1}])
def test_a_page_that_cannot_be_is_refused_with_its_value(app: App, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match=r"(count|skip) is .*: expected a whole number"):
        app.dead.jobs(**wrong)
