"""forget_cursors.lua: what is remembered of a job goes once nobody can run it again."""

from __future__ import annotations

from typing import Any

from support.lua import OWNER, Lua

PAYLOAD = b'{"jid":"j1"}'


def forget(lua: Lua, **fields: str) -> Any:
    """The script's reply; fields by jid."""
    keys = [lua.keys.owners, lua.inflight, *map(lua.keys.cursor, fields)]
    return lua.run("forget_cursors", keys, [OWNER, *fields.values()])


def kept(lua: Lua, *jids: str) -> None:
    """Remember something of these jobs."""
    for jid in jids:
        lua.client.hset(lua.keys.cursor(jid), "c", "7")


def left(lua: Lua) -> set[bytes]:
    """What is still remembered."""
    return set(lua.client.keys(lua.keys.cursor("*")))


def test_what_is_settled_is_forgotten_and_what_is_in_flight_is_not(lua: Lua) -> None:
    lua.lease()
    lua.hold({"2:default": PAYLOAD})
    kept(lua, "a", "b", "c")
    assert forget(lua, a="1:default", b="2:default", c="3:mail") == [1, 0, 1]
    assert left(lua) == {lua.keys.cursor("b").encode()}
    assert forget(lua, b="2:default") == [0]


def test_an_owner_without_a_lease_forgets_nothing(lua: Lua) -> None:
    kept(lua, "a")
    assert forget(lua, a="1:default") == []
    lua.lease(left_ms=-1)
    assert forget(lua, a="1:default") == []
    assert len(left(lua)) == 1, "others may have its jobs"


def test_a_full_redis_forgets(lua: Lua) -> None:
    lua.lease()
    kept(lua, "a")
    with lua.full():
        assert forget(lua, a="1:default") == [1]
    assert left(lua) == set()
