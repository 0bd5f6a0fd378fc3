"""sizes.lua: how many jobs wait in each queue, and the next one."""

from __future__ import annotations

from support.lua import Lua


def test_each_queue_has_a_length_and_a_next_one(lua: Lua) -> None:
    lua.client.lpush("q", "first", "second")
    assert lua.run("sizes", ["q", "none"], []) == [2, b"first", 0, None]


def test_a_key_of_another_type_is_an_empty_queue(lua: Lua) -> None:
    lua.client.set("q", "a")
    lua.client.lpush("r", "b")
    assert lua.run("sizes", ["q", "r"], []) == [0, None, 1, b"b"]
