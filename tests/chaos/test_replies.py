"""Replies that are lost, torn or late, requests that never arrive, connections that are refused or silent."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
import redis

from offsider import App
from offsider.client import lanes
from offsider.contract.work import Fenced
from offsider.errors import RedisUnavailable
from offsider.store.keys import Keys
from offsider.store.scripts import all_scripts
from offsider.worker import fetch
from offsider.worker.fetch import LeaseFetcher, Limits
from offsider.worker.order import QueueOrder
from support.fleet import Fleet
from support.invariants import assert_sound, read
from support.load import make
from support.proxy import Act, FaultyProxy, nth
from support.tally import tally
from support.waiting import until

EACH = [Act.CUT, Act.LOSE, Act.TEAR, Act.RESET, Act.LATE, Act.STRAGGLE]
SILENT = [Act.HANG, Act.MUTE]
SEEN_WITHIN_S = 15.0
SHORT_READ_S = 3.0  # longer than a fetcher waits for its bell
RESUMES_WITHIN_S = 5.0
HANDSHAKE = ("HELLO", "CLIENT")
SHARE = 0.1  # of the requests are disturbed


@pytest.fixture
def through(proxy: FaultyProxy, fleet: Fleet) -> App:
    """The fleet's app, sent through the proxy."""
    load_scripts(fleet)
    return make(proxy.url, fleet.folder)


def load_scripts(fleet: Fleet) -> None:
    """So that the n-th request of a name is the n-th time it is done."""
    for script in all_scripts():
        fleet.raw.script_load(script.text)


# -- producers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", EACH, ids=lambda act: act.value)
def test_a_push_that_is_disturbed_twice_puts_the_job_once(
    act: Act, through: App, proxy: FaultyProxy, fleet: Fleet
) -> None:
    fault = proxy.fault(nth("push"), act, times=2, seconds=0.3)
    work = through.jobs["work"]
    jids = [work.enqueue(), *work.enqueue_many([()] * 3), work.using(delay=60).enqueue()]
    assert len(fault.hit) == 2
    until(lambda: act is not Act.STRAGGLE or fault.straggled == 2)
    assert sorted(read(fleet.raw, fleet.keys).places) == sorted(map(str, jids))
    assert_sound(fleet.raw, fleet.keys, lease_s=2.0, living=())


@pytest.mark.parametrize("act", EACH, ids=lambda act: act.value)
def test_a_push_of_an_event_loop_that_is_disturbed_twice_puts_the_job_once(
    act: Act, through: App, proxy: FaultyProxy, fleet: Fleet
) -> None:
    fault = proxy.fault(nth("push"), act, times=2, seconds=0.3)

    async def produce() -> list[str | None]:
        work = through.jobs["work"]
        jids = [await work.aenqueue(), *await work.aenqueue_many([()] * 3)]
        await through.aclose()
        return jids

    jids = asyncio.run(produce())
    assert len(fault.hit) == 2
    until(lambda: act is not Act.STRAGGLE or fault.straggled == 2)
    assert sorted(read(fleet.raw, fleet.keys).places) == sorted(map(str, jids))
    assert_sound(fleet.raw, fleet.keys, lease_s=2.0, living=())


