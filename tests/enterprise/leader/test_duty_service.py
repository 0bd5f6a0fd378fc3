"""Duties: done on one process, again every so often, and on another one when the first has gone."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from offsider import App
from offsider.errors import InvalidOption, RedisUnavailable, SeamClosed
from offsider.worker.worker import Worker
from offsider_enterprise.leader import Duty, Term, leadership
from support.waiting import until


def test_a_duty_is_done_on_one_process_and_goes_on_where_the_next_leader_is(
    make_enterprise: Callable[..., App], start_worker: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offsider_enterprise.leader.duty_service.LOOK_EVERY_S", 0.05)
    done: list[tuple[str, int]] = []
    apps = [make_enterprise(enterprise={"leader_lease_s": 30.0}) for _ in range(2)]
    for app in apps:
        leadership(app).duties.add("sweep", Duty(lambda term: done.append((term.identity, term.number)), 1), by="shop")
    workers = {worker.identity: worker for worker in map(start_worker, apps)}
    until(lambda: len(done) >= 2, what="it is done again after a second")
    assert len(set(done)) == 1
    workers[done[0][0]].stop()
    until(lambda: len(set(done)) == 2, what="the other one does it")
    assert {number for _identity, number in done} == {1, 2}


def test_a_duty_that_fails_is_told_with_its_owner_and_the_others_go_on(
    enterprise: App,
    start_worker: Callable[..., Worker],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("offsider_enterprise.leader.duty_service.LOOK_EVERY_S", 0.05)
    done: list[Term] = []

    def broken(_term: Term) -> None:
        raise ValueError("no broom")

    def away(_term: Term) -> None:
        raise RedisUnavailable("Redis is away")

    duties = leadership(enterprise).duties
    duties.add("broken", Duty(broken, 60), by="shop")
    duties.add("away", Duty(away, 60), by="shop")
    duties.add("sweep", Duty(done.append, 60), by="shop")
    with caplog.at_level(logging.WARNING, "offsider"):
        start_worker(enterprise)
        until(lambda: done)
    assert "the leader's duty 'broken' of shop failed" in caplog.text
    assert "no broom" in caplog.text
    assert "the leader's duty 'away' of shop: Redis is away" in caplog.text
    with pytest.raises(SeamClosed):
        duties.add("late", Duty(done.append, 60), by="shop")


def test_a_duty_needs_a_second_at_least() -> None:
    with pytest.raises(InvalidOption, match=r"every_s is 0\.1: expected seconds, at least 1"):
        Duty(print, 0.1)
