"""Pauses: nothing starts while one lasts, everything does after it, and whoever asks is told by whom and why."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.errors import EditionError, InvalidName, InvalidOption, NotJson
from offsider.worker.worker import Worker
from offsider_pro import pause
from offsider_pro.pause import Pauses
from support.bench import Bench
from support.waiting import until


@pytest.fixture
def pauses(pro: App) -> Pauses:
    return Pauses(pro)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers look ten times a second, and a pause of a class that ends shows as soon."""
    monkeypatch.setattr("offsider_pro.pause_service.EVERY_S", 0.1)
    monkeypatch.setattr(pause, "RELEASE_S", 0.3)


class Runs:
    """What has run, of two queues."""

    def __init__(self, app: App) -> None:
        self.seen: list[str] = []
        self.app = app
        app.job(name="mail", queue="mail")(lambda what="x", locale="en": self.seen.append(f"mail {what}"))
        app.job(name="low", queue="low")(lambda what: self.seen.append(f"low {what}"))

    def beat(self, number: int) -> None:
        """A job of the other queue goes through, and with it what could have gone before it."""
        self.app.jobs["low"].enqueue(number)
        until(lambda: f"low {number}" in self.seen, what="the other queue goes on")


@pytest.fixture
def runs(pro: App) -> Runs:
    return Runs(pro)


# -- queues ------------------------------------------------------------------------------------------------


def test_a_paused_queue_rests_while_others_go_on_and_starts_again_at_once(
    pro: App, raw: Any, runs: Runs, pauses: Pauses, start_worker: Callable[..., Worker]
) -> None:
    pauses.pause("mail", reason="the provider is down")
    pro.jobs["mail"].enqueue("a")
    pro.jobs["mail"].using(delay=0.2).enqueue("b")
    start_worker(pro, queues=["mail", "low"])
    until(lambda: raw.llen(pro.keys.queue("mail")) == 2, what="scheduled jobs come in")
    for number in range(5):
        runs.beat(number)
    assert not [one for one in runs.seen if one.startswith("mail")]
    resumed_s = time.monotonic()
    assert pauses.resume("mail")
    until(lambda: {"mail a", "mail b"} <= set(runs.seen), what="what has waited is run")
    assert time.monotonic() - resumed_s < 3


def test_a_running_worker_hears_of_a_pause_and_jobs_that_run_end(
    pro: App, raw: Any, pauses: Pauses, start_worker: Callable[..., Worker]
) -> None:
    began, go, seen = threading.Event(), threading.Event(), []

    @pro.job(name="slow", queue="mail")
    def slow(what: str) -> None:
        began.set()
        go.wait(20)
        seen.append(what)

    slow.enqueue("first")
    worker = start_worker(pro, queues=["mail"], concurrency=5)
    assert began.wait(10)
    pauses.pause("mail")
    until(lambda: worker.held_queues is not None and worker.held_queues(["mail"]), what="the worker knows")
    slow.enqueue("second")
    go.set()
    until(lambda: seen == ["first"], what="the one that ran has ended")
    until(lambda: not raw.keys("*inflight*"), what="and is acknowledged")
    assert raw.llen(pro.keys.queue("mail")) == 1
    pauses.resume("mail")
    until(lambda: seen == ["first", "second"])


def test_a_worker_whose_queues_are_all_paused_waits_and_asks_seldom(
    pro: App, raw: Any, pauses: Pauses, start_worker: Callable[..., Worker]
) -> None:
    pauses.pause("mail")
    pro.job(name="mail", queue="mail")(lambda: None)
    pro.jobs["mail"].enqueue()
    start_worker(pro, queues=["mail"])
    raw.config_resetstat()
    threading.Event().wait(1.0)
    calls = sum(one["calls"] for name, one in raw.info("commandstats").items() if "evalsha" in name)
    assert calls < 60, "ten looks, beats and waits; no spinning"
    assert raw.llen(pro.keys.queue("mail")) == 1


def test_a_pause_outlives_the_worker(
    pro: App, raw: Any, runs: Runs, pauses: Pauses, start_worker: Callable[..., Worker]
) -> None:
    pauses.pause("mail")
    start_worker(pro, queues=["mail", "low"]).stop()
    pro.jobs["mail"].enqueue()
    start_worker(pro, queues=["mail", "low"])
    runs.beat(1)
    assert raw.llen(pro.keys.queue("mail")) == 1


