"""Windows reach Redis once, in the layout of the format, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App
from offsider.contract.measures import Tally, Window
from offsider.errors import RedisRefused, RedisUnavailable
from offsider.metrics import sink as sinks
from offsider.metrics.sink import RedisSink
from offsider.metrics.stamps import day, one_minute, ten_minutes, unpadded
from offsider.testing.proxy import Proxy

MINUTE = 28_992_003  # 14 February 2025, 8:03
EIGHT_HOURS_S, THREE_DAYS_S = 8 * 3600, 72 * 3600


def window(minute: int = MINUTE, **jobs: Tally) -> Window:
    """One in which jobs came out of the queue ``mail``."""
    queue = Tally()
    for tally in jobs.values():
        queue.add(tally)
    return Window(minute, jobs, {"mail": queue})


def tally(processed: int = 3, failed: int = 1) -> Tally:
    """One with times."""
    return Tally(processed, failed, 1500.4, {0: 1, 11: 1}, 70.0, {0: 2, 25: 1})


@pytest.fixture
def sink(app: App) -> Iterator[RedisSink]:
    """A sink of one process."""
    one = RedisSink(app.connections, app.keys, "host:1:ab")
    yield one
    one.close()


def numbers(raw: Any, key: str) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in raw.hgetall(f"{{offsider}}:{key}").items()}


def test_what_is_written_is_what_the_format_says(sink: RedisSink, raw: Any) -> None:
    sink.write([window(buy=tally())])
    for stamp, expiry_s in ((one_minute(MINUTE), EIGHT_HOURS_S), (ten_minutes(MINUTE), THREE_DAYS_S)):
        assert numbers(raw, f"j|{stamp}") == {"buy|p": 3, "buy|f": 1, "buy|ms": 1500}
        assert numbers(raw, f"m|buy|{stamp}") == {
            "us": 1_500_400, "wms": 70, "r0": 1, "r11": 1, "w0": 2, "w25": 1,
        }  # fmt: skip
        assert numbers(raw, f"q|{stamp}") == {
            "mail|p": 3, "mail|f": 1, "mail|ms": 1500, "mail|us": 1_500_400, "mail|wms": 70, "mail|r0": 1,
            "mail|r11": 1, "mail|w0": 2, "mail|w25": 1,
        }  # fmt: skip
        for key in (f"j|{stamp}", f"m|buy|{stamp}", f"q|{stamp}"):
            assert expiry_s - 60 < raw.ttl(f"{{offsider}}:{key}") <= expiry_s
    assert numbers(raw, "totals")["buy|p"] == 3
    assert raw.get("{offsider}:stat:processed") == b"3"
    assert raw.get(f"{{offsider}}:stat:failed:{day(MINUTE)}") == b"1"
    assert not raw.keys("{offsider}:h|*"), "that is for Sidekiq's pages only"


def test_without_a_namespace_there_is_sidekiqs_histogram_and_it_does_not_run_over(
    make_app: Callable[..., App], raw: Any
) -> None:
    app = make_app(namespace="")
    sink = RedisSink(app.connections, app.keys, "host:1:ab")
    sink.write([window(buy=Tally(70_001, took={0: 70_000, 25: 1}))])
    sink.write([window(buy=Tally(1, took={25: 1}))])
    key = f"h|buy-{unpadded(MINUTE)}"
    assert raw.bitfield(key).get("u16", "#0").get("u16", "#1").get("u16", "#25").execute() == [65_535, 0, 2]
    assert raw.strlen(key) == 52
    assert EIGHT_HOURS_S - 60 < raw.ttl(key) <= EIGHT_HOURS_S
    assert raw.hget("j|250214|8:03", "buy|p") == b"70002"
    sink.close()


def test_two_writes_and_two_processes_add_up(app: App, sink: RedisSink, raw: Any) -> None:
    other = RedisSink(app.connections, app.keys, "host:2:cd")
    sink.write([window(buy=tally())])
    sink.write([window(buy=tally()), window(MINUTE + 1, buy=tally())])
    other.write([window(buy=tally())])
    other.close()
    assert numbers(raw, f"j|{one_minute(MINUTE)}")["buy|p"] == 9
    assert numbers(raw, f"j|{one_minute(MINUTE + 1)}")["buy|p"] == 3
    assert numbers(raw, f"j|{ten_minutes(MINUTE)}")["buy|p"] == 12


def test_windows_are_left_as_they_were(sink: RedisSink) -> None:
    one = window(buy=tally())
    sink.write([one, one])
    assert one == window(buy=tally())


def test_nothing_costs_no_request(sink: RedisSink, raw: Any) -> None:
    sink.write([])
    assert raw.keys("*") == []


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    """A way to Redis that fails when it is told to."""
    one = Proxy(redis_url)
    yield one
    one.close()


@pytest.fixture
def shaky(make_app: Callable[..., App], proxy: Proxy) -> Iterator[RedisSink]:
    """A sink behind it."""
    app = make_app(proxy.url)
    one = RedisSink(app.connections, app.keys, "host:1:ab")
    yield one
    one.close()


def test_a_lost_reply_counts_nothing_twice(shaky: RedisSink, proxy: Proxy, raw: Any) -> None:
    shaky.write([window(buy=tally())])
    proxy.lose_reply()
    with pytest.raises(RedisUnavailable):
        shaky.write([window(buy=tally())])
    assert raw.get("{offsider}:stat:processed") == b"6", "it was done, and nobody knows"
    shaky.write([window(buy=tally())])
    shaky.write([])
    assert raw.get("{offsider}:stat:processed") == b"9"
    assert numbers(raw, "totals")["buy|p"] == 9


def test_an_outage_costs_nothing_and_what_was_measured_meanwhile_keeps_its_minute(
    shaky: RedisSink, proxy: Proxy, raw: Any
) -> None:
    proxy.cut()
    for minute in range(3):
        with pytest.raises(RedisUnavailable):
            shaky.write([window(MINUTE + minute, buy=tally())])
    proxy.mend()
    shaky.write([])
    for minute in range(3):
        assert numbers(raw, f"j|{one_minute(MINUTE + minute)}")["buy|p"] == 3
    assert raw.get("{offsider}:stat:processed") == b"9"


def test_what_waits_is_bounded_and_adds_up_all_the_same(
    shaky: RedisSink, proxy: Proxy, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "MOST_TALLIES", 10)
    proxy.cut()
    for minute in range(100):
        with pytest.raises(RedisUnavailable):
            shaky.write([window(MINUTE + minute, buy=tally(), sell=tally())])
    assert len(shaky._kept) <= 10
    proxy.mend()
    shaky.write([])
    assert raw.get("{offsider}:stat:processed") == b"600"
    assert numbers(raw, f"j|{one_minute(MINUTE + 99)}") == {
        "buy|p": 3, "buy|f": 1, "buy|ms": 1500, "sell|p": 3, "sell|f": 1, "sell|ms": 1500,
    }  # fmt: skip


def test_many_jobs_are_written_in_several_requests(sink: RedisSink, raw: Any) -> None:
    sink.write([window(**{f"job{number}": Tally(1, took={0: 1}) for number in range(500)})])
    assert int(raw.get("{offsider}:flush:host:1:ab")) == -(-501 // sinks.BATCH)
    assert len(numbers(raw, f"j|{one_minute(MINUTE)}")) == 500
    assert raw.get("{offsider}:stat:processed") == b"500"


def test_a_full_redis_refuses_it_and_gets_it_later(make_app: Callable[..., App], make_server: Any) -> None:
    server = make_server()
    app = make_app(server.url)
    client = server.client()
    sink = RedisSink(app.connections, app.keys, "host:1:ab")
    client.config_set("maxmemory", 1)
    with pytest.raises(RedisRefused):
        sink.write([window(buy=tally())])
    assert client.keys("*") == []
    client.config_set("maxmemory", 0)
    sink.write([])
    assert client.get("{offsider}:stat:processed") == b"3"
    sink.close()
    client.close()
