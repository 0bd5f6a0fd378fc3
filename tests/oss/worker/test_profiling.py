"""A job that asks for it is profiled, whether it ends well or fails; others never pay, and none fails because of it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App, Retry, Snooze
from offsider.errors import InvalidName, RedisRefused
from offsider.metrics.profiles import Profile, Profiles
from offsider.worker.worker import Worker
from support.waiting import until

pytest.importorskip("pyinstrument")

Start = Callable[..., Worker]


def spin() -> int:
    """Enough for a few looks at the stack."""
    return sum(number * number for number in range(600_000))


def only(app: App) -> Profile:
    """The one profile there is, with its data."""
    until(lambda: app.profiles.all(), what="a profile")
    (listed,) = app.profiles.all()
    found = app.profiles.get(listed.name)
    assert found is not None
    return found


@pytest.mark.parametrize("style", ["def", "async def"])
def test_the_run_that_asks_for_it_is_profiled(style: str, app: App, start_worker: Start) -> None:
    async def aslow() -> None:
        spin()

    job = app.job(name="shop.slow", queue="mail")(spin if style == "def" else aslow)
    job.enqueue()
    jid = job.using(profile="why-so-slow").enqueue()
    start_worker(app, queues=["mail"])
    profile = only(app)
    assert (profile.name, profile.job, profile.queue, profile.failed) == (f"why-so-slow-{jid}", "shop.slow", "mail", "")
    assert profile.elapsed_s > 0
    assert "spin" in profile.text()
    assert "<html" in profile.html().lower()
    assert json.loads(profile.speedscope())["profiles"]
    assert json.loads(profile.json())["sample_count"] > 0


@pytest.mark.parametrize("style", ["def", "async def"])
def test_a_failed_run_has_its_profile_too(style: str, app: App, start_worker: Start) -> None:
    def bad() -> None:
        spin()
        raise ValueError("no")

    async def abad() -> None:
        bad()

    app.job(name="bad", retry=Retry(max=1, delay=3600), profile="mine")(bad if style == "def" else abad).enqueue()
    start_worker(app)
    profile = only(app)
    assert (profile.token, profile.failed) == ("mine", "ValueError")
    until(lambda: app.metrics.top().rows and app.metrics.top().rows[0].failed == 1)


def test_two_runs_at_once_have_a_profile_each(app: App, start_worker: Start) -> None:
    both = threading.Barrier(2)

    @app.job(name="slow", profile="a")
    def slow() -> None:
        both.wait(10)
        spin()

    slow.enqueue_many([()] * 2)
    start_worker(app)
    until(lambda: len(app.profiles.all()) == 2)


def test_a_result_that_says_later_is_passed_on(app: App, start_worker: Start, raw: Any) -> None:
    @app.job(name="later", profile="a")
    def later() -> Snooze:
        return Snooze(3600)

    later.enqueue()
    start_worker(app)
    until(lambda: raw.zcard(app.keys.schedule))


@pytest.mark.parametrize("token", ["", "a b", 7, "x" * 200])
def test_a_token_is_a_name(token: Any, app: App) -> None:
    with pytest.raises(InvalidName, match="profile's token"):
        app.job(name="a", profile=token)(spin)


def test_a_token_that_is_none_in_a_payload_costs_the_profile_only(
    app: App, start_worker: Start, raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[int] = []
    app.job(name="a")(lambda: ran.append(1))
    for token in ("not a name", ["x"], None):
        record = {"class": "a", "args": [], "jid": "b4", "queue": "default", "retry": True, "profile": token}
        raw.lpush(app.keys.queue("default"), json.dumps(record))
    start_worker(app)
    until(lambda: len(ran) == 3)
    assert "asks for a profile, and gets none" in caplog.text
    assert app.profiles.all() == []


def test_without_the_profiler_the_job_runs_and_the_log_says_what_to_install(
    app: App, start_worker: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "pyinstrument", None)
    ran = threading.Event()
    app.job(name="a", profile="mine")(lambda: ran.set()).enqueue()
    start_worker(app)
    assert ran.wait(10)
    assert "pip install 'offsider[profile]'" in caplog.text


def test_a_profile_that_cannot_be_kept_fails_no_job(
    app: App, start_worker: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: Profiles, profile: Profile) -> None:
        raise RedisRefused("full")

    monkeypatch.setattr(Profiles, "keep", refuse)
    app.job(name="a", profile="mine")(spin).enqueue()
    start_worker(app)
    until(lambda: app.metrics.top().rows)
    assert app.metrics.top().rows[0].failed == 0
    assert "could not be kept; the job goes on" in caplog.text