def test_the_set_is_the_one_that_sidekiq_writes_and_reads(
    make_pro: Callable[..., App], raw: Any, start_worker: Callable[..., Worker]
) -> None:
    app = make_pro(namespace="")
    runs = Runs(app)
    raw.sadd("paused", "mail")
    app.jobs["mail"].enqueue()
    start_worker(app, queues=["mail", "low"])
    runs.beat(1)
    assert raw.llen("queue:mail") == 1
    (found,) = Pauses(app).all()
    assert (found.name, found.by, found.at_s) == ("mail", "", None)
    Pauses(app).pause("low")
    assert raw.smembers("paused") == {b"mail", b"low"}


def test_who_has_paused_what_when_and_why_is_told(pro: App, raw: Any, pauses: Pauses) -> None:
    made = pauses.pause("mail", reason="the provider is down", by="ann")
    (found,) = pauses.all()
    assert found == made
    assert (found.kind, found.name, found.by, found.reason) == ("queue", "mail", "ann", "the provider is down")
    assert abs((found.at_s or 0) - time.time()) < 10
    again = pauses.pause("mail", reason="still")
    assert pauses.all() == [again]
    assert "@" in again.by
    assert pauses.resume("mail") is True
    assert pauses.resume("mail") is False
    assert pauses.all() == []
    assert not raw.exists(f"{pro.keys.prefix}pauses")


def test_wrong_names_and_texts_are_refused(pauses: Pauses) -> None:
    with pytest.raises(InvalidName):
        pauses.pause("no queue")
    with pytest.raises(InvalidName):
        pauses.resume("no queue")
    with pytest.raises(InvalidOption, match="at most 1000"):
        pauses.pause("mail", reason="x" * 1001)


def test_an_app_without_the_edition_is_told_so(make_app: Callable[..., App]) -> None:
    with pytest.raises(EditionError, match="'pro' is needed"):
        Pauses(make_app(editions=[]))


def test_a_full_redis_can_be_resumed(raw: Any, pauses: Pauses) -> None:
    pauses.pause("mail")
    raw.config_set("maxmemory", 1)
    try:
        assert pauses.resume("mail")
    finally:
        raw.config_set("maxmemory", 0)


# -- classes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_paused_class_is_held_and_runs_after_it(pro: App, raw: Any, pauses: Pauses, bench: Bench, kind: str) -> None:
    seen: list[str] = []

    async def welcome(what: str) -> None:
        seen.append(what)

    pro.job(name="welcome")((lambda what: seen.append(what)) if kind == "sync" else welcome)
    pro.job(name="other")(lambda what: seen.append(what))
    pauses.pause_class("welcome", reason="a bug in it", by="ann")
    pro.jobs["welcome"].enqueue("paused")
    pro.jobs["other"].enqueue("other")
    failed: list[str] = []
    pro.on("error")(lambda record, error: failed.append(record["class"]))
    bench.run()
    assert seen == ["other"]
    assert failed == []
    note = bench.record("schedule")["put_back"]
    assert note["held"] is True
    assert "jobs 'welcome' are paused" in note["reason"]
    assert note["reason"].endswith("by ann: a bug in it")
    assert "retry_count" not in bench.record("schedule")
    assert bench.due_in_s("schedule") > 30
    assert pauses.resume_class("welcome")
    until(lambda: seen == ["other", "paused"], what="it need not wait for the whole minute")
    assert pauses.all() == []


def test_jobs_that_were_held_keep_their_order(pro: App, pauses: Pauses, bench: Bench) -> None:
    seen: list[int] = []
    pro.job(name="welcome")(lambda number: seen.append(number))
    pauses.pause_class("welcome")
    pro.jobs["welcome"].enqueue_many([(number,) for number in range(50)])
    bench.run(concurrency=1)
    assert seen == []
    pauses.resume_class("welcome")
    until(lambda: len(seen) == 50)
    assert seen == sorted(seen)


