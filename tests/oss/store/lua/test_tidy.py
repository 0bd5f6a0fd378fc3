"""tidy.lua: who is listed and gone is forgotten, who lives is not."""

from __future__ import annotations

from support.lua import Lua


def test_only_who_is_gone_is_forgotten(lua: Lua) -> None:
    lua.client.sadd(lua.keys.processes, "gone", "alive", "other")
    lua.client.hset(lua.keys.process("alive"), "info", "{}")
    keys = [lua.keys.processes, lua.keys.process("gone"), lua.keys.process("alive")]
    with lua.full():
        assert lua.run("tidy", keys, ["gone", "alive"]) == 1
    assert lua.client.smembers(lua.keys.processes) == {b"alive", b"other"}
    assert lua.run("tidy", keys, ["gone", "alive"]) == 0
