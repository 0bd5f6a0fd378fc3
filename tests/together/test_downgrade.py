"""An edition is taken away, and comes back: no job is lost, none runs without what it needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import redis

from offsider import App
from offsider.worker.worker import Worker
from offsider_pro import ProEdition
from support.waiting import until

Make = Callable[..., App]
Start = Callable[..., Worker]


def scheduled(raw: redis.Redis, app: App) -> list[dict[str, Any]]:
    """The jobs in the schedule."""
    found: Any = raw.zrange(app.keys.schedule, 0, -1)
    return [json.loads(payload) for payload in found]


def test_jobs_that_need_the_edition_wait_with_the_reason_and_run_once_it_is_back(
    make_app: Make, start_worker: Start, raw: redis.Redis
) -> None:
    ran: list[tuple[str, int]] = []
    with_it, without = make_app(editions=[ProEdition(license="evaluation")]), make_app(editions=[])

    @with_it.job(name="send")
    def send(number: int) -> None:
        ran.append(("with", number))

    @without.job(name="send")
    def send_without(number: int) -> None:
        ran.append(("without", number))

    urgent = [send.using(expires_in=600).enqueue(number) for number in (1, 2)]
    send.enqueue(3)
    worker = start_worker(without, concurrency=2)
    until(lambda: ran == [("without", 3)] and len(scheduled(raw, without)) == 2)
    held = scheduled(raw, without)
    assert {job["jid"] for job in held} == set(urgent)
    assert all("it needs the edition 'pro', which is not installed" in job["put_back"]["reason"] for job in held)
    assert "it needs the edition 'pro'" in str(without.why(str(urgent[0])))
    worker.stop()
    start_worker(with_it, concurrency=2)
    until(lambda: len(ran) == 3, 30)
    assert sorted(ran[1:]) == [("with", 1), ("with", 2)]
    until(lambda: not raw.exists(with_it.keys.schedule, with_it.keys.dead, with_it.keys.retry))