def test_a_push_over_a_silent_connection_is_seen_and_puts_the_job_once(
    redis_url: str,
    make_fleet: Callable[..., Fleet],
    make_proxy: Callable[[str], FaultyProxy],
    tell: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert lanes.READ_TIMEOUT_S <= SEEN_WITHIN_S
    monkeypatch.setattr(lanes, "READ_TIMEOUT_S", SHORT_READ_S)

    def push(act: Act) -> float:
        proxy, fleet = make_proxy(redis_url), make_fleet(redis_url, namespace=act.value)
        load_scripts(fleet)
        proxy.fault(nth("push"), act)
        began_s = time.monotonic()
        jid = make(proxy.url, fleet.folder, namespace=act.value).jobs["work"].enqueue()
        assert read(fleet.raw, fleet.keys).places == {jid: ["queue:default"]}
        assert_sound(fleet.raw, fleet.keys, lease_s=2.0, living=())
        return time.monotonic() - began_s

    with ThreadPoolExecutor(2) as pool:
        seen_s = list(pool.map(push, SILENT))
    assert max(seen_s) < SHORT_READ_S + 1, tell(seen_after_s=seen_s)


def test_a_push_that_arrives_when_its_repetition_has_been_answered_puts_nothing(
    through: App, proxy: FaultyProxy, fleet: Fleet
) -> None:
    late = proxy.fault(nth("push"), Act.STRAGGLE)
    jid = through.jobs["work"].enqueue()
    answered = fleet.raw.info("commandstats")["cmdstat_evalsha"]["calls"]
    late.release.set()
    until(lambda: fleet.raw.info("commandstats")["cmdstat_evalsha"]["calls"] > answered)
    assert read(fleet.raw, fleet.keys).places == {jid: ["queue:default"]}


def test_a_refused_connection_is_tried_again_until_the_deadline(through: App, proxy: FaultyProxy, fleet: Fleet) -> None:
    proxy.refuse()
    threading.Timer(0.7, proxy.accept).start()
    jid = through.jobs["work"].enqueue()
    assert read(fleet.raw, fleet.keys).places == {jid: ["queue:default"]}


def test_a_push_says_that_redis_is_away_when_the_deadline_is_over(proxy: FaultyProxy, fleet: Fleet) -> None:
    app = make(proxy.url, fleet.folder, push_s=0.5)
    proxy.refuse()
    began_s = time.monotonic()
    with pytest.raises(RedisUnavailable, match=r"within 0\.5 s"):
        app.jobs["work"].enqueue()
    assert 0.4 < time.monotonic() - began_s < 2
    assert not read(fleet.raw, fleet.keys).places


# -- fetchers ------------------------------------------------------------------------------------------------


@pytest.fixture
def fetcher(through: App) -> LeaseFetcher:
    """An owner of its own, through the proxy."""
    order, limits = QueueOrder({"default": 0}), Limits(lease_s=5.0)
    one = LeaseFetcher(through.connections, through.keys, order, owner="here:1:0/default/1", limits=limits)
    one.open()
    return one


def held(raw: redis.Redis, keys: Keys, owner: str) -> set[str]:
    return {field.decode() for field in raw.hkeys(keys.inflight(owner))}


@pytest.mark.parametrize("act", [Act.LOSE, Act.CUT], ids=lambda act: act.value)
def test_jobs_taken_by_two_lost_exchanges_in_a_row_are_run(
    act: Act, fetcher: LeaseFetcher, proxy: FaultyProxy, fleet: Fleet
) -> None:
    fleet.enqueue_many("work", [()] * 3)
    proxy.fault(nth("exchange", 1), Act.LOSE)
    proxy.fault(nth("exchange", 2), act)
    taken: set[str] = set()
    for _ in range(4):
        try:
            taken |= {unit.field for unit in fetcher.exchange([], 5)}
        except RedisUnavailable:
            continue
    assert len(taken) == 3
    assert taken == held(fleet.raw, fleet.keys, fetcher.owner)


def test_an_exchange_that_arrives_after_its_time_strands_no_job(
    fetcher: LeaseFetcher, proxy: FaultyProxy, fleet: Fleet
) -> None:
    late = proxy.fault(nth("exchange", 1), Act.STRAGGLE)
    with pytest.raises(RedisUnavailable):
        fetcher.exchange([], 5)
    assert fetcher.exchange([], 5) == []
    fleet.enqueue("work")
    answered = fleet.raw.info("commandstats")["cmdstat_evalsha"]["calls"]
    late.release.set()
    until(lambda: fleet.raw.info("commandstats")["cmdstat_evalsha"]["calls"] > answered)
    taken: list[str] = []
    try:
        taken = [unit.field for unit in fetcher.exchange([], 5)]
    except Fenced:
        pass  # a new owner recovers what this one held: that is an answer, too
    else:
        assert set(taken) == held(fleet.raw, fleet.keys, fetcher.owner), "a job is in flight and nobody runs it"
        assert len(taken) == 1


# -- whole workers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("acts", [[Act.LOSE], EACH], ids=["lost", "all"])
def test_a_worker_whose_requests_are_disturbed_at_random_loses_nothing_and_repeats_nothing(
    acts: list[Act],
    make_fleet: Callable[..., Fleet],
    redis_url: str,
    proxy: FaultyProxy,
    rng: Random,
    tell: Callable[..., str],
) -> None:
    fleet = make_fleet(redis_url, lease_s=5.0)
    worker = fleet.start("-c", "5", url=proxy.url).ready()
    for act in acts:
        proxy.fault(
            lambda one: one.name not in HANDSHAKE and rng.random() < SHARE / len(acts), act, times=None, seconds=0.2
        )
    jids = fleet.enqueue_many("work", [(rng.uniform(0, 10),) for _ in range(300)])
    jids += [fleet.enqueue(job) for job in ("flaky", "snoozer", "awork") for _ in range(5)]
    with contextlib.suppress(AssertionError):  # the tally says more
        until(lambda: not worker.alive or (fleet.ended(jids) and fleet.idle()), 15)
    proxy.heal()
    counted = tally(fleet, jids)
    figures = tell(tally=counted, requests=len(proxy.seen), resyncs=proxy.counts["resync"])
    assert not counted.lost, figures
    assert not counted.unfinished, figures
    assert counted.doubles == 0, f"{figures}\n{worker.output()}"
    assert fleet.stop() == [0], fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=5.0, living=(), note=figures)


