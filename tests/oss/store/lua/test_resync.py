"""resync.lua: who lost a reply learns what it holds, and nothing is changed by the question."""

from __future__ import annotations

from typing import Any

from support.lua import OWNER, Lua


def resync(lua: Lua) -> Any:
    return lua.run("resync", [lua.keys.owners, lua.inflight], [OWNER])


def test_an_owner_learns_what_it_holds(lua: Lua) -> None:
    lua.lease()
    raw = b"\x00\xff\r\n"
    lua.hold({"1:mail": raw, "2:low": b"b"})
    lua.hold({"1:mail": b"of another"}, owner="another")
    alive, *flat = resync(lua)
    assert alive == 1
    assert dict(zip(flat[::2], flat[1::2], strict=True)) == {b"1:mail": raw, b"2:low": b"b"}


def test_an_owner_with_empty_hands_is_alive(lua: Lua) -> None:
    lua.lease()
    assert resync(lua) == [1]


def test_who_lost_its_lease_is_told_so_whatever_still_lies_there(lua: Lua) -> None:
    lua.hold({"1:mail": b"a"})
    assert resync(lua) == [0]


def test_the_question_changes_nothing_and_is_answered_when_redis_is_full(lua: Lua) -> None:
    lua.lease()
    lua.hold({"1:mail": b"a"})
    before = lua.snapshot()
    with lua.full():
        assert [resync(lua), resync(lua)] == [[1, b"1:mail", b"a"]] * 2
    assert lua.snapshot() == before


def test_a_thousand_entries_are_one_answer(lua: Lua) -> None:
    lua.lease()
    held = {f"{number}:mail": b"%d" % number for number in range(1000)}
    lua.hold(held)
    alive, *flat = resync(lua)
    assert alive == 1
    found = dict(zip(flat[::2], flat[1::2], strict=True))
    assert {field.decode(): value for field, value in found.items()} == held
