"""copies.lua: how often a payload lies in each of some places."""

from __future__ import annotations

from support.lua import Lua


def test_each_place_is_counted(lua: Lua) -> None:
    client = lua.client
    client.rpush("l", "a", "b", "a", "a")
    client.zadd("z", {"a": 1})
    client.hset("h", mapping={"1:q": "a", "2:q": "b"})
    keys = ["l", "l", "z", "z", "h", "h", "h"]
    words = ["list", "", "a", "list", "", "c", "zset", "", "a", "zset", "", "b"]
    words += ["hash", "1:q", "a", "hash", "2:q", "a", "hash", "3:q", "a"]
    assert lua.run("copies", keys, words) == [2, 0, 1, 0, 1, 0, 0]


def test_a_key_of_another_type_has_none(lua: Lua) -> None:
    lua.client.set("l", "a")
    assert lua.run("copies", ["l", "l", "none"], ["list", "", "a", "hash", "f", "a", "zset", "", "a"]) == [0, 0, 0]
