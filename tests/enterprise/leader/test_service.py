"""The election: one leader at a time, another one at once when it leaves, soon when it dies, a new term each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.errors import StoreError
from offsider.worker.worker import Worker
from offsider_enterprise.keys import EnterpriseKeys
from offsider_enterprise.leader import Leadership, Term, leadership
from offsider_enterprise.leader.service import LeaderService
from offsider_enterprise.scripts import load
from support.proxy import Act, Fault, FaultyProxy
from support.site import Visitor
from support.waiting import until

LONG = {"leader_lease_s": 30.0}  # where no lease is to end, however long a machine stands still
Make = Callable[..., App]
Start = Callable[..., Worker]


def leading(apps: list[App]) -> list[App]:
    """Those whose worker leads."""
    return [app for app in apps if leadership(app).leads]


def test_of_many_workers_one_leads_and_all_agree_on_who_it_is(make_enterprise: Make, start_worker: Start) -> None:
    apps = [make_enterprise(enterprise=LONG) for _ in range(3)]
    workers = [start_worker(app) for app in apps]
    until(lambda: len(leading(apps)) == 1, what="one leads")
    (leader,) = leading(apps)
    found = {app: leadership(app).current() for app in apps}
    assert {one.identity for one in found.values() if one} == {workers[apps.index(leader)].identity}
    assert len({one.number for one in found.values() if one}) == 1
    one = found[leader]
    assert one is not None
    assert abs(one.since_s - time.time()) < 20
    assert 0 < one.left_s <= 30


def test_a_term_begins_with_an_event_and_is_prolonged_without_one(
    make_enterprise: Make, start_worker: Start, raw: Any
) -> None:
    app = make_enterprise(enterprise={"leader_lease_s": 4.0})
    terms: list[Term] = []
    app.events.on("leader", terms.append)
    worker = start_worker(app)
    until(lambda: terms, what="the event")

    def ends_ms() -> int:
        return int(raw.hget(EnterpriseKeys(app.keys).leader, "until"))

    first_ms = ends_ms()
    until(lambda: ends_ms() > first_ms + 1000, what="it is prolonged")
    assert leadership(app).term is terms[0]
    assert [(term.identity, term.number) for term in terms] == [(worker.identity, 1)]
    worker.stop()
    assert not terms[0].holds
    assert leadership(app).current() is None


@pytest.mark.parametrize("leave", ["stop", "quiet"])
def test_who_leaves_hands_over_at_once(make_enterprise: Make, start_worker: Start, leave: str) -> None:
    apps = [make_enterprise(enterprise=LONG) for _ in range(2)]
    workers = [start_worker(app) for app in apps]
    until(lambda: len(leading(apps)) == 1)
    first = apps.index(leading(apps)[0])
    began_s = time.monotonic()
    getattr(workers[first], leave)()
    until(lambda: leading(apps) == [apps[1 - first]], what="the other one leads")
    assert time.monotonic() - began_s < 5, "and did not wait for the end of a lease of 30 s"
    one = leadership(apps[first]).current()
    assert one is not None
    assert one.number == 2


def test_a_bell_that_rings_while_nobody_listens_is_left_by_the_quiet_for_the_next_leader(
    make_enterprise: Make, start_worker: Start, raw: Any
) -> None:
    app = make_enterprise(enterprise=LONG)
    worker = start_worker(app)
    until(lambda: leadership(app).leads)
    worker.quiet()
    until(lambda: leadership(app).current() is None, what="the quiet one has left")
    worker.stop()
    assert raw.llen(EnterpriseKeys(app.keys).leader_bell) == 1, "who rang it has not answered it"


def test_a_follower_that_becomes_quiet_takes_no_redis_for_away(
    make_enterprise: Make, start_worker: Start, caplog: pytest.LogCaptureFixture
) -> None:
    apps = [make_enterprise() for _ in range(2)]
    workers = [start_worker(app) for app in apps]
    until(lambda: len(leading(apps)) == 1)
    follower = workers[1 - apps.index(leading(apps)[0])]
    follower.quiet()
    follower.stop()
    said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert not [one for one in said if "leader" in one]


def test_a_wait_that_was_ended_while_its_news_were_cleared_takes_no_redis_for_away(
    make_enterprise: Make, start_worker: Start
) -> None:
    app = make_enterprise(enterprise={**LONG, "leader": False})  # nobody else rings
    worker = start_worker(app)
    service = LeaderService(worker, Leadership(app), 30.0)
    ended: list[Exception | None] = []

    def wait() -> None:
        try:
            service.pause(10.0)
        except StoreError as error:
            ended.append(error)
        else:
            ended.append(None)

    waiting = threading.Thread(target=wait)
    waiting.start()
    until(lambda: service._bell._connection, what="it waits for the bell")
    worker.quiet()
    service._bell.abort()
    waiting.join(10)
    service.release()
    assert ended == [None]


def test_a_leader_that_is_cut_off_is_followed_and_knows_it_before_the_other_begins(
    make_enterprise: Make, start_worker: Start, redis_url: str
) -> None:
    proxy = FaultyProxy.before(redis_url)
    try:
        cut = make_enterprise(proxy.url)
        start_worker(cut)
        until(lambda: leadership(cut).leads)
        term = leadership(cut).term
        assert term is not None
        other = make_enterprise()
        began: list[bool] = []
        other.events.on("leader", lambda _term: began.append(term.holds))
        start_worker(other)
        proxy.refuse()
        until(lambda: began, what="the other one leads")
        assert not any(began)
        assert not leadership(cut).leads
    finally:
        proxy.close()


def test_a_lost_reply_makes_no_second_term(make_enterprise: Make, start_worker: Start, redis_url: str) -> None:
    proxy = FaultyProxy.before(redis_url)
    try:
        app = make_enterprise(proxy.url, enterprise=LONG)
        text = load("leader_stand").text.encode()
        fault = proxy.add(Fault(lambda request: text in request.words, Act.LOSE))
        start_worker(app)
        until(lambda: leadership(app).leads)
        assert fault.hit
        term = leadership(app).term
        assert term is not None
        assert term.number == 1
    finally:
        proxy.close()


def test_a_worker_that_may_not_lead_never_does(make_enterprise: Make, start_worker: Start) -> None:
    never = make_enterprise(enterprise={**LONG, "leader": False})
    start_worker(never)
    may = make_enterprise(enterprise=LONG)
    start_worker(may)
    until(lambda: leadership(may).leads)
    assert not leadership(never).leads
    found = leadership(never).current()
    assert found is not None
    assert found.number == 1


def test_the_page_of_processes_and_sidekiqs_key_say_who_leads(
    make_enterprise: Make, start_worker: Start, raw: Any
) -> None:
    app = make_enterprise(namespace="", enterprise=LONG)
    worker = start_worker(app)
    until(lambda: leadership(app).leads)
    assert raw.get("dear-leader").decode() == worker.identity
    assert 0 < raw.pttl("dear-leader") <= 30_000
    until(
        lambda: [one.fields.get("leader") for one in app.processes if one.identity == worker.identity] == ["1"],
        what="the heartbeat says so",
    )
    assert "leader 1" in Visitor(app.web()).text("/busy")
    worker.stop()
    assert not raw.exists("dear-leader")
