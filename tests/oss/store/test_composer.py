"""Effects: what an edition does in the script that moves a job is done with the move, once, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from offsider import App, Cancel, Retry, Snooze
from offsider.contract.middleware import NextSync, ServerMiddleware
from offsider.contract.seams import Registry
from offsider.contract.work import Fenced, Settled, Settlement
from offsider.errors import EnqueueUncertain, RedisRefused
from offsider.store.composer import Composer
from offsider.store.keys import Keys
from offsider.store.scripts import load
from offsider.testing.proxy import Proxy
from offsider.worker.fetch import Limits
from offsider.worker.recovery import Recovery
from offsider.worker.worker import Worker, lease_fetcher
from support.loops import on_loop
from support.seats import House, SeatTaken, Theatre
from support.server import Server
from support.waiting import until

Make = Callable[..., App]


@pytest.fixture
def theatre() -> Theatre:
    return Theatre()


@pytest.fixture
def app(make_app: Make, theatre: Theatre) -> App:
    """An app with one effect, and a job that sits."""
    app = make_app(editions=[theatre])
    define(app)
    return app


@pytest.fixture
def house(app: App, raw: Any) -> House:
    return House(app, raw)


def define(app: App) -> None:
    @app.job(name="play", seat="a1", retry=Retry(max=1, delay=3600, discard=(LookupError,)))
    def play(way: str = "") -> Any:
        if way in ("fail", "drop"):
            raise (ValueError if way == "fail" else LookupError)(way)
        return {"snooze": Snooze(3600), "cancel": Cancel("enough")}.get(way)

    @app.job(name="stand")
    def stand() -> None:
        """Has no seat."""


def play(app: App, *args: Any, **options: Any) -> str | None:
    return app.jobs["play"].using(**options).enqueue(*args)


# -- the script ------------------------------------------------------------------------------------------------


def test_an_app_without_effects_and_a_request_without_calls_run_the_plain_script() -> None:
    composer = Composer(Registry("effects"), Keys("shop"))
    push = load("push")
    keys, words = ["k"], [1]
    assert composer.fields == frozenset()
    assert composer.request(push, keys, words, []) == (push, keys, words)
    code = [line for line in push.text.splitlines() if not line.lstrip().startswith("--")]
    assert not any("effects" in line for line in code)


def test_the_server_knows_every_composed_script(app: App, raw: Any, theatre: Theatre) -> None:
    record = {"seat": "a1", "jid": "j1"}
    for name in ("push", "exchange", "recover", "act", "cancel", "remove"):
        assert "--+ " in load(name).text
        calls = [(0, call) for call in app.composer.calls("done", record)]
        script, keys, words = app.composer.request(load(name), ["k"], [1], calls)
        assert raw.script_load(script.text) == script.sha
        assert (keys, len(words)) == (("k", "{offsider}:seats", "{offsider}:seated"), 1 + 4 + 2 + 4 + 2)


# -- pushed ----------------------------------------------------------------------------------------------------


def test_a_push_and_its_effect_are_one_change(app: App, raw: Any, house: House) -> None:
    jid = play(app)
    app.jobs["stand"].enqueue()
    assert house.taken() == {"a1": jid}
    assert raw.llen("{offsider}:queue:default") == 2


def test_a_job_that_is_refused_is_not_put_and_has_no_id(app: App, raw: Any, house: House, theatre: Theatre) -> None:
    first = play(app)
    assert play(app) is None
    assert play(app, delay=60) is None
    assert on_loop(app, app.jobs["play"].aenqueue()) is None
    assert theatre.seats.said == [first] * 3
    assert (house.taken(), house.seated()) == ({"a1": first}, ["push"])
    assert (raw.llen("{offsider}:queue:default"), raw.zcard("{offsider}:schedule")) == (1, 0)


def test_who_pushes_one_job_gets_the_error_of_its_effect(app: App, house: House) -> None:
    first = play(app)
    with pytest.raises(SeatTaken, match=str(first)):
        play(app, insists=True)
    with pytest.raises(SeatTaken):
        on_loop(app, app.jobs["play"].using(insists=True).aenqueue())
    assert app.jobs["play"].using(insists=True).enqueue_many([(), ()]) == [None, None]


def test_of_many_each_is_judged_after_those_before_it(app: App, raw: Any, house: House) -> None:
    jids = app.jobs["play"].enqueue_many([() for _ in range(3)])
    assert jids[1:] == [None, None]
    other = app.jobs["play"].using(seat="a2")
    assert [jid is None for jid in other.enqueue_many([(), ()])] == [False, True]
    assert raw.llen("{offsider}:queue:default") == 2


@pytest.mark.parametrize("count", [1, 3])
def test_a_push_whose_reply_is_lost_is_not_refused_by_itself(
    make_app: Make, redis_url: str, raw: Any, theatre: Theatre, count: int
) -> None:
    proxy = Proxy(redis_url)
    app = make_app(proxy.url, editions=[theatre])
    define(app)
    app.jobs["stand"].enqueue()
    proxy.lose_reply()
    calls: list[Any] = [() for _ in range(count)]
    jids = app.jobs["play"].enqueue_many(calls)
    assert proxy.lost == 1
    assert [jid is None for jid in jids] == [k > 0 for k in range(count)]
    assert House(app, raw).seated() == ["push"]
    assert theatre.seats.said == [jids[0]] * (count - 1)
    proxy.close()


def test_what_is_repeated_later_tells_what_was_decided_the_first_time(
    make_app: Make, redis_url: str, raw: Any, theatre: Theatre
) -> None:
    proxy = Proxy(redis_url)
    app = make_app(proxy.url, editions=[theatre], redis={"push_deadline_s": 0.3})
    define(app)
    first, _second = app.jobs["play"].enqueue_many([(), ()])
    proxy.lose_reply(20)
    with pytest.raises(EnqueueUncertain) as doubt:
        app.jobs["play"].enqueue_many([(), ()])
    proxy._losses = 0
    raw.delete("{offsider}:seats")  # the one that sat there is gone meanwhile
    assert doubt.value.again() == [None, None]
    assert theatre.seats.said[-1] == first
    assert raw.llen("{offsider}:queue:default") == 1
    proxy.close()


def test_keys_of_another_type_refuse_the_push_and_change_nothing(app: App, raw: Any) -> None:
    raw.set("{offsider}:seats", "x")
    with pytest.raises(redis.ResponseError, match="the seats are a string"):
        play(app)
    assert raw.keys("*queue*") == []


def test_a_full_redis_refuses_the_whole_push(make_server: Callable[..., Server], make_app: Make) -> None:
    server = make_server()
    app = make_app(server.url, editions=[Theatre()])
    define(app)
    raw: Any = server.client()
    raw.config_set("maxmemory", 1)
    with pytest.raises(RedisRefused):
        play(app)
    raw.config_set("maxmemory", 0)
    assert raw.keys("*") == []


# -- settled ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "options", "moves"),
    [
        ("", {}, ["push", "done"]),
        ("fail", {}, ["push", "retry"]),
        ("fail", {"retry": 0}, ["push", "dead"]),
        ("drop", {}, ["push", "discarded"]),
        ("cancel", {}, ["push", "cancelled"]),
        ("snooze", {}, ["push", "later"]),
    ],
)
def test_the_end_of_a_run_and_its_effect_are_one_change(
    app: App, start_worker: Callable[..., Worker], house: House, way: str, options: Any, moves: list[str]
) -> None:
    jid = play(app, way, **options)
    start_worker(app, concurrency=1)
    until(lambda: len(house.seated()) == 2, what="the run has ended")
    assert house.seated() == moves
    assert house.taken() == ({"a1": jid} if moves[-1] in ("retry", "later") else {})


def test_a_run_that_has_ended_elsewhere_does_its_effect(
    make_app: Make, raw: Any, start_worker: Callable[..., Worker], theatre: Theatre
) -> None:
    class Elsewhere(ServerMiddleware):
        """Says that each run is over already."""

        only = "sync"

        def call(self, execution: Any, next: NextSync) -> Any:
            raise Settled(Settlement(execution.unit, "done", 0.0, None))

    app = make_app(editions=[theatre])
    define(app)
    app.server_middleware.add("elsewhere", Elsewhere(), by="test")
    play(app)
    start_worker(app, concurrency=1)
    until(lambda: House(app, raw).seated() == ["push", "done"], what="it has ended")


def test_a_job_that_nobody_knows_does_its_effect_when_it_is_put_back_and_put_aside(
    app: App, raw: Any, house: House, start_worker: Callable[..., Worker]
) -> None:
    play(app)
    payload = json.loads(raw.rpop("{offsider}:queue:default"))
    long_ago = {"since": 1, "count": 1, "reason": "nobody knows it"}
    jobs = [{**payload, "class": "gone"}, {**payload, "class": "gone", "jid": "old", "put_back": long_ago}]
    raw.lpush("{offsider}:queue:default", *map(json.dumps, jobs))
    start_worker(app, concurrency=1)
    until(lambda: len(house.seated()) == 3, what="both are settled")
    assert sorted(house.seated()) == ["later", "push", "quarantine"]


def test_an_effect_that_fails_stops_no_job(
    app: App, raw: Any, start_worker: Callable[..., Worker], theatre: Theatre, caplog: pytest.LogCaptureFixture
) -> None:
    play(app)
    theatre.seats.fails = True
    start_worker(app, concurrency=1)
    until(lambda: not raw.exists("{offsider}:queue:default") and not raw.keys("*inflight*"), what="it has ended")
    assert "the effect 'seats' by theatre failed" in caplog.text


def test_wrong_keys_of_an_effect_stop_no_job(app: App, raw: Any, start_worker: Callable[..., Worker]) -> None:
    play(app)
    raw.delete("{offsider}:seats")
    raw.set("{offsider}:seats", "x")
    start_worker(app, concurrency=1)
    until(lambda: not raw.exists("{offsider}:queue:default") and not raw.keys("*inflight*"), what="it has ended")


@pytest.fixture
def taken(app: App, raw: Any) -> Iterator[tuple[Any, Settlement]]:
    """A fetcher, and the end of the job that it has taken."""
    play(app)
    worker = Worker(app, queues=["default"])
    (plan,) = worker._plans
    fetcher: Any = lease_fetcher(worker, plan, "me")
    fetcher.open()
    (unit,) = fetcher.exchange((), 1)
    calls = app.composer.calls("done", json.loads(unit.payload))
    yield fetcher, Settlement(unit, "done", 0.0, None, calls)
    fetcher.close()


def test_who_has_lost_its_lease_does_nothing(app: App, raw: Any, house: House, taken: Any) -> None:
    fetcher, settlement = taken
    raw.zrem(app.keys.owners, "me")
    with pytest.raises(Fenced):
        fetcher.exchange([settlement], 1)
    assert house.seated() == ["push"]


def test_the_same_settlement_again_does_nothing_twice(house: House, taken: Any) -> None:
    fetcher, settlement = taken
    fetcher.exchange([settlement], 1)
    fetcher.exchange([settlement], 1)
    assert fetcher.begin([settlement], 1)
    assert fetcher.finish() == []
    assert (house.seated(), house.taken()) == (["push", "done"], {})


@pytest.mark.parametrize(("crashes", "move"), [(0, "recovered"), (3, "dead")])
def test_a_job_of_a_lost_process_is_given_back_with_its_effect(
    app: App, raw: Any, house: House, crashes: int, move: str
) -> None:
    jid = play(app)
    (payload,) = raw.lrange("{offsider}:queue:default", 0, -1)
    raw.hset("{offsider}:inflight:gone", "1:default", json.dumps({**json.loads(payload), "crashes": crashes}))
    raw.zadd(app.keys.owners, {"gone": 1})
    recovery = Recovery(app.connections, app.keys, Limits(), recovered=print, died=print, composer=app.composer)
    assert recovery.recover("gone") == 1
    recovery.release()
    assert house.seated() == ["push", move]
    assert house.taken() == ({} if move == "dead" else {"a1": jid})


# -- by hand ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [None, 3600])
@pytest.mark.parametrize("act", ["delete", "cancel"])
def test_deleting_and_cancelling_by_hand_do_their_effect(app: App, house: House, delay: float | None, act: str) -> None:
    jid = str(play(app, delay=delay))
    if act == "cancel":
        assert app.cancel(jid).removed
    else:
        assert app.scheduled.delete(jid) if delay else app.queues["default"].delete(jid)
    assert house.seated() == ["push", {"delete": "deleted", "cancel": "cancelled"}[act]]
    assert house.taken() == {}


def test_what_is_moved_by_hand_does_its_effect(app: App, house: House, theatre: Theatre) -> None:
    jid = str(play(app, delay=3600))
    assert app.scheduled.reschedule(jid, 4e9)
    assert app.scheduled.run_now(jid)
    assert house.seated() == ["push", "later", "queued"]
    assert [move.at_s for move in theatre.seats.moves][1:] == [4e9, None]
    other = str(play(app, seat="a2", delay=3600))
    assert app.scheduled.kill(other)
    assert house.seated()[3:] == ["push", "dead"]
    third = str(play(app, seat="a3", delay=3600))
    assert app.scheduled.delete_all() == 1
    assert house.seated()[5:] == ["push", "deleted"]
    assert third not in house.taken().values()


def test_a_running_job_of_a_process_that_is_gone_is_cancelled_with_its_effect(app: App, raw: Any, house: House) -> None:
    jid = str(play(app))
    raw.hset("{offsider}:inflight:gone", "1:default", raw.rpop("{offsider}:queue:default"))
    raw.zadd(app.keys.owners, {"gone": 1})
    assert app.cancel(jid).removed
    assert (house.seated(), house.taken()) == (["push", "cancelled"], {})