def test_each_of_many_that_were_held_is_released_once(
    pro: App, raw: Any, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are released lie before the next steps of it, which leave them where they are."""
    monkeypatch.setattr(pause, "PAGE", 10)
    pro.job(name="welcome")(lambda number: None)
    began_s = time.time() + 1
    held = {
        json.dumps({"class": "welcome", "args": [n], "jid": f"j{n}", "put_back": {"reason": "jobs 'welcome' are"}}): n
        for n in range(500)
    }
    raw.zadd(pro.keys.schedule, {member: began_s + n / 1e5 + (10 if n >= 250 else 0) for member, n in held.items()})
    raw.config_resetstat()
    pauses.resume_class("welcome")
    assert raw.info("commandstats")["cmdstat_zadd"]["calls"] == 500
    assert [held[member.decode()] for member in raw.zrange(pro.keys.schedule, 0, -1)] == list(range(500))
    assert raw.zrange(pro.keys.schedule, -1, -1, withscores=True)[0][1] < time.time() + 0.31


def test_those_that_are_due_in_the_same_moment_are_all_released(
    pro: App, raw: Any, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pause, "PAGE", 10)
    pro.job(name="welcome")(lambda number: None)
    note, at_s = {"put_back": {"reason": "jobs 'welcome' are"}}, time.time() + 20
    held = [json.dumps({"class": "welcome", "args": [n], "jid": f"j{n}", **note}) for n in range(35)]
    others = [json.dumps({"class": "other", "args": [n], "jid": f"j{n}"}) for n in range(35)]
    raw.zadd(pro.keys.schedule, dict.fromkeys(held + others, at_s))
    pauses.resume_class("welcome")
    assert raw.zcount(pro.keys.schedule, "-inf", at_s - 1) == 35
    assert raw.zcount(pro.keys.schedule, at_s, at_s) == 35


def test_only_jobs_with_these_arguments_are_held(pro: App, pauses: Pauses, bench: Bench, raw: Any) -> None:
    seen: list[Any] = []

    @pro.job(name="welcome")
    def welcome(user: int, *, locale: str = "en", fast: Any = 0) -> None:
        seen.append((user, locale))

    pauses.pause_class("welcome", where={"locale": "de"})
    pauses.pause_class("welcome", where={"user": 7, "fast": True})
    for user in (1, 7):
        welcome.enqueue(user, locale="de")
        welcome.enqueue(user, locale="fr", fast=True)
        welcome.enqueue(user, fast=1)
        welcome.enqueue(user)
    bench.run()
    assert sorted(seen) == [(1, "en"), (1, "en"), (1, "fr"), (7, "en"), (7, "en")]
    assert raw.zcard(pro.keys.schedule) == 3
    assert pauses.resume_class("welcome", where={"locale": "es"}) is False
    assert pauses.resume_class("welcome", where={"locale": "de"}) is True
    until(lambda: len(seen) == 7)
    (left,) = pauses.all()
    assert left.where == {"user": 7, "fast": True}
    assert str(left) == 'jobs \'welcome\' with {"fast":true,"user":7}'


def test_a_class_or_argument_that_is_misspelt_is_an_error_with_the_right_one(pro: App, pauses: Pauses) -> None:
    pro.job(name="welcome")(lambda user: None)
    with pytest.raises(InvalidOption, match="Did you mean 'welcome'"):
        pauses.pause_class("welcom")
    with pytest.raises(InvalidOption, match="Did you mean 'user'"):
        pauses.pause_class("welcome", where={"usr": 1})
    with pytest.raises(NotJson):
        pauses.pause_class("welcome", where={"user": {1}})
    assert pauses.all() == []


def test_so_many_classes_and_no_more(pro: App, pauses: Pauses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pause, "MOST_CLASSES", 2)
    pro.job(name="welcome")(lambda user: None)
    for user in range(2):
        pauses.pause_class("welcome", where={"user": user})
    with pytest.raises(InvalidOption, match="paused already"):
        pauses.pause_class("welcome")


def test_bytes_of_others_are_passed_over(pro: App, raw: Any, pauses: Pauses, bench: Bench) -> None:
    raw.sadd(f"{pro.keys.prefix}paused", b"\xff", b"mail")
    raw.hset(f"{pro.keys.prefix}pauses", "mail", b"[")
    raw.hset(
        f"{pro.keys.prefix}job-pauses", mapping={b"\xff": b"", b"[]": b"1", b'["a",[]]': b"{}", b'["a",{}]': b"\xff"}
    )
    names = [(one.kind, one.name) for one in pauses.all()]
    assert names == [("queue", "mail"), ("queue", "\ufffd"), ("class", "a")]
    pro.job(name="b")(lambda: None)
    pro.jobs["b"].enqueue()
    bench.run()
    assert bench.places() == {}


def test_a_job_that_snoozed_by_itself_is_not_released(pro: App, raw: Any, pauses: Pauses) -> None:
    pro.job(name="welcome")(lambda: None)
    pro.jobs["welcome"].using(delay=1000).enqueue()
    pauses.pause_class("welcome")
    pauses.resume_class("welcome")
    ((member, due_s),) = raw.zrange(pro.keys.schedule, 0, -1, withscores=True)
    assert due_s > time.time() + 900
    assert "put_back" not in json.loads(member)
