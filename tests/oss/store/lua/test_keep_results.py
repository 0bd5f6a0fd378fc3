"""keep_results.lua: only who holds a job says what it returned, and a full Redis says no."""

from __future__ import annotations

import pytest
import redis

from support.lua import Lua


def keep(lua: Lua, **results: bytes) -> int:
    keys = [lua.inflight, *map(lua.keys.result, results)]
    words: list[str | bytes | float] = []
    for jid, result in results.items():
        words += [f"{jid}:mail", 60, result]
    kept: int = lua.run("keep_results", keys, words)
    return kept


def test_a_result_is_a_list_of_one_for_its_time_however_often_it_is_said(lua: Lua) -> None:
    lua.hold({"a:mail": b"{}", "b:mail": b"{}"})
    assert [keep(lua, a=b"1", b=b"2"), keep(lua, a=b"1", b=b"3")] == [2, 2]
    assert lua.client.lrange(lua.keys.result("a"), 0, -1) == [b"1"]
    assert lua.client.lrange(lua.keys.result("b"), 0, -1) == [b"3"]
    assert 0 < lua.client.ttl(lua.keys.result("a")) <= 60


def test_who_does_not_hold_the_job_says_nothing(lua: Lua) -> None:
    lua.hold({"a:mail": b"{}"})
    assert keep(lua, a=b"1", b=b"2") == 1
    assert not lua.client.exists(lua.keys.result("b"))


def test_a_full_redis_refuses_them(lua: Lua) -> None:
    lua.hold({"a:mail": b"{}"})
    with lua.full(), pytest.raises(redis.ResponseError):
        keep(lua, a=b"1")
    assert not lua.client.exists(lua.keys.result("a"))
