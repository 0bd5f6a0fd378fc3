"""renew.lua: a lease is opened once and prolonged by who still holds it, in the server's time."""

from __future__ import annotations

import pytest

from support.lua import LEASE_MS, OWNER, Lua


def renew(lua: Lua, *, opening: bool, lease_ms: int = LEASE_MS) -> tuple[bool, float]:
    """Held, and the server's time in seconds."""
    held, now_ms = lua.run("renew", [lua.keys.owners, lua.inflight], [OWNER, lease_ms, "1" if opening else "0"])
    return bool(held), now_ms / 1000


def test_a_lease_is_opened_and_ends_in_server_time(lua: Lua) -> None:
    held, now_s = renew(lua, opening=True)
    assert held
    assert abs(now_s - lua.now_s()) < 1
    left_s = lua.lease_left_s()
    assert left_s is not None
    assert LEASE_MS / 1000 - 1 < left_s <= LEASE_MS / 1000


@pytest.mark.parametrize("left_ms", [100, -100], ids=["living", "ended but not recovered"])
def test_a_lease_that_nobody_took_is_prolonged(lua: Lua, left_ms: int) -> None:
    lua.lease(left_ms=left_ms)
    assert renew(lua, opening=False)[0]
    assert (lua.lease_left_s() or 0) > LEASE_MS / 1000 - 1


def test_prolonging_again_and_again_changes_nothing_else(lua: Lua) -> None:
    lua.lease()
    lua.hold({"1:mail": b"a"})
    assert [renew(lua, opening=False)[0] for _ in range(3)] == [True, True, True]
    assert lua.held() == {"1:mail": b"a"}
    assert lua.client.zcard(lua.keys.owners) == 1


def test_a_lease_that_was_recovered_is_refused_and_not_opened_again(lua: Lua) -> None:
    lua.lease("another")
    before = lua.snapshot()
    assert [renew(lua, opening=False)[0] for _ in range(2)] == [False, False]
    assert lua.snapshot() == before


@pytest.mark.parametrize("opening", [True, False])
def test_a_full_redis_lets_a_worker_live(lua: Lua, opening: bool) -> None:
    lua.lease(left_ms=100)
    with lua.full():
        assert renew(lua, opening=opening)[0]
    assert (lua.lease_left_s() or 0) > LEASE_MS / 1000 - 1
