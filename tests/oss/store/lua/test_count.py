"""count: adds once for each number, all or nothing."""

from __future__ import annotations

import pytest
import redis

from support.lua import Lua

WORDS = [
    *(2, 60, "h", 2, "a|p", 3, "a|f", 1),
    *(3, 0, "i", 1, "", 3),
    *(4, 60, "b", 2, 0, 65_530, 25, 1),
]  # fmt: skip
KEYS = ["{shop}:flush:me", "{shop}:hash", "{shop}:number", "{shop}:bits"]


def count(lua: Lua, number: int) -> int:
    return int(lua.run("count", KEYS, [number, 60, *WORDS]))


def test_a_number_counts_once_and_an_older_one_never(lua: Lua) -> None:
    assert [count(lua, number) for number in (1, 1, 2, 1, 2)] == [1, 0, 1, 0, 0]
    assert lua.client.hgetall(KEYS[1]) == {b"a|p": b"6", b"a|f": b"2"}
    assert lua.client.get(KEYS[2]) == b"6"
    assert lua.client.bitfield(KEYS[3]).get("u16", "#0").get("u16", "#25").execute() == [65_535, 2]


def test_keys_expire_that_are_to(lua: Lua) -> None:
    count(lua, 1)
    assert [lua.client.ttl(key) for key in KEYS] == [60, 60, -1, 60]


def test_a_full_server_refuses_all_of_it(lua: Lua) -> None:
    lua.client.config_set("maxmemory", 1)
    with pytest.raises(redis.ResponseError):
        count(lua, 1)
    assert lua.client.keys("*") == []
    lua.client.config_set("maxmemory", 0)
    assert count(lua, 1) == 1
