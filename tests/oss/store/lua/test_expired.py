"""expired.lua: whose lease has ended, by the server's clock; no lease is further ahead than the longest."""

from __future__ import annotations

from support.lua import LEASE_MS, Lua


def expired(lua: Lua, most: int = 20) -> tuple[float, list[str]]:
    """The server's time in seconds, and the owners."""
    now_ms, *owners = lua.run("expired", [lua.keys.owners], [LEASE_MS, most])
    return now_ms / 1000, [owner.decode() for owner in owners]


def test_those_whose_lease_has_ended_are_returned_the_longest_dead_first(lua: Lua) -> None:
    for owner, left_ms in (("living", 500), ("late", -10), ("dead", -5000)):
        lua.lease(owner, left_ms=left_ms)
    now_s, owners = expired(lua)
    assert owners == ["dead", "late"]
    assert abs(now_s - lua.now_s()) < 1


def test_without_owners_there_is_the_time_alone(lua: Lua) -> None:
    assert expired(lua)[1] == []


def test_the_question_moves_nothing_so_that_it_may_be_asked_again(lua: Lua) -> None:
    lua.lease("dead", left_ms=-10)
    lua.lease("living", left_ms=LEASE_MS - 1000)
    before = lua.snapshot()
    assert [expired(lua)[1], expired(lua)[1]] == [["dead"], ["dead"]]
    assert lua.snapshot() == before


def test_no_more_are_returned_than_asked_for(lua: Lua) -> None:
    for number in range(5):
        lua.lease(f"dead-{number}", left_ms=-1000 + number)
    assert expired(lua, 2)[1] == ["dead-0", "dead-1"]


def test_a_lease_from_before_the_clock_was_set_back_is_cut_to_the_longest(lua: Lua) -> None:
    lua.lease("from the future", left_ms=86_400_000)
    lua.lease("living", left_ms=LEASE_MS - 1000)
    assert expired(lua)[1] == []
    left = [lua.lease_left_s(owner) or 0 for owner in ("from the future", "living")]
    assert LEASE_MS / 1000 - 1 < left[0] <= LEASE_MS / 1000
    assert left[1] <= LEASE_MS / 1000 - 1


def test_a_full_redis_answers_and_cuts_leases_too(lua: Lua) -> None:
    lua.lease("dead", left_ms=-10)
    lua.lease("from the future", left_ms=86_400_000)
    with lua.full():
        assert expired(lua)[1] == ["dead"]
    assert (lua.lease_left_s("from the future") or 0) <= LEASE_MS / 1000


def test_one_call_cuts_a_hundred_leases_at_most(lua: Lua) -> None:
    for number in range(150):
        lua.lease(f"future-{number}", left_ms=86_400_000)
    lua.run("expired", [lua.keys.owners], [LEASE_MS, 20])
    far = lua.client.zcount(lua.keys.owners, (lua.now_s() + 2 * LEASE_MS / 1000) * 1000, "+inf")
    assert far == 50
