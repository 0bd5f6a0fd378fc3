"""clear.lua: all of a queue or a set goes in one step, and nothing else."""

from __future__ import annotations

import pytest
import redis

from support.lua import Lua


def test_a_queue_goes_with_its_bell_and_its_name(lua: Lua) -> None:
    lua.push("mail", b"a", b"b")
    lua.push("low", b"c")
    lua.client.sadd(lua.keys.queues, "mail", "low")
    lua.client.lpush(lua.keys.bell("mail"), "1")
    assert lua.run("clear", [lua.keys.queue("mail"), lua.keys.queues, lua.keys.bell("mail")], ["mail"]) == 2
    assert sorted(lua.snapshot()) == sorted([lua.keys.queue("low").encode(), lua.keys.queues.encode()])
    assert lua.client.smembers(lua.keys.queues) == {b"low"}


def test_a_set_goes(lua: Lua) -> None:
    lua.client.zadd(lua.keys.dead, {"a": 1, "b": 2})
    with lua.full():
        assert lua.run("clear", [lua.keys.dead], [""]) == 2
    assert lua.run("clear", [lua.keys.dead], [""]) == 0
    assert lua.snapshot() == {}


def test_a_key_of_another_type_stays(lua: Lua) -> None:
    lua.client.set(lua.keys.dead, "mine")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        lua.run("clear", [lua.keys.dead], [""])
    assert lua.client.get(lua.keys.dead) == b"mine"
