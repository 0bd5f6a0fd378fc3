"""push.lua: jobs get into their queues and the schedule once, however often the request is repeated."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from support.lua import Lua

LANE = "lane-1"


def push(
    lua: Lua, number: int, *jobs: tuple[str | float, bytes], lane: str = LANE, lane_s: int = 3600, looks: bool = False
) -> Any:
    """Push ``(queue, payload)`` and ``(due, payload)`` pairs as one request."""
    names = list(dict.fromkeys(place for place, _payload in jobs if isinstance(place, str)))
    keys = [lua.keys.lane(lane), lua.keys.queues, lua.keys.schedule, lua.keys.schedule_bell, *lua.pairs(*names)]
    arguments: list[str | bytes | float] = [number, lane_s, f"+{lua.first_letter}" if looks else lua.first_letter]
    for place, payload in jobs:
        arguments += [5 + 2 * names.index(place) if isinstance(place, str) else f"@{place!r}", payload]
    return lua.run("push", keys, arguments)


def test_jobs_get_into_their_queues_in_order_and_the_queues_are_listed(lua: Lua) -> None:
    assert push(lua, 1, ("mail", b"1"), ("low", b"2"), ("mail", b"3")) == 1
    assert lua.waiting("mail") == [b"1", b"3"]
    assert lua.waiting("low") == [b"2"]
    assert lua.client.smembers(lua.keys.queues) == {b"mail", b"low"}


def test_the_bytes_of_a_payload_are_kept(lua: Lua) -> None:
    raw = bytes(range(256)) + b"\r\n"
    push(lua, 1, ("mail", raw), (9e9, raw))
    assert lua.waiting("mail") == [raw]
    assert lua.members(lua.keys.schedule) == [raw]


def test_a_bell_has_one_token_however_much_is_pushed(lua: Lua) -> None:
    push(lua, 1, ("mail", b"1"), ("mail", b"2"))
    push(lua, 2, ("mail", b"3"))
    assert lua.rings("mail") == 1


def test_a_repeated_request_puts_nothing_twice(lua: Lua) -> None:
    jobs: list[tuple[str | float, bytes]] = [("mail", b"1"), (9e9, b"2")]
    assert push(lua, 1, *jobs) == 1
    before = lua.snapshot()
    assert [push(lua, 1, *jobs), push(lua, 1, *jobs)] == [0, 0]
    assert lua.snapshot() == before


def test_a_repeated_request_puts_nothing_twice_after_the_job_was_taken(lua: Lua) -> None:
    push(lua, 1, ("mail", b"1"))
    lua.client.rpop(lua.keys.queue("mail"))
    assert push(lua, 1, ("mail", b"1")) == 0
    assert lua.waiting("mail") == []


def test_an_older_request_that_arrives_late_puts_nothing(lua: Lua) -> None:
    push(lua, 7, ("mail", b"7"))
    assert push(lua, 6, ("mail", b"6")) == 0
    assert push(lua, 7, ("mail", b"7")) == 0, "the lane has forgotten that it was at 7"
    assert push(lua, 8, ("mail", b"8")) == 1
    assert lua.waiting("mail") == [b"7", b"8"]


def test_lanes_do_not_know_each_other(lua: Lua) -> None:
    assert [push(lua, 1, ("mail", b"a"), lane="a"), push(lua, 1, ("mail", b"b"), lane="b")] == [1, 1]
    assert lua.waiting("mail") == [b"a", b"b"]


def test_a_lane_is_forgotten_after_its_time(lua: Lua) -> None:
    push(lua, 1, ("mail", b"1"), lane_s=1234)
    assert 1230 <= lua.client.ttl(lua.keys.lane(LANE)) <= 1234


def test_a_job_for_later_lies_in_the_schedule_under_its_exact_time(lua: Lua) -> None:
    assert push(lua, 1, (1755432000.123456, b"later")) == 1
    assert lua.client.zscore(lua.keys.schedule, b"later") == 1755432000.123456
    assert lua.client.smembers(lua.keys.queues) == set()


def test_the_bell_of_the_schedule_rings_for_a_new_earliest_entry_only(lua: Lua) -> None:
    push(lua, 1, (2000.0, b"b"))
    assert lua.client.lpop(lua.keys.schedule_bell) == b"1"
    push(lua, 2, (3000.0, b"c"))
    assert lua.client.llen(lua.keys.schedule_bell) == 0
    push(lua, 3, (4000.0, b"d"), (1000.0, b"a"))
    assert lua.client.llen(lua.keys.schedule_bell) == 1


def test_a_full_redis_refuses_the_whole_push_and_a_repetition_puts_it_once(lua: Lua) -> None:
    jobs: list[tuple[str | float, bytes]] = [(9e9, b"0"), ("mail", b"1"), ("low", b"2"), ("mail", b"3")]
    with lua.full():
        for _attempt in range(2):
            with pytest.raises(redis.ResponseError, match=r"OOM|command not allowed when used memory"):
                push(lua, 1, *jobs)
    assert lua.snapshot() == {}
    assert [push(lua, 1, *jobs), push(lua, 1, *jobs)] == [1, 0]
    assert (lua.waiting("mail"), lua.waiting("low")) == ([b"1", b"3"], [b"2"])


def test_a_thousand_jobs_fit_into_one_request(lua: Lua) -> None:
    payloads = [b"%d" % number for number in range(1000)]
    push(lua, 1, *(("mail", one) for one in payloads))
    assert lua.waiting("mail") == payloads


def test_a_thousand_queues_fit_into_one_request(lua: Lua) -> None:
    push(lua, 1, *((f"q{number}", b"%d" % number) for number in range(1000)))
    assert lua.client.scard(lua.keys.queues) == 1000
    assert (lua.waiting("q0"), lua.waiting("q999")) == ([b"0"], [b"999"])


def test_without_a_namespace_the_queue_is_listed_by_its_bare_name(lua: Lua) -> None:
    keys = ["lane:1", "queues", "schedule", "bell-schedule", "queue:mail", "bell:mail"]
    lua.run("push", keys, [1, 60, len("queue:") + 1, 5, b"payload"])
    assert lua.client.smembers("queues") == {b"mail"}


@pytest.mark.parametrize("kind", ["queue", "bell", "queues", "schedule", "schedule_bell"])
def test_the_first_push_of_a_lane_meets_another_type_before_it_writes(lua: Lua, kind: str) -> None:
    key = getattr(lua.keys, kind)
    lua.client.set(key("low") if callable(key) else key, "somebody else's")
    before = lua.snapshot()
    for _time in range(2):
        with pytest.raises(redis.ResponseError, match=r"is a string, expected a"):
            push(lua, 1, ("mail", b"1"), ("low", b"2"), (9e9, b"3"))
    assert lua.snapshot() == before


@pytest.mark.parametrize("kind", ["queue", "bell", "queues", "schedule", "schedule_bell"])
def test_a_push_that_asks_for_it_meets_another_type_before_it_writes_whatever_its_number(lua: Lua, kind: str) -> None:
    push(lua, 6, ("other", b"0"))
    key = getattr(lua.keys, kind)
    name = key("low") if callable(key) else key
    lua.client.delete(name)
    lua.client.set(name, "somebody else's")
    before = lua.snapshot()
    jobs: list[tuple[str | float, bytes]] = [("mail", b"1"), ("low", b"2"), (9e9, b"3")]
    for _time in range(2):
        with pytest.raises(redis.ResponseError, match=r"is a string, expected a"):
            push(lua, 7, *jobs, looks=True)
    assert lua.snapshot() == before
    lua.client.delete(name)
    assert [push(lua, 7, *jobs, looks=True), push(lua, 7, *jobs, looks=True)] == [1, 0]
    assert (lua.waiting("mail"), lua.waiting("low"), lua.client.smembers(lua.keys.queues)) == (
        [b"1"], [b"2"], {b"mail", b"low"} | ({b"other"} if kind != "queues" else set()),
    )  # fmt: skip
