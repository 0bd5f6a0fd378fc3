"""Dead processes are found within seconds, each with the cause of its death; the living are left alone."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offsider import App, clock
from offsider.errors import ProcessLost
from offsider.worker.fetch import Limits
from offsider.worker.worker import Worker
from offsider_pro.reliable.cause import Cause
from offsider_pro.reliable.deaths import Deaths
from offsider_pro.reliable.guard import Guard
from offsider_pro.reliable.guards import Guards
from offsider_pro.reliable.recovery import Contact, GuardedRecovery
from offsider_pro.reliable.suspects import Death
from support.bench import payload
from support.processes import Process
from support.waiting import until

from .conftest import ProDesk

Push = Callable[..., bytes]
PREFIX = "{offsider}:"
WITHIN_S = 5.0
GUARD_S = 2.0
HOG_S = 5
GONE = "gone:1:abcdefabcdef"


def guarded(process: Process) -> str:
    """The identity of a worker, once its companion speaks for it."""
    process.logs(" is guarded by process ")
    return process.identity


def _members(raw: Any) -> list[str]:
    return [one.decode() for one in raw.zrange(f"{PREFIX}guards", 0, -1)]


def cause_of(raw: Any, identity: str) -> str:
    """What is kept of a death."""
    until(lambda: raw.exists(f"{PREFIX}death:{identity}"), 20, "the death is known")
    return str(json.loads(raw.hget(f"{PREFIX}death:{identity}", "cause"))["text"])


def companion_of(process: Process) -> int:
    """The pid of a worker's companion: the one that has spoken for it last."""
    return int(re.findall(r" is guarded by process (\d+)", process.log)[-1])


def with_a_job(desk: ProDesk, push: Push, name: str, *args: object) -> Process:
    """A worker that is guarded, and runs this job."""
    worker = desk.worker("-c", "2")
    push(name, *args)
    guarded(worker)
    until(lambda: desk.said, 20)
    return worker


def end(pid: int) -> None:
    """SIGKILL to one process that this test has started, through its worker."""
    os.kill(pid, signal.SIGKILL)


# -- processes that die: this one looks for them, as every worker does ---------------------------------------------


def test_the_job_of_a_killed_worker_is_given_back_within_seconds_although_its_lease_is_a_minute(
    pro_desk: ProDesk, raw: Any, push: Push, recovery: GuardedRecovery
) -> None:
    victim = with_a_job(pro_desk, push, "hold", "a")
    recovery.start()
    before_s = time.monotonic()
    victim.kill()
    until(lambda: queued(raw), 20)
    assert time.monotonic() - before_s < WITHIN_S
    assert cause_of(raw, victim.identity) == "killed by SIGKILL"
    assert queued(raw)[0]["suspect"]["cause"] == "killed by SIGKILL"
    told = f"worker {victim.identity} is gone: killed by SIGKILL; its jobs are given back"
    until(lambda: told in victim.log, 20, "its companion outlives it, and says so")
    until(lambda: _members(raw) == [], 10)
    assert raw.hget(f"{PREFIX}death:{victim.identity}", "jobs") == b"1"


def test_a_worker_that_dies_together_with_its_companion_is_missed_within_seconds(
    pro_desk: ProDesk, raw: Any, push: Push, recovery: GuardedRecovery
) -> None:
    victim = with_a_job(pro_desk, push, "hold", "a")
    recovery.start()
    victim.tell("STOP")  # not to replace its companion
    before_s = time.monotonic()
    end(companion_of(victim))
    victim.kill()
    until(lambda: queued(raw), 20)
    assert time.monotonic() - before_s < GUARD_S + WITHIN_S
    assert cause_of(raw, victim.identity).startswith("not heard for ")


# -- processes that only seem to be dead --------------------------------------------------------------------------


