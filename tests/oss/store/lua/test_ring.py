"""ring.lua: who was woken and has no free slot rings for another, where there are jobs."""

from __future__ import annotations

from support.lua import Lua


def ring(lua: Lua, *queues: str) -> int:
    rung: int = lua.run("ring", lua.pairs(*queues), [])
    return rung


def test_only_queues_that_have_jobs_are_rung_for(lua: Lua) -> None:
    lua.push("mail", b"a")
    lua.push("low", b"b")
    assert ring(lua, "mail", "empty", "low") == 2
    assert [lua.rings(queue) for queue in ("mail", "empty", "low")] == [1, 0, 1]
    assert (lua.waiting("mail"), lua.waiting("low")) == ([b"a"], [b"b"])


def test_a_bell_has_one_token_however_often_it_is_rung(lua: Lua) -> None:
    lua.push("mail", b"a")
    assert [ring(lua, "mail"), ring(lua, "mail")] == [1, 1]
    assert lua.rings("mail") == 1


def test_where_nothing_waits_nothing_is_rung(lua: Lua) -> None:
    assert ring(lua, "mail") == 0
    assert lua.snapshot() == {}


def test_a_full_redis_rings_too(lua: Lua) -> None:
    lua.push("mail", b"a")
    with lua.full():
        assert ring(lua, "empty", "mail") == 1
    assert lua.rings("mail") == 1
