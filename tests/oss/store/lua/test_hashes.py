"""hashes.lua: what is in many hashes."""

from __future__ import annotations

from support.lua import Lua


def test_each_hash_has_all_its_fields_or_those_that_are_wanted(lua: Lua) -> None:
    lua.client.hset("a", mapping={"x": 1, "y": 2})
    lua.client.hset("b", "z", 3)
    found = lua.run("hashes", ["a", "b", "none"], [])
    assert [dict(zip(one[::2], one[1::2], strict=True)) for one in found] == [
        {b"x": b"1", b"y": b"2"},
        {b"z": b"3"},
        {},
    ]
    assert lua.run("hashes", ["a", "b", "none"], ["z", "x"]) == [[None, b"1"], [b"3", None], [None, None]]


def test_a_key_of_another_type_has_no_fields(lua: Lua) -> None:
    lua.client.set("a", 1)
    lua.client.hset("b", "z", 3)
    assert lua.run("hashes", ["a", "b"], []) == [[], [b"z", b"3"]]
    assert lua.run("hashes", ["a", "b"], ["z"]) == [[None], [b"3"]]


def test_as_many_fields_may_be_wanted_as_it_says(lua: Lua) -> None:
    lua.client.hset("a", mapping={f"f{k}": k for k in range(4000)})
    assert lua.run("hashes", ["a"], [f"f{k}" for k in range(4000)]) == [[b"%d" % k for k in range(4000)]]
