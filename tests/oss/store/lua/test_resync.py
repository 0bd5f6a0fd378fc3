"""resync.lua: who lost a reply goes on under another name and learns what it holds; the lost request finds nobody."""

from __future__ import annotations

from typing import Any

from support.lua import LEASE_MS, OWNER, Lua

RENAMED = f"{OWNER}~1"


def resync(lua: Lua) -> Any:
    keys = [lua.keys.owners, lua.inflight, lua.keys.inflight(RENAMED)]
    return lua.run("resync", keys, [OWNER, RENAMED, LEASE_MS])


def fields(reply: Any) -> dict[bytes, bytes]:
    """What a living owner was told."""
    alive, *flat = reply
    assert alive == 1
    return dict(zip(flat[::2], flat[1::2], strict=True))


def test_an_owner_learns_what_it_holds_and_holds_it_under_the_new_name(lua: Lua) -> None:
    lua.lease(left_ms=100)
    raw = b"\x00\xff\r\n"
    lua.hold({"1:mail": raw, "2:low": b"b"})
    lua.hold({"1:mail": b"of another"}, owner="another")
    assert fields(resync(lua)) == {b"1:mail": raw, b"2:low": b"b"}
    assert lua.held(RENAMED) == {"1:mail": raw, "2:low": b"b"}
    assert lua.held() == {}
    assert lua.held("another") == {"1:mail": b"of another"}


def test_the_new_name_has_a_whole_lease_and_the_old_one_has_none(lua: Lua) -> None:
    lua.lease(left_ms=100)
    lua.hold({"1:mail": b"a"})
    resync(lua)
    assert lua.lease_left_s() is None
    left_s = lua.lease_left_s(RENAMED)
    assert left_s is not None
    assert LEASE_MS / 1000 - 1 < left_s <= LEASE_MS / 1000


def test_an_owner_with_empty_hands_goes_on_too(lua: Lua) -> None:
    lua.lease()
    assert resync(lua) == [1]
    assert lua.lease_left_s(RENAMED) is not None


def test_repeated_it_says_the_same_and_changes_nothing(lua: Lua) -> None:
    lua.lease()
    lua.hold({"1:mail": b"a"})
    first = resync(lua)
    before = lua.snapshot()
    assert [resync(lua), resync(lua)] == [first, first]
    assert lua.snapshot() == before


def test_who_lost_its_lease_is_told_so_whatever_still_lies_there(lua: Lua) -> None:
    lua.hold({"1:mail": b"a"})
    before = lua.snapshot()
    assert [resync(lua), resync(lua)] == [[0], [0]]
    assert lua.snapshot() == before


def test_a_request_that_arrives_late_under_the_old_name_is_refused(lua: Lua) -> None:
    lua.lease()
    lua.push("mail", b"waits")
    resync(lua)
    keys = lua.keys
    fixed = [keys.owners, lua.inflight, keys.retry, keys.dead, keys.schedule, keys.quarantine, keys.schedule_bell]
    late = [OWNER, LEASE_MS, 1, 1, lua.first_letter, 10, 1000, 0]
    assert lua.run("exchange", [*fixed, *lua.pairs("mail")], late) == [-1]
    assert lua.run("renew", [keys.owners, lua.inflight], [OWNER, LEASE_MS, "0"])[0] == 0
    assert lua.waiting("mail") == [b"waits"]


def test_a_full_redis_answers_too(lua: Lua) -> None:
    lua.lease()
    lua.hold({"1:mail": b"a"})
    with lua.full():
        assert fields(resync(lua)) == fields(resync(lua)) == {b"1:mail": b"a"}
    assert lua.held(RENAMED) == {"1:mail": b"a"}


def test_a_thousand_entries_are_one_answer(lua: Lua) -> None:
    lua.lease()
    held = {f"{number}:mail": b"%d" % number for number in range(1000)}
    lua.hold(held)
    assert {field.decode(): value for field, value in fields(resync(lua)).items()} == held