def test_a_worker_that_is_refused_for_a_while_goes_on_by_itself(
    fleet: Fleet, proxy: FaultyProxy, tell: Callable[..., str]
) -> None:
    fleet.start("-c", "2", url=proxy.url).ready()
    proxy.refuse()
    jid = fleet.enqueue("work")
    threading.Event().wait(1.0)
    proxy.accept()
    began_s = time.monotonic()
    with contextlib.suppress(AssertionError):  # the log says more
        until(lambda: fleet.ended([jid]), RESUMES_WITHIN_S)
    assert fleet.ended([jid]), fleet.logs()
    tell(went_on_after_s=round(time.monotonic() - began_s, 2))
    assert fleet.started(jid) == 1


def test_a_worker_sees_a_silent_connection_and_goes_on(
    redis_url: str, make_fleet: Callable[..., Fleet], make_proxy: Callable[[str], FaultyProxy], tell: Callable[..., str]
) -> None:
    assert fetch.READ_TIMEOUT_S <= SEEN_WITHIN_S  # the long run waits for that; this one for less

    def fall_silent(act: Act) -> float:
        proxy, fleet = make_proxy(redis_url), make_fleet(redis_url, namespace=act.value, read_s=SHORT_READ_S)
        worker = fleet.start("-c", "2", url=proxy.url).ready()
        first = fleet.enqueue("work")
        until(lambda: fleet.ended([first]) and fleet.idle(), 10)
        silent = proxy.fault(nth("exchange"), act)
        jid = fleet.enqueue("work")
        assert silent.done.wait(10)
        began_s = time.monotonic()
        until(lambda: fleet.ended([jid]), SHORT_READ_S + 5, f"it runs after {act}")
        assert fleet.started(jid) == 1
        assert worker.alive
        return round(time.monotonic() - began_s, 2)

    with ThreadPoolExecutor(2) as pool:
        seen_s = list(pool.map(fall_silent, SILENT))
    assert max(seen_s) < SHORT_READ_S + 1, tell(seen_after_s=seen_s)
