"""look.lua: type, time to live and size of keys of every kind."""

from __future__ import annotations

from support.lua import Lua


def test_every_type_is_told_with_its_size_and_its_end(lua: Lua) -> None:
    client = lua.client
    client.set("s", "abc", ex=100)
    client.rpush("l", 1, 2)
    client.sadd("u", 1)
    client.zadd("z", {"a": 1, "b": 2, "c": 3})
    client.hset("h", mapping={"a": 1})
    client.xadd("x", {"a": 1})
    reply = lua.run("look", ["s", "l", "u", "z", "h", "x", "none"], [])
    assert reply == [
        *(b"string", 100, 3), *(b"list", -1, 2), *(b"set", -1, 1), *(b"zset", -1, 3), *(b"hash", -1, 1),
        *(b"stream", -1, 0), *(b"none", -2, 0),
    ]  # fmt: skip


def test_nothing_is_asked_of_nothing(lua: Lua) -> None:
    assert lua.run("look", [], []) == []
