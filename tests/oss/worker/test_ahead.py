"""Reading ahead: what is on its way is taken once, settled once, and lost by nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App
from offsider.contract.work import Fenced, Fetcher, QueueFilter, ReadsAhead, Settlement, UnitOfWork
from offsider.errors import RedisUnavailable
from offsider.testing.proxy import Proxy
from offsider.worker.ahead import ReadAheadFetcher
from offsider.worker.fetch import Limits
from offsider.worker.order import QueueOrder
from offsider.worker.worker import Worker
from support.waiting import until

MakeFetcher = Callable[..., ReadAheadFetcher]
QUEUE = "{offsider}:queue:mail"


@pytest.fixture
def make_fetcher(make_app: Callable[..., App]) -> Iterator[MakeFetcher]:
    """Fetchers that are open."""
    made: list[ReadAheadFetcher] = []

    def make(url: str | None = None, hold: QueueFilter | None = None) -> ReadAheadFetcher:
        app, order = make_app(url), QueueOrder({"mail": 0})
        one = ReadAheadFetcher(app.connections, app.keys, order, owner="me", limits=Limits(), held=hold)
        one.open()
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def push(raw: Any, *payloads: bytes) -> None:
    raw.lpush(QUEUE, *payloads)


def settled(units: list[UnitOfWork], kind: str = "done") -> list[Settlement]:
    return [Settlement(unit, kind, 60.0, None if kind in ("done", "back") else unit.payload) for unit in units]


def payloads(units: list[UnitOfWork]) -> list[bytes]:
    return [unit.payload for unit in units]


def held(raw: Any, fetcher: ReadAheadFetcher) -> list[bytes]:
    return sorted(raw.hvals(f"{{offsider}}:inflight:{fetcher.owner}"))


def test_it_is_both_a_fetcher_and_one_that_reads_ahead(make_fetcher: MakeFetcher) -> None:
    fetcher: Fetcher = make_fetcher()
    assert isinstance(fetcher, ReadsAhead)


def test_a_wrapper_that_passes_all_on_does_not_read_ahead_by_accident(make_fetcher: MakeFetcher) -> None:
    class Wrapper:
        def __init__(self, inner: ReadAheadFetcher) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    wrapper = Wrapper(make_fetcher())
    assert wrapper.ahead is False
    assert not isinstance(wrapper, ReadsAhead)


def test_jobs_asked_for_ahead_are_had_later_and_settled_with_the_next_request(
    make_fetcher: MakeFetcher, raw: Any
) -> None:
    fetcher = make_fetcher()
    push(raw, b"a", b"b", b"c", b"d")
    first = fetcher.exchange((), 2)
    assert fetcher.begin(settled(first), 1)
    assert fetcher.ahead
    second = fetcher.finish()
    assert not fetcher.ahead
    assert (payloads(first), payloads(second)) == ([b"a", b"b"], [b"c"])
    assert held(raw, fetcher) == [b"c"]
    assert payloads(fetcher.exchange(settled(second), 5)) == [b"d"]
    assert held(raw, fetcher) == [b"d"]


def test_a_second_request_is_not_sent_while_one_is_on_its_way(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher()
    push(raw, b"a", b"b")
    assert fetcher.begin((), 1)
    assert not fetcher.begin((), 1)
    assert payloads(fetcher.finish()) == [b"a"]
    assert fetcher.finish() == [], "nothing is on its way"


def test_what_was_asked_for_before_its_queue_was_held_is_had_and_goes_back(make_fetcher: MakeFetcher, raw: Any) -> None:
    closed: set[str] = set()
    fetcher = make_fetcher(hold=lambda _names: closed)
    push(raw, b"a", b"b", b"c")
    fetcher.begin((), 2)
    closed.add("mail")
    units = fetcher.finish()
    assert payloads(units) == [b"a", b"b"]
    assert not fetcher.begin(settled(units, "back"), 2), "a request that takes jobs does not name that queue"
    assert fetcher.exchange(settled(units, "back"), 2) == []
    assert (raw.lrange(QUEUE, 0, -1), held(raw, fetcher)) == ([b"c", b"b", b"a"], [])
    assert fetcher.begin((), 2)
    assert fetcher.finish() == []


@pytest.mark.parametrize("then", ["exchange", "pass_on", "retire"])
def test_whatever_comes_next_finds_what_is_on_its_way(make_fetcher: MakeFetcher, raw: Any, then: str) -> None:
    fetcher = make_fetcher()
    push(raw, b"a", b"b", b"c")
    fetcher.begin((), 2)
    if then == "exchange":
        assert payloads(fetcher.exchange((), 2)) == [b"a", b"b"]
        assert payloads(fetcher.exchange((), 2)) == [b"c"]
    elif then == "pass_on":
        fetcher.pass_on()
        assert payloads(fetcher.exchange((), 2)) == [b"a", b"b"]
    else:
        fetcher.retire((), ())
        assert raw.lrange(QUEUE, 0, -1) == [b"c", b"b", b"a"], "handed back, the oldest is next"
        assert raw.zcard("{offsider}:owners") == 0


def test_a_script_that_redis_does_not_know_is_run_all_the_same(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher()
    push(raw, b"a", b"b")
    first = fetcher.exchange((), 1)
    raw.script_flush()
    fetcher.begin(settled(first), 1)
    assert payloads(fetcher.finish()) == [b"b"]
    assert held(raw, fetcher) == [b"b"]


@pytest.mark.parametrize("kind", ["done", "retry", "back"])
def test_when_the_reply_is_lost_jobs_are_found_and_settlements_move_once(
    make_fetcher: MakeFetcher, raw: Any, redis_url: str, kind: str
) -> None:
    proxy = Proxy(redis_url)
    fetcher = make_fetcher(proxy.url)
    push(raw, b"a", b"b")
    first = fetcher.exchange((), 1)
    proxy.lose_reply()
    fetcher.begin(settled(first, kind), 1)
    with pytest.raises(RedisUnavailable):
        fetcher.finish()
    found = payloads(fetcher.exchange((), 1))
    if kind == "back":
        assert found in ([b"a"], [b"b"])
        found += payloads(fetcher.exchange((), 1))
        assert sorted(found) == [b"a", b"b"]
    else:
        assert found == [b"b"]
        assert held(raw, fetcher) == [b"b"]
    assert raw.zcard("{offsider}:retry") == (kind == "retry")
    proxy.close()


def test_when_the_request_never_arrived_its_settlements_are_sent_again(
    make_fetcher: MakeFetcher, raw: Any, redis_url: str
) -> None:
    proxy = Proxy(redis_url)
    fetcher = make_fetcher(proxy.url)
    push(raw, b"a", b"b")
    first = fetcher.exchange((), 1)
    proxy.cut()

    def ahead() -> None:
        fetcher.begin(settled(first, "retry"), 1)  # where it is noticed is the system's affair
        fetcher.finish()

    with pytest.raises(RedisUnavailable):
        ahead()
    proxy.mend()
    assert payloads(fetcher.exchange((), 1)) == [b"b"]
    assert held(raw, fetcher) == [b"b"]
    assert raw.zrange("{offsider}:retry", 0, -1) == [b"a"]
    proxy.close()


def test_who_was_recovered_meanwhile_is_fenced_and_settles_nothing(make_fetcher: MakeFetcher, raw: Any) -> None:
    fetcher = make_fetcher()
    push(raw, b"a", b"b")
    first = fetcher.exchange((), 1)
    raw.zrem("{offsider}:owners", "me")
    fetcher.begin(settled(first, "retry"), 1)
    with pytest.raises(Fenced):
        fetcher.finish()
    assert not fetcher.ahead
    assert raw.zcard("{offsider}:retry") == 0
    assert raw.llen(QUEUE) == 1


def test_a_worker_with_short_jobs_reads_ahead_and_hands_all_back_when_it_is_quiet(
    app: App, start_worker: Callable[..., Worker], raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    begin = ReadAheadFetcher.begin

    def counted(self: ReadAheadFetcher, settlements: Any, want: int) -> bool:
        sent = begin(self, settlements, want)
        begun.append(want if sent else 0)
        return sent

    monkeypatch.setattr(ReadAheadFetcher, "begin", counted)
    ran: list[int] = []

    @app.job(name="short")
    def short(number: int) -> None:
        ran.append(number)

    short.enqueue_many([(number,) for number in range(30_000)])
    worker = start_worker(app)
    until(lambda: any(begun), what="a request was sent ahead")
    worker.quiet()
    worker.stop(5)
    left = raw.llen("{offsider}:queue:default")
    assert len(ran) + left == 30_000
    assert len(set(ran)) == len(ran), "none ran twice"
    assert not raw.keys("{offsider}:inflight:*")
