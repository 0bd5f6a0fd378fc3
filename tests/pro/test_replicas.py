"""``wait_replicas``: what has returned is on replicas, what has not says so, and the job is there in both cases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from offsider import App, EnqueueUncertain
from offsider.api.doctor import doctor
from offsider.contract.findings import OK, PROBLEM, UNKNOWN, WARNING, Finding
from offsider.errors import InvalidOption, TooFewCopies
from offsider_pro.replicas import wait_replicas
from support.replicated import Replicated
from support.spool import note, numbers
from support.waiting import until

Make = Callable[..., App]
HASTY = {"push_deadline_s": 0.3}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicated]:
    """A master and its replica, for all tests of this file that break neither."""
    one = Replicated(tmp_path_factory.mktemp("pair")).start()
    yield one
    one.stop()


@pytest.fixture
def app(pair: Replicated, make_pro: Make) -> Iterator[App]:
    """An app on the master, which is empty."""
    pair.replica.thaw()
    pair.master.empty()
    yield make_pro(pair.master.url)
    pair.replica.thaw()


@pytest.fixture
def own_pair(tmp_path: Path) -> Iterator[Replicated]:
    """A pair to be broken."""
    one = Replicated(tmp_path).start()
    yield one
    one.stop()


def test_what_has_returned_survives_the_loss_of_the_master(own_pair: Replicated, make_pro: Make) -> None:
    app = make_pro(own_pair.master.url)
    job = app.job(name="note", wait_replicas=1)(note)
    job.enqueue(1)
    job.enqueue_many([(2,), (3,)])
    later = job.using(delay=1000).enqueue(4)
    own_pair.fail_over()
    assert numbers(own_pair.replica) == [1, 2, 3]
    raw = own_pair.replica.client()
    assert json.loads(raw.zrange("{offsider}:schedule", 0, 0)[0])["jid"] == later  # type: ignore[index]
    raw.close()


def test_without_it_a_job_may_be_lost_with_a_master_that_was_cut_off_and_with_it_that_is_told(
    own_pair: Replicated, make_pro: Make
) -> None:
    job = make_pro(own_pair.master.url, redis=HASTY).job(name="note")(note)
    job.using(wait_replicas=1).enqueue(1)
    own_pair.cut()
    job.enqueue(2)
    with pytest.raises(TooFewCopies, match="0 of 1 replicas"):
        job.using(wait_replicas=1).enqueue(3)
    own_pair.fail_over()
    assert numbers(own_pair.replica) == [1]


def test_the_option_is_in_no_payload(app: App, pair: Replicated) -> None:
    app.job(name="note", wait_replicas=1)(note).enqueue(1)
    raw = pair.master.client()
    [payload] = raw.lrange("{offsider}:queue:default", 0, -1)  # type: ignore[misc]
    assert b"wait_replicas" not in payload
    raw.close()


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_too_few_replicas_are_told_in_time_and_the_job_is_there_once(
    app: App, pair: Replicated, make_pro: Make, is_async: bool
) -> None:
    hasty = make_pro(pair.master.url, redis=HASTY)
    job = hasty.job(name="note", wait_replicas=1)(note)
    pair.replica.freeze()

    async def alater() -> None:
        try:
            await job.aenqueue_many([(1,), (2,)], batch_size=1)
        finally:
            await hasty.leave_loop()

    with pytest.raises(
        TooFewCopies, match=r"0 of 1 replicas had it after 0\.3 s: .* Do not enqueue it again"
    ) as caught:
        asyncio.run(alater()) if is_async else job.enqueue_many([(1,), (2,)], batch_size=1)
    error = caught.value
    assert (error.wanted, error.found, error.before) == (1, 0, [])
    assert error.jids[0] in str(error)
    assert numbers(pair.master) == [1]


def test_more_replicas_than_there_are_are_too_few(app: App, pair: Replicated, make_pro: Make) -> None:
    job = make_pro(pair.master.url, redis=HASTY).job(name="note")(note)
    job.using(wait_replicas=1).enqueue(1)
    with pytest.raises(TooFewCopies, match="1 of 2 replicas"):
        job.using(wait_replicas=2).enqueue(2)
    with pytest.raises(TooFewCopies, match="the trip of 3 jobs from"):
        job.using(wait_replicas=2).enqueue_many([(3,), (4,), (5,)])
    assert numbers(pair.master) == [1, 2, 3, 4, 5]


def test_one_call_may_do_without(app: App, pair: Replicated) -> None:
    job = app.job(name="note", wait_replicas=2)(note)
    assert job.using(wait_replicas=None).enqueue(1)
    assert numbers(pair.master) == [1]


def test_a_push_that_waits_for_replicas_is_not_kept_on_this_machine(make_pro: Make, tmp_path: Path) -> None:
    app = make_pro("redis://127.0.0.1:1/0", redis=HASTY, pro={"spool": {"folder": str(tmp_path / "spool")}})
    with pytest.raises(EnqueueUncertain):
        app.job(name="note", wait_replicas=1)(note).enqueue(1)
    assert not (tmp_path / "spool").exists()


def test_shards_wait_each_for_its_own(app: App, pair: Replicated, make_pro: Make, redis_url: str) -> None:
    shards = {"alone": {"url": redis_url, "queues": ["alone"]}}
    both = make_pro(pair.master.url, redis=HASTY, shards=shards)
    job = both.job(name="note", wait_replicas=1)(note)
    assert job.enqueue(1)
    with pytest.raises(TooFewCopies, match="0 of 1 replicas"):
        job.using(queue="alone").enqueue_many([(2,)])
    with pytest.raises(TooFewCopies, match="0 of 1 replicas"):
        job.using(queue="alone").enqueue(3)
    assert numbers(pair.master) == [1]


@pytest.mark.parametrize("value", [-1, 1.5, "1", True, 101])
def test_a_bad_number_is_refused_where_it_is_written(value: Any) -> None:
    with pytest.raises(InvalidOption, match="expected a whole number of replicas"):
        wait_replicas(value)


# -- the doctor --------------------------------------------------------------------------------------------------


def found(app: App) -> dict[str, Finding]:
    return {one.name: one for one in doctor(app).findings if one.name in ("replicas", "min-replicas")}


def test_replicas_and_what_a_cut_off_master_does_are_told(app: App, pair: Replicated) -> None:
    raw = pair.master.client()
    findings = found(app)
    assert findings["replicas"].level == OK
    assert findings["replicas"].value.startswith("1 replicas; the last one is ")
    assert findings["min-replicas"].level == WARNING
    raw.config_set("min-replicas-to-write", 1)
    try:
        assert found(app)["min-replicas"].level == OK
    finally:
        raw.config_set("min-replicas-to-write", 0)
        raw.close()


def test_a_server_without_replicas_is_a_problem_only_for_jobs_that_wait_for_them(make_pro: Make) -> None:
    app = make_pro()
    assert found(app)["replicas"].level == OK
    app.job(name="note", wait_replicas=2)(note)
    finding = found(app)["replicas"]
    assert finding.level == PROBLEM
    assert finding.value == "0 replicas are connected, and jobs wait for up to 2: note"


def test_a_replica_that_is_silent_is_warned_of(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offsider_pro.replicas.LATE_S", 0)
    finding = found(app)["replicas"]
    assert finding.level == WARNING
    assert "What they lack is lost when they take over" in finding.advice


def test_what_the_server_does_not_tell_is_unknown(app: App, pair: Replicated, make_pro: Make) -> None:
    raw: Any = pair.master.client()
    raw.execute_command("ACL", "SETUSER", "shop", "on", ">secret", "~*", "+@all", "-config")
    try:
        shop = make_pro(pair.master.url.replace("redis://", "redis://shop:secret@"))
        until(lambda: found(shop)["min-replicas"].level == UNKNOWN, 5)
    finally:
        raw.execute_command("ACL", "DELUSER", "shop")
        raw.close()