def test_a_job_that_keeps_the_interpreter_to_itself_costs_nobody_anything(
    pro: App, pro_desk: ProDesk, raw: Any, push: Push, recovery: GuardedRecovery
) -> None:
    hogged = with_a_job(pro_desk, push, "hold", "a")
    recovery.start()
    push("hog", HOG_S)
    until(lambda: any(line.startswith("hog ends") for line in pro_desk.said), 40)
    pro_desk.touch("a")
    until(lambda: not raw.keys(f"{PREFIX}inflight:*"), 20)
    assert [line.split()[0] for line in pro_desk.said] == ["begin", "hog", "hog", "done"]
    assert Deaths(pro).latest() == []
    assert _members(raw) == [hogged.identity]
    assert "was lost" not in hogged.log


def test_a_frozen_worker_loses_its_jobs_and_what_it_says_later_changes_nothing(
    pro_desk: ProDesk, raw: Any, push: Push, recovery: GuardedRecovery
) -> None:
    frozen = with_a_job(pro_desk, push, "hold", "a")
    recovery.start()
    frozen.tell("STOP")
    until(lambda: queued(raw), 20)
    assert cause_of(raw, frozen.identity) == "frozen: it was stopped by a signal or a debugger"
    raw.rename(f"{PREFIX}queue:default", f"{PREFIX}queue:aside")
    pro_desk.touch("a")
    frozen.tell("CONT")
    until(lambda: raw.zscore(f"{PREFIX}owners", f"{frozen.identity}/default/2"), 20, "it begins anew")
    push("note", "later")
    until(lambda: any(line.startswith("note later") for line in pro_desk.said), 10)
    until(lambda: _members(raw) == [frozen.identity], 10, "it is guarded again")
    assert raw.llen(f"{PREFIX}queue:aside") == 1
    assert not raw.exists(f"{PREFIX}dead", f"{PREFIX}retry")


def test_a_companion_that_is_gone_is_replaced_and_its_worker_is_not_taken_for_dead(
    pro_desk: ProDesk, raw: Any, push: Push, recovery: GuardedRecovery
) -> None:
    worker = with_a_job(pro_desk, push, "hold", "a")
    recovery.start()
    first = companion_of(worker)
    end(first)
    worker.logs(" is guarded by process ", times=2)
    assert companion_of(worker) != first
    pro_desk.touch("a")
    until(lambda: f"done a {worker.pid}" in pro_desk.said, 10)
    assert not raw.exists(f"{PREFIX}deaths")
    assert queued(raw) == []


# -- without any trouble ---------------------------------------------------------------------------------------------


def test_a_worker_that_stops_in_order_leaves_no_guard_and_no_companion(
    make_pro: Callable[..., App], raw: Any, start_worker: Callable[..., Worker]
) -> None:
    worker = start_worker(make_pro(pro={"reliable_fetch": True}))
    guard = worker.services["pro.guard"]
    assert isinstance(guard, Guard)
    assert guard.pid is not None
    companion = Path(f"/proc/{guard.pid}")
    assert (_members(raw), companion.exists()) == ([worker.identity], True)
    worker.stop()
    assert (_members(raw), companion.exists()) == ([], False)
    assert not raw.exists(f"{PREFIX}deaths")


def test_without_the_setting_nobody_is_guarded(pro: App, raw: Any, start_worker: Callable[..., Worker]) -> None:
    worker = start_worker(pro)
    assert "pro.guard" not in worker.services
    assert _members(raw) == []


# -- who is taken for dead -----------------------------------------------------------------------------------------


