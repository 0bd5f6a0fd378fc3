"""What Redis keeps of resumable jobs: written under the owner's name, and kept until the end is known there."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from offsider import App
from offsider.contract.work import UnitOfWork
from offsider.errors import RedisUnavailable
from offsider.store.connection import Connections
from offsider.store.keys import Keys
from offsider.worker.cursors import KeptCursors
from offsider.worker.execution import Execution
from support.waiting import until

OWNER = "host:1:abc/default/1"
JID = "0123456789abcdef01234567"


@pytest.fixture
def kept(app: App) -> Iterator[KeptCursors]:
    """The way to Redis."""
    one = KeptCursors(app.connections, app.keys)
    yield one
    one.stop(1.0)


def execution(owner: str = OWNER) -> Execution:
    """A job in hand of a capsule whose fetcher has this name."""
    capsule: Any = SimpleNamespace(fetcher=SimpleNamespace(owner=owner))
    job: Any = SimpleNamespace(name="walk")
    return Execution(UnitOfWork("1:default", "default", b"{}"), {"jid": JID}, job, capsule, [], {})


def hold(app: App, raw: Any, owner: str = OWNER) -> None:
    """Put the job into an owner's hands."""
    raw.zadd(app.keys.owners, {owner: 1e15})
    raw.hset(app.keys.inflight(owner), "1:default", "{}")


def test_what_is_kept_is_read(app: App, raw: Any, kept: KeptCursors) -> None:
    assert kept.read(JID) == {}
    hold(app, raw)
    assert kept.keep(execution(), OWNER, {"c": '"é"', "ex": "1", "rt": "0.5"}, b"") == (True, False)
    assert kept.read(JID) == {"c": '"é"', "ex": "1", "rt": "0.5"}
    raw.hset(app.keys.cursor(JID), "cancelled", "1755432000")
    assert kept.keep(execution(), OWNER, {}, b"") == (True, True)
    assert kept.read(JID)["cancelled"] == "1755432000"


def test_who_does_not_hold_the_job_keeps_nothing(app: App, raw: Any, kept: KeptCursors) -> None:
    hold(app, raw)
    assert kept.keep(execution(), "host:2:abc/default/1", {"c": "7"}, b"") == (False, False)
    assert kept.read(JID) == {}


def test_one_connection_serves_one_body_after_the_other(app: App, raw: Any, kept: KeptCursors) -> None:
    for _ in range(5):
        kept.read(JID)
    assert len(kept._idle) == 1


def test_a_connection_that_is_gone_is_replaced(app: App, raw: Any, kept: KeptCursors) -> None:
    hold(app, raw)
    for number in range(3):
        raw.client_kill_filter(_type="normal", skipme=True)
        assert kept.keep(execution(), OWNER, {"c": str(number)}, b"") == (True, False)
        raw.client_kill_filter(_type="normal", skipme=True)
        assert kept.read(JID) == {"c": str(number)}


def test_an_outage_is_told_soon() -> None:
    kept = KeptCursors(Connections("redis://127.0.0.1:1"), Keys("shop"))
    with pytest.raises(RedisUnavailable):
        kept.read(JID)
    kept.stop(1.0)


def test_nothing_runs_until_there_is_something_to_forget(app: App, raw: Any, kept: KeptCursors) -> None:
    kept.start()
    assert kept._thread is None
    raw.zadd(app.keys.owners, {OWNER: 1e15})
    raw.hset(app.keys.cursor(JID), "c", "7")
    kept.forget(execution())
    until(lambda: kept.read(JID) == {}, what="it is forgotten")


def test_a_job_in_flight_is_remembered_until_it_is_settled(app: App, raw: Any, kept: KeptCursors) -> None:
    hold(app, raw)
    raw.hset(app.keys.cursor(JID), "c", "7")
    kept.forget(execution())
    assert kept.tick() > 0
    assert kept.read(JID) == {"c": "7"}
    raw.hdel(app.keys.inflight(OWNER), "1:default")
    until(lambda: kept.read(JID) == {}, what="it is forgotten")


def test_the_same_lease_under_another_name_forgets(app: App, raw: Any, kept: KeptCursors) -> None:
    raw.zadd(app.keys.owners, {f"{OWNER}~2": 1e15})
    raw.hset(app.keys.cursor(JID), "c", "7")
    one: Any = execution(f"{OWNER}~1")
    kept._ended.append(_ended(one))
    one.capsule.fetcher.owner = f"{OWNER}~2"
    kept.tick()
    assert kept.read(JID) == {}


@pytest.mark.parametrize("case", ["lost", "another incarnation", "lease over"])
def test_a_job_that_may_run_elsewhere_is_not_forgotten(app: App, raw: Any, kept: KeptCursors, case: str) -> None:
    raw.hset(app.keys.cursor(JID), "c", "7")
    one: Any = execution()
    raw.zadd(app.keys.owners, {OWNER: 1 if case == "lease over" else 1e15})
    one.lost = case == "lost"
    kept.forget(one)
    if case == "another incarnation":
        kept.stop(1.0)
        raw.hset(app.keys.cursor(JID), "c", "7")
        kept._ended.append(_ended(one))
        one.capsule.fetcher.owner = "host:1:abc/default/2"
        raw.zadd(app.keys.owners, {"host:1:abc/default/2": 1e15})
    kept.tick()
    assert kept.read(JID) == {"c": "7"}
    assert not kept._ended


def _ended(one: Execution) -> Any:
    from offsider.worker.cursors import Ended

    return Ended(one.capsule, one.capsule.fetcher.owner, one.unit.field, one.jid)


def test_the_end_of_the_worker_forgets_what_it_may(app: App, raw: Any, kept: KeptCursors) -> None:
    raw.zadd(app.keys.owners, {OWNER: 1e15})
    raw.hset(app.keys.cursor(JID), "c", "7")
    kept._ended.append(_ended(execution()))
    kept.stop(1.0)
    kept.stop(1.0)
    assert not raw.exists(app.keys.cursor(JID))
