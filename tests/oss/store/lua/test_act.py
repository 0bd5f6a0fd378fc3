"""act.lua: what is done by hand to entries of a set happens once, in one change, whoever else acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import redis

from support.lua import Lua

Entry = tuple[bytes, str, bytes]


def act(lua: Lua, kind: str, entries: Sequence[Entry], *, key: str = "", most: int = 100, oldest_s: int = 1000) -> Any:
    """Act on ``(member, queue or time, payload)``; the reply."""
    names = list(dict.fromkeys(place for _member, place, _payload in entries)) if kind == "queue" else []
    words: list[str | bytes | float] = [lua.first_letter, most, oldest_s]
    for member, place, payload in entries:
        words += [kind, member, 5 + 2 * names.index(place) if names else place, payload]
    keys = [key or lua.keys.retry, lua.keys.dead, lua.keys.queues, lua.keys.schedule_bell, *lua.pairs(*names)]
    return lua.run("act", keys, words)


def fill(lua: Lua, *members: str) -> None:
    lua.client.zadd(lua.keys.retry, {member: lua.now_s() + 100 + k for k, member in enumerate(members)})


def test_entries_get_into_their_queues_with_the_given_payload_and_bells_ring(lua: Lua) -> None:
    fill(lua, "a", "b", "c")
    assert act(lua, "queue", [(b"a", "mail", b"A"), (b"b", "low", b"B"), (b"x", "mail", b"X")]) == [1, 1, 0]
    assert (lua.waiting("mail"), lua.waiting("low")) == ([b"A"], [b"B"])
    assert (lua.rings("mail"), lua.rings("low")) == (1, 1)
    assert lua.client.smembers(lua.keys.queues) == {b"mail", b"low"}
    assert lua.members(lua.keys.retry) == [b"c"]


def test_the_dead_are_bounded_and_have_the_servers_time(lua: Lua) -> None:
    fill(lua, "a", "b", "c")
    lua.client.zadd(lua.keys.dead, {"old": lua.now_s() - 2000, "older": 5.0})
    assert act(lua, "dead", [(b"a", "0", b"a"), (b"b", "0", b"b")], most=1) == [1, 1]
    assert lua.members(lua.keys.dead) == [b"b"]
    assert abs(lua.due_in_s(lua.keys.dead, b"b")) < 1
    assert lua.members(lua.keys.retry) == [b"c"]


def test_deleting_says_what_was_there(lua: Lua) -> None:
    fill(lua, "a", "b")
    assert act(lua, "delete", [(b"a", "0", b""), (b"x", "0", b"")]) == [1, 0]
    assert lua.members(lua.keys.retry) == [b"b"]


def test_another_time_is_given_to_the_same_entry_and_the_bell_rings_for_the_first(lua: Lua) -> None:
    fill(lua, "a", "b")
    assert act(lua, "at", [(b"b", f"{lua.now_s() + 200:.6f}", b"")]) == [1]
    assert lua.client.llen(lua.keys.schedule_bell) == 0
    assert act(lua, "at", [(b"b", f"{lua.now_s() + 5:.6f}", b""), (b"x", "5", b"")]) == [1, 0]
    assert lua.members(lua.keys.retry) == [b"b", b"a"]
    assert 4 < lua.due_in_s(lua.keys.retry, b"b") < 5
    assert lua.client.llen(lua.keys.schedule_bell) == 1


@pytest.mark.parametrize("kind", ["queue", "dead", "delete"])
def test_repeated_it_does_nothing(lua: Lua, kind: str) -> None:
    fill(lua, "a")
    assert act(lua, kind, [(b"a", "mail", b"A")]) == [1]
    before = lua.snapshot()
    assert act(lua, kind, [(b"a", "mail", b"A")]) == [0]
    assert lua.snapshot() == before


@pytest.mark.parametrize("kind", ["queue", "dead", "delete"])
def test_a_full_redis_can_be_emptied(lua: Lua, kind: str) -> None:
    fill(lua, "a")
    with lua.full():
        assert act(lua, kind, [(b"a", "mail", b"A")]) == [1]
    assert lua.members(lua.keys.retry) == []


def test_a_queue_that_is_no_list_is_refused_before_anything_is_written(lua: Lua) -> None:
    fill(lua, "a", "b")
    lua.client.set(lua.keys.queue("odd"), "mine")
    before = lua.snapshot()
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        act(lua, "queue", [(b"a", "mail", b"A"), (b"b", "odd", b"B")])
    assert lua.snapshot() == before


@pytest.mark.parametrize(("kind", "place"), [("dead", "dead"), ("queue", "queues"), ("queue", "bell:mail")])
def test_a_place_of_another_type_is_refused_before_anything_is_written(lua: Lua, kind: str, place: str) -> None:
    fill(lua, "a", "b")
    lua.client.set(f"{lua.keys.prefix}{place}", "mine")
    before = lua.snapshot()
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        act(lua, kind, [(b"a", "mail", b"A"), (b"b", "mail", b"B")])
    assert lua.snapshot() == before
    assert act(lua, "delete", [(b"a", "0", b"")]) == [1], "who needs it not is not kept from it"


@pytest.mark.parametrize("time", ["-1", "nan", "x", "1e12"])
def test_a_time_that_cannot_be_is_refused_before_anything_is_written(lua: Lua, time: str) -> None:
    fill(lua, "a", "b")
    before = lua.snapshot()
    with pytest.raises(redis.ResponseError, match="expected seconds since 1970"):
        act(lua, "at", [(b"a", "5", b""), (b"b", time, b"")])
    assert lua.snapshot() == before


def test_a_slice_of_five_hundred_moves_in_one_request(lua: Lua) -> None:
    fill(lua, *map(str, range(500)))
    entries = [(b"%d" % k, f"q{k % 7}", b"%d" % k) for k in range(500)]
    assert sum(act(lua, "queue", entries)) == 500
    assert sum(len(lua.waiting(f"q{k}")) for k in range(7)) == 500