class Clock:
    """A clock that stands until it is moved."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize("disturbance", ["beginning", "outage", "frozen", "held up", "slow", "stepped"])
def test_contact_holds_only_when_it_was_undisturbed_for_a_while(
    monkeypatch: pytest.MonkeyPatch, disturbance: str
) -> None:
    at = Clock()
    monkeypatch.setattr(clock, "monotonic_s", at)
    contact, step_ms = Contact(3.0, 1.0), 0

    def looks(times: int) -> list[bool]:
        found = []
        for _ in range(times):
            found.append(contact.holds(at(), round(at() * 1000) + step_ms))
            at.now_s += 1.0
        return found

    assert looks(5) == [False, False, False, True, True]
    if disturbance == "outage":
        contact.lost()
    elif disturbance == "frozen":
        at.now_s += 30
    elif disturbance == "held up":
        at.now_s += 1.6  # 2.6 s since the last look: longer than a companion's word that was said 0.5 s before that
        assert looks(2) == [False, True]
        return
    elif disturbance == "slow":
        assert not contact.holds(at() - 2, round(at() * 1000))
        at.now_s += 1.0
        assert looks(3) == [False, False, True]
        return
    elif disturbance == "stepped":
        step_ms = 86_400_000
    else:
        return
    assert looks(4) == [False, False, False, True]


@pytest.fixture
def told() -> list[tuple[dict[str, Any], Death]]:
    return []


@pytest.fixture
def recovery(pro: App, told: list[Any]) -> Any:
    made = GuardedRecovery(
        pro.connections,
        pro.keys,
        Limits(lease_s=60.0),
        recovered=lambda _owner, _count: None,
        died=lambda _record, _error: None,
        guard_s=GUARD_S,
        given=lambda record, death: told.append((record, death)),
    )
    yield made
    made.stop()


def hold(raw: Any, *payloads: bytes, owner: str = f"{GONE}/default/1") -> None:
    """An owner with a lease, and what it holds."""
    raw.zadd(f"{PREFIX}owners", {owner: time.time() * 1000 + 60_000})
    raw.hset(f"{PREFIX}inflight:{owner}", mapping={f"{k}:default": one for k, one in enumerate(payloads, 1)})


def queued(raw: Any) -> list[dict[str, Any]]:
    return [json.loads(one) for one in raw.lrange(f"{PREFIX}queue:default", 0, -1)]


def guards_of(app: App) -> Guards:
    return Guards(app.connections.wire("test", read_timeout_s=5.0), app.keys)


def test_the_jobs_of_one_that_was_seen_to_die_are_given_back_with_the_next_look(
    pro: App, raw: Any, recovery: GuardedRecovery, told: list[Any]
) -> None:
    hold(raw, payload("job", 1), payload("job", 2))
    hold(raw, payload("job", 3), owner=f"{GONE}/slow/4")
    hold(raw, payload("job", 4), owner="gone:1:abcdef/default/1")
    guards = guards_of(pro)
    guards.say(GONE, GUARD_S)
    assert guards.condemn(GONE, Cause.of_status(11), "death", alone=True) == 2
    recovery.tick()
    assert sorted(one["args"][0] for one in queued(raw)) == [1, 2, 3]
    assert {one["suspect"]["cause"] for one in queued(raw)} == {"killed by SIGSEGV"}
    assert all(one["suspect"]["process"] == GONE and "crashes" not in one for one in queued(raw))
    assert sorted((record["args"], str(death.cause)) for record, death in told) == [
        ([1], "killed by SIGSEGV"),
        ([2], "killed by SIGSEGV"),
        ([3], "killed by SIGSEGV"),
    ]
    assert raw.zrange(f"{PREFIX}owners", 0, -1) == [b"gone:1:abcdef/default/1"]
    assert _members(raw) == []


def test_one_that_is_not_heard_is_condemned_only_once_contact_holds(
    pro: App, raw: Any, recovery: GuardedRecovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(raw, payload("job", 1))
    raw.zadd(f"{PREFIX}guards", {GONE: time.time() * 1000 - 1})
    recovery.tick()
    assert queued(raw) == [], "it has just begun to look"
    monkeypatch.setattr(recovery._contact, "holds", lambda *_: True)
    recovery.tick()
    assert [one["args"] for one in queued(raw)] == [[1]]
    assert cause_of(raw, GONE).startswith("not heard for ")


def test_a_process_that_somebody_has_ended_makes_no_suspects(pro: App, raw: Any, recovery: GuardedRecovery) -> None:
    hold(raw, payload("job", 1))
    guards_of(pro).condemn(GONE, Cause.of_status(signal.SIGHUP), "death", alone=True)
    recovery.tick()
    assert queued(raw) == [json.loads(payload("job", 1))]


def test_who_says_in_the_last_moment_that_it_lives_keeps_its_jobs(pro: App, raw: Any) -> None:
    hold(raw, payload("job", 1))
    guards = guards_of(pro)
    raw.zadd(f"{PREFIX}guards", {GONE: time.time() * 1000 - 1})
    _now, found = guards.look(GUARD_S)
    assert [(one.identity, one.is_seen) for one in found] == [(GONE, False)]
    guards.say(GONE, GUARD_S)
    assert guards.condemn(GONE, Cause.of_silence(3), "silence", alone=None) == -1
    assert not raw.exists(f"{PREFIX}death:{GONE}")
    assert raw.zscore(f"{PREFIX}owners", f"{GONE}/default/1") > time.time() * 1000


def test_who_speaks_for_a_process_may_give_it_up_and_what_others_think_of_it_changes_nothing(
    pro: App, raw: Any
) -> None:
    hold(raw, payload("job", 1))
    guards = guards_of(pro)
    guards.say(GONE, GUARD_S)
    assert guards.condemn(GONE, Cause.of_stop(), "standstill", alone=True) == 1
    assert guards.condemn(GONE, Cause.of_silence(3), "silence", alone=None) == 1
    assert cause_of(raw, GONE) == str(Cause.of_stop())
    assert raw.zscore(f"{PREFIX}owners", f"{GONE}/default/1") == 1


def test_who_went_on_after_it_was_given_up_dies_of_another_cause_with_other_jobs(
    pro: App, raw: Any, recovery: GuardedRecovery
) -> None:
    hold(raw, payload("job", 1), payload("job", 2))
    guards = guards_of(pro)
    guards.say(GONE, GUARD_S)
    guards.condemn(GONE, Cause.of_stop(), "standstill", alone=True)
    recovery.tick()
    assert (cause_of(raw, GONE), raw.hget(f"{PREFIX}death:{GONE}", "jobs")) == (str(Cause.of_stop()), b"2")
    hold(raw, payload("job", 3), owner=f"{GONE}/default/2")
    raw.zadd(f"{PREFIX}guards", {GONE: 1})  # it has said once more that it lives, and nothing since
    assert guards.condemn(GONE, Cause.of_silence(3), "silence", alone=None) == 1
    recovery.tick()
    assert (cause_of(raw, GONE), raw.hget(f"{PREFIX}death:{GONE}", "jobs")) == (str(Cause.of_silence(3)), b"1")
    assert [one["suspect"]["cause"] for one in queued(raw) if one["args"] == [3]] == [str(Cause.of_silence(3))]


def test_a_lease_that_ends_without_a_guard_counts_as_in_the_free_edition(
    raw: Any, recovery: GuardedRecovery, told: list[Any]
) -> None:
    hold(raw, payload("job", 1), payload("job", 2, crashes=3))
    raw.zadd(f"{PREFIX}owners", {f"{GONE}/default/1": 1})
    assert recovery.recover(f"{GONE}/default/1") == 2
    (given,) = queued(raw)
    assert (given["crashes"], given["suspect"]["cause"]) == (1, "unknown")
    (dead,) = raw.zrange(f"{PREFIX}dead", 0, -1)
    assert json.loads(dead)["error_class"] == f"offsider.{ProcessLost.__name__}"
    assert len(told) == 2


def test_what_listens_may_fail_and_the_others_are_told(
    raw: Any, recovery: GuardedRecovery, told: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    def given(record: dict[str, Any], death: Death) -> None:
        told.append((record, death))
        raise RuntimeError("on purpose")

    recovery._given = given
    hold(raw, payload("job", 1), payload("job", 2))
    raw.zadd(f"{PREFIX}owners", {f"{GONE}/default/1": 1})
    recovery.recover(f"{GONE}/default/1")
    assert len(told) == 2
    assert caplog.text.count("what listens to jobs that are given back failed") == 2
