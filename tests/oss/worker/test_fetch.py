"""The lease fetcher beyond what every fetcher must do: its numbers, its trips, its names, its words to the bell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App
from offsider.contract.work import Fenced, Settlement, UnitOfWork
from offsider.errors import RedisUnavailable
from offsider.testing.proxy import Proxy
from offsider.worker.fetch import MOST_SETTLED, MOST_TAKEN, PASS_ON_MS, LeaseFetcher, Limits
from offsider.worker.order import QueueOrder
from support.waiting import until

MakeFetcher = Callable[..., LeaseFetcher]
OWNERS = "{offsider}:owners"


@pytest.fixture
def make_fetcher(make_app: Callable[..., App]) -> Iterator[MakeFetcher]:
    """Fetchers that are open."""
    made: list[LeaseFetcher] = []

    def make(*queues: str, owner: str = "me", url: str | None = None, weight: int = 0, **limits: Any) -> LeaseFetcher:
        app = make_app(url)
        order = QueueOrder(dict.fromkeys(queues or ("mail",), weight))
        one = LeaseFetcher(app.connections, app.keys, order, owner=owner, limits=Limits(**limits))
        one.open()
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def push(raw: Any, *payloads: bytes, queue: str = "mail") -> None:
    raw.lpush(f"{{offsider}}:queue:{queue}", *payloads)


def done(units: list[UnitOfWork]) -> list[Settlement]:
    return [Settlement(unit, "done", 0.0, None) for unit in units]


def held(raw: Any, owner: str = "me") -> dict[str, bytes]:
    return {name.decode(): value for name, value in raw.hgetall(f"{{offsider}}:inflight:{owner}").items()}


# -- numbers -------------------------------------------------------------------------------------------------------


def test_fields_are_numbered_on_and_never_used_twice(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher("mail", "low")
    push(raw, b"a", b"b")
    push(raw, b"c", queue="low")
    first = fetcher.exchange((), 3)
    assert [unit.field for unit in first] == ["1:mail", "2:mail", "3:low"]
    push(raw, b"d")
    second = fetcher.exchange(done(first), 10)
    assert [int(unit.field.partition(":")[0]) for unit in second] == [4]
    push(raw, b"e")
    (third,) = fetcher.exchange(done(second), 1)
    assert int(third.field.partition(":")[0]) > 4


def test_more_than_a_request_carries_is_settled_in_several(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher()
    count = 2 * MOST_SETTLED + 5
    push(raw, *(b"%d" % number for number in range(count + 3)))
    units = []
    while len(units) < count:
        units += fetcher.exchange((), min(MOST_TAKEN, count - len(units)))
    before = raw.info("commandstats")["cmdstat_evalsha"]["calls"]
    rest = fetcher.exchange(done(units), 10)
    assert raw.info("commandstats")["cmdstat_evalsha"]["calls"] - before == 3
    assert [unit.payload for unit in rest] == [b"%d" % number for number in range(count, count + 3)]
    assert len(held(raw)) == 3


def test_no_request_takes_more_than_a_thousand(make_fetcher: MakeFetcher, raw: Any) -> None:
    push(raw, *(b"%d" % number for number in range(MOST_TAKEN + 10)))
    assert len(make_fetcher().exchange((), 5000)) == MOST_TAKEN


def test_nothing_to_settle_and_nothing_wanted_is_no_request(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher()
    fetcher.exchange((), 1)
    before = raw.info("stats")["total_commands_processed"]
    assert fetcher.exchange((), 0) == []
    assert raw.info("stats")["total_commands_processed"] - before == 1, "only the question itself"


def test_the_dead_set_is_bounded_by_the_settings(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher(dead_max=3)
    push(raw, *(b"%d" % number for number in range(6)))
    units = fetcher.exchange((), 6)
    for unit in units:
        fetcher.exchange([Settlement(unit, "dead", 0.0, unit.payload)], 0)
    assert raw.zrange("{offsider}:dead", 0, -1) == [b"3", b"4", b"5"]


def test_weighted_queues_are_looked_at_in_a_new_order_each_time(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher("a", "b", weight=1)
    for queue in "ab":
        push(raw, *[queue.encode()] * 40, queue=queue)
    firsts = [fetcher.exchange((), 1)[0] for _ in range(40)]
    assert {unit.queue for unit in firsts} == {"a", "b"}
    assert all(unit.queue.encode() == unit.payload for unit in firsts)
    fetcher.exchange([Settlement(unit, "back", 0.0, None) for unit in firsts], 0)
    assert (raw.llen("{offsider}:queue:a"), raw.llen("{offsider}:queue:b")) == (40, 40)


# -- doubt ---------------------------------------------------------------------------------------------------------


def test_after_a_lost_reply_it_goes_on_under_another_name(make_fetcher: MakeFetcher, raw: Any, redis_url: str) -> None:
    proxy = Proxy(redis_url)
    fetcher = make_fetcher(url=proxy.url)
    push(raw, b"a", b"b", b"c")
    first = fetcher.exchange((), 1)
    proxy.lose_reply()
    with pytest.raises(RedisUnavailable):
        fetcher.exchange(done(first), 1)
    assert fetcher.renew(), "in doubt is not lost"
    units = fetcher.exchange(done(first), 1)
    assert [unit.payload for unit in units] == [b"b"]
    assert fetcher.owner == "me~1"
    assert raw.zrange(OWNERS, 0, -1) == [b"me~1"]
    assert list(held(raw, "me~1").values()) == [b"b"]
    assert fetcher.renew()
    assert [unit.payload for unit in fetcher.exchange(done(units), 5)] == [b"c"]
    proxy.close()


def test_what_it_took_in_doubt_counts_as_wanted(make_fetcher: MakeFetcher, raw: Any, redis_url: str) -> None:
    proxy = Proxy(redis_url)
    fetcher = make_fetcher(url=proxy.url)
    fetcher.exchange((), 1)
    push(raw, b"a", b"b", b"c", b"d")
    proxy.lose_reply()
    with pytest.raises(RedisUnavailable):
        fetcher.exchange((), 3)
    assert [unit.payload for unit in fetcher.exchange((), 3)] == [b"a", b"b", b"c"]
    assert raw.lrange("{offsider}:queue:mail", 0, -1) == [b"d"]
    proxy.close()


def test_who_was_recovered_in_doubt_is_fenced(make_fetcher: MakeFetcher, raw: Any, redis_url: str) -> None:
    proxy = Proxy(redis_url)
    fetcher = make_fetcher(url=proxy.url)
    push(raw, b"a")
    fetcher.exchange((), 1)
    proxy.cut()
    with pytest.raises(RedisUnavailable):
        fetcher.exchange((), 1)
    raw.delete(OWNERS, "{offsider}:inflight:me")
    proxy.mend()
    with pytest.raises(Fenced, match="me"):
        fetcher.exchange((), 1)
    assert raw.zrange(OWNERS, 0, -1) == []
    proxy.close()


# -- the bell ------------------------------------------------------------------------------------------------------


def test_the_bell_of_any_queue_ends_the_wait(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher("mail", "low")
    raw.lpush("{offsider}:bell:low", "1")
    assert fetcher.wait(5)
    assert not fetcher.wait(0.05)


def test_a_wait_is_ended_by_closing(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher()
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(RedisUnavailable):
            fetcher.wait(20)
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: raw.info("clients")["blocked_clients"] == 1)
    fetcher.close()
    assert ended.wait(5)
    thread.join()


def test_a_ring_is_passed_on_where_there_are_jobs(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher("mail", "low")
    push(raw, b"a", queue="low")
    fetcher.pass_on()
    assert (raw.llen("{offsider}:bell:low"), raw.llen("{offsider}:bell:mail")) == (1, 0)


def test_waiting_leasing_and_taking_do_not_wait_for_each_other(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher()
    thread = threading.Thread(target=lambda: fetcher.wait(20))
    thread.start()
    until(lambda: raw.info("clients")["blocked_clients"] == 1)
    push(raw, b"a")
    before_s = time.monotonic()
    assert fetcher.renew()
    assert len(fetcher.exchange((), 1)) == 1
    assert time.monotonic() - before_s < 2
    raw.lpush("{offsider}:bell:mail", "1")
    thread.join(5)
    assert not thread.is_alive()


# -- the end -------------------------------------------------------------------------------------------------------


def test_what_was_taken_in_doubt_is_handed_back_at_the_end(make_fetcher: MakeFetcher, raw: Any, redis_url: str) -> None:
    proxy = Proxy(redis_url)
    fetcher = make_fetcher(url=proxy.url)
    fetcher.exchange((), 1)
    push(raw, b"a", b"b")
    proxy.lose_reply()
    with pytest.raises(RedisUnavailable):
        fetcher.exchange((), 2)
    fetcher.retire([], [])
    assert raw.lrange("{offsider}:queue:mail", 0, -1) == [b"b", b"a"]
    assert not raw.exists(OWNERS)
    proxy.close()


def test_what_still_runs_is_passed_on_after_a_few_seconds_with_a_mark(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher()
    push(raw, b"a", b"b")
    back, runs = fetcher.exchange((), 2)
    fetcher.retire([back], [runs])
    assert held(raw) == {"2:mail": b"b", "stopped": b"1"}
    left_ms = raw.zscore(OWNERS, "me") - time.time() * 1000
    assert 0 < left_ms <= PASS_ON_MS
