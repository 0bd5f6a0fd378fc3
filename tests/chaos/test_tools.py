"""The tools of the chaos tests do what they say: each fault of the proxy is seen, each broken rule is found."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from offsider.store.keys import Keys
from offsider.store.scripts import load
from support.invariants import broken
from support.load import Effect
from support.proxy import Act, FaultyProxy, nth, number
from support.resp import end_of, words_of
from support.tally import Death, restart_times_s
from support.waiting import until

KEYS = Keys("tools")
PAYLOAD = b'{"jid":"%s"}'


@pytest.fixture
def client(proxy: FaultyProxy) -> redis.Redis:
    """A client through the proxy that resends nothing."""
    return redis.Redis(port=proxy.port, retry=Retry(NoBackoff(), 0), socket_timeout=1.0)


@pytest.mark.parametrize(
    ("act", "is_done"),
    [(Act.CUT, 0), (Act.LOSE, 1), (Act.TEAR, 1), (Act.RESET, 1), (Act.HANG, 0), (Act.MUTE, 1)],
    ids=lambda value: str(getattr(value, "value", "")),
)
def test_a_fault_is_seen_by_the_client_and_redis_has_done_it_or_not(
    act: Act, is_done: int, client: redis.Redis, proxy: FaultyProxy, raw: redis.Redis
) -> None:
    fault = proxy.fault(nth("INCR", 1), act)
    with pytest.raises((redis.ConnectionError, redis.TimeoutError)):
        client.execute_command("INCR", "n")
    assert int(raw.get("n") or 0) == is_done
    assert fault.done.is_set()
    assert [request.words for request in fault.hit] == [(b"INCR", b"n")]
    assert client.execute_command("INCR", "n") == is_done + 1, "the next connection is sound"


def test_a_late_reply_arrives_and_a_straggler_reaches_redis_when_it_is_released(
    client: redis.Redis, proxy: FaultyProxy, raw: redis.Redis
) -> None:
    proxy.fault(nth("INCR", 1), Act.LATE, seconds=0.3)
    began_s = time.monotonic()
    assert client.execute_command("INCR", "n") == 1
    assert time.monotonic() - began_s >= 0.3
    late = proxy.fault(nth("INCR", 2), Act.STRAGGLE)
    with pytest.raises(redis.ConnectionError):
        client.execute_command("INCR", "n")
    assert client.execute_command("INCR", "n") == 2
    late.release.set()
    until(lambda: raw.get("n") == b"3")


def test_requests_are_counted_by_the_names_of_their_scripts(client: redis.Redis, proxy: FaultyProxy) -> None:
    client.ping()
    before = len(proxy.seen)
    script = load("due")
    client.eval(script.text, 2, "a", "b", 1)
    client.evalsha(script.sha, 2, "a", "b", 1)
    assert proxy.seen[before:] == ["due", "due"]
    assert proxy.counts["due"] == 2
    proxy.fault(number(len(proxy.seen) + 1), Act.CUT)
    with pytest.raises(redis.ConnectionError):
        client.ping()


def test_a_refusing_proxy_refuses_and_accepts_again_on_its_port(client: redis.Redis, proxy: FaultyProxy) -> None:
    client.ping()
    proxy.refuse()
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            client.ping()
    proxy.accept()
    assert client.ping()


@pytest.mark.parametrize("protocol", [2, 3])
def test_replies_of_every_kind_pass_whole(protocol: int, proxy: FaultyProxy) -> None:
    client = redis.Redis(port=proxy.port, protocol=protocol)
    client.hset("hash", mapping={"a": "x" * 300_000, "b": "\r\n"})
    client.zadd("zset", {"m": 1.5})
    assert client.hgetall("hash") == {b"a": b"x" * 300_000, b"b": b"\r\n"}
    assert client.zrange("zset", 0, -1, withscores=True)[0][1] == 1.5
    assert client.get("nothing") is None
    assert len(client.pipeline().ping().ping().execute()) == 2
    client.close()


def test_the_end_of_a_message_is_found_in_pieces() -> None:
    message = b"|1\r\n+k\r\n:1\r\n%1\r\n$1\r\na\r\n*2\r\n,1.5\r\n_\r\n"
    assert [end_of(message[:size]) for size in range(len(message))] == [-1] * len(message)
    assert end_of(message) == end_of(message + b"+more") == len(message)
    assert words_of(b"*2\r\n$4\r\nPING\r\n$2\r\n\r\n\r\n") == [b"PING", b"\r\n"]


# -- invariants ----------------------------------------------------------------------------------------------

Break = Callable[[redis.Redis], object]
BREAKS: dict[str, tuple[Break, str]] = {
    "twice in a queue": (lambda raw: raw.rpush(KEYS.queue("a"), PAYLOAD % b"j", PAYLOAD % b"j"), "lies in 2 places"),
    "queue and retry": (
        lambda raw: (raw.rpush(KEYS.queue("a"), PAYLOAD % b"j"), raw.zadd(KEYS.retry, {PAYLOAD % b"j": 1})),
        "lies in 2 places: queue:a, retry",
    ),
    "quarantine and dead": (
        lambda raw: (
            raw.zadd(KEYS.quarantine, {b"{}\n" + PAYLOAD % b"j": 1}),
            raw.zadd(KEYS.dead, {PAYLOAD % b"j": 1}),
        ),
        "lies in 2 places: dead, quarantine",
    ),
    "no lease": (lambda raw: raw.hset(KEYS.inflight("o"), "1:a", PAYLOAD % b"j"), "without a lease"),
    "no life": (lambda raw: raw.zadd(KEYS.owners, {"o": 1}), "has a lease and does not live"),
    "too long a lease": (lambda raw: raw.zadd(KEYS.owners, {"o": 9e12}), "the longest is 2 s"),
    "a leaked key": (lambda raw: raw.set(f"{KEYS.prefix}left-over", 1), "is nobody's"),
    "an endless key": (lambda raw: raw.set(KEYS.lane("0" * 18), 1), "never ends"),
    "two tokens": (lambda raw: raw.lpush(KEYS.bell("a"), 1, 1), "has 2 tokens"),
    "an unlisted queue": (lambda raw: raw.lpush(KEYS.queue("a"), PAYLOAD % b"j"), "is not listed"),
    "a stranger": (lambda raw: raw.set("queue:default", 1), "has no prefix"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_rule_is_found(name: str, raw: redis.Redis) -> None:
    break_it, sentence = BREAKS[name]
    assert broken(raw, KEYS, lease_s=2.0, living=()) == []
    break_it(raw)
    assert any(sentence in found for found in broken(raw, KEYS, lease_s=2.0, living=()))


def test_the_time_from_a_death_to_the_next_start_is_of_jobs_that_had_not_ended() -> None:
    effects = [
        Effect("S", "open", 0, 1, 10.0, "work"),
        Effect("S", "ended", 0, 1, 10.0, "work"),
        Effect("E", "ended", 0, 1, 10.5, "work"),
        Effect("S", "lost", 0, 1, 10.9, "work"),
        Effect("S", "other", 0, 2, 10.9, "work"),
        Effect("S", "open", 0, 2, 13.0, "work"),
        Effect("S", "ended", 0, 2, 15.0, "work"),
    ]
    assert restart_times_s(effects, [Death(1, 11.0)]) == [2.0, float("inf")]
