"""adopt.lua: jobs without a lease are found, and get one that has ended."""

from __future__ import annotations

from support.lua import Lua


def adopt(lua: Lua, owner: str, mend: int) -> object:
    return lua.run("adopt", [lua.keys.owners, lua.keys.inflight(owner)], [owner, mend])


def test_looking_changes_nothing(lua: Lua) -> None:
    lua.client.hset(lua.keys.inflight("o"), mapping={"1:q": "a", "2:q": "b"})
    assert adopt(lua, "o", 0) == 2
    assert lua.client.zcard(lua.keys.owners) == 0
    assert lua.client.hlen(lua.keys.inflight("o")) == 2


def test_they_get_a_lease_that_has_ended_and_no_crash_is_counted(lua: Lua) -> None:
    lua.client.hset(lua.keys.inflight("o"), "1:q", "a")
    assert adopt(lua, "o", 1) == 1
    assert lua.client.zscore(lua.keys.owners, "o") == 1
    assert lua.client.hgetall(lua.keys.inflight("o")) == {b"1:q": b"a", b"stopped": b"1"}
    assert adopt(lua, "o", 1) == 0, "it has one now"


def test_who_has_a_lease_or_nothing_is_left_alone(lua: Lua) -> None:
    lua.client.zadd(lua.keys.owners, {"o": 5})
    lua.client.hset(lua.keys.inflight("o"), "1:q", "a")
    assert (adopt(lua, "o", 1), adopt(lua, "nobody", 1)) == (0, 0)
    assert lua.client.zrange(lua.keys.owners, 0, -1, withscores=True) == [(b"o", 5.0)]
    assert lua.client.hlen(lua.keys.inflight("o")) == 1
