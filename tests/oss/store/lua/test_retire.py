"""retire.lua: a worker's last word hands back what does not run and leaves the rest to the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from support.lua import OWNER, Lua

PASS_ON_MS = 1000


def retire(lua: Lua, back: Sequence[str]) -> Any:
    """Hand back fields ``<number>:<queue>``, in this order."""
    names = list(dict.fromkeys(field.partition(":")[2] for field in back))
    arguments: list[str | bytes | float] = [OWNER, PASS_ON_MS]
    for field in back:
        arguments += [field, 3 + 2 * names.index(field.partition(":")[2])]
    return lua.run("retire", [lua.keys.owners, lua.inflight, *lua.pairs(*names)], arguments)


def test_what_is_handed_back_is_taken_next_and_the_owner_is_gone(lua: Lua) -> None:
    lua.lease()
    raw = b"\x00\xff\r\n"
    lua.hold({"1:mail": raw, "2:low": b"b"})
    lua.push("mail", b"waits")
    assert retire(lua, ["1:mail", "2:low"]) == [2, 0]
    assert (lua.waiting("mail"), lua.waiting("low")) == ([raw, b"waits"], [b"b"])
    assert (lua.rings("mail"), lua.rings("low")) == (1, 1)
    assert lua.lease_left_s() is None
    assert lua.held() == {}


def test_what_can_get_nowhere_is_left_to_the_others(lua: Lua) -> None:
    lua.lease()
    lua.hold({"1:mail": b"a", "2:low": b"b"})
    lua.client.set(f"{lua.keys.prefix}queue:mail", "mine")
    assert retire(lua, ["1:mail", "2:low"]) == [1, 1]
    assert lua.held()["1:mail"] == b"a"
    assert lua.waiting("low") == [b"b"]


def test_an_owner_with_empty_hands_is_just_gone(lua: Lua) -> None:
    lua.lease()
    assert retire(lua, []) == [0, 0]
    assert lua.snapshot() == {}


def test_what_still_runs_is_left_in_flight_with_a_short_lease_and_a_mark(lua: Lua) -> None:
    lua.lease()
    lua.hold({"1:mail": b"a", "2:mail": b"runs"})
    assert retire(lua, ["1:mail"]) == [1, 1]
    assert lua.waiting("mail") == [b"a"]
    assert lua.held() == {"2:mail": b"runs", "stopped": b"1"}
    left_s = lua.lease_left_s()
    assert left_s is not None
    assert 0 < left_s <= PASS_ON_MS / 1000


def test_who_was_recovered_before_hands_nothing_back_and_leaves_no_mark(lua: Lua) -> None:
    lua.lease("another")
    before = lua.snapshot()
    assert retire(lua, ["1:mail"]) == [0, 0]
    assert lua.snapshot() == before


def test_repeated_it_hands_back_nothing_twice(lua: Lua) -> None:
    lua.lease()
    lua.hold({"1:mail": b"a", "2:mail": b"runs"})
    retire(lua, ["1:mail"])
    lua.client.rpop(lua.keys.queue("mail"))
    assert retire(lua, ["1:mail"])[0] == 0
    assert lua.waiting("mail") == []
    assert lua.held() == {"2:mail": b"runs", "stopped": b"1"}


def test_a_full_redis_still_takes_the_jobs_back(lua: Lua) -> None:
    lua.lease()
    lua.hold({"1:mail": b"a", "2:mail": b"runs"})
    with lua.full():
        assert retire(lua, ["1:mail"]) == [1, 1]
    assert lua.waiting("mail") == [b"a"]
    assert lua.held() == {"2:mail": b"runs", "stopped": b"1"}


def test_a_full_redis_keeps_the_mark_when_nothing_is_handed_back(lua: Lua) -> None:
    lua.lease()
    lua.hold({"1:mail": b"runs"})
    with lua.full():
        assert retire(lua, []) == [0, 1]
    assert lua.held() == {"1:mail": b"runs", "stopped": b"1"}


def test_a_thousand_jobs_are_handed_back_in_one_request(lua: Lua) -> None:
    lua.lease()
    fields = [f"{number}:mail" for number in range(1000)]
    lua.hold({field: field.encode() for field in fields})
    assert retire(lua, fields) == [1000, 0]
    assert lua.waiting("mail") == [field.encode() for field in reversed(fields)]
