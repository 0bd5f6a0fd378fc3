"""copies.lua: where a payload lies in each of some places."""

from __future__ import annotations

import pytest

from support.lua import Lua


def test_each_place_is_looked_into(lua: Lua) -> None:
    client = lua.client
    client.zadd("z", {"a": 1})
    client.hset("h", mapping={"1:q": "a", "2:q": "b"})
    words = ["zset", "", "a", "zset", "", "b", "hash", "1:q", "a", "hash", "2:q", "a", "hash", "3:q", "a"]
    assert lua.run("copies", ["z", "z", "h", "h", "h"], words) == [[0], [], [0], [], []]


@pytest.mark.parametrize(
    ("field", "payload", "expected"),
    [
        ("0:0", "a", [0]),
        ("0:100", "a", [0, 2, 4]),
        ("1:1", "a", [0, 2]),
        ("3:1", "a", [2, 4]),
        ("4:0", "a", [4]),
        ("9:2", "a", []),
        ("9:100", "c", [3]),
        ("3:0", "a", []),
        ("0:100", "none", []),
    ],
)
def test_a_list_is_looked_into_around_a_distance(lua: Lua, field: str, payload: str, expected: list[int]) -> None:
    """The one that is taken next has the distance 0."""
    lua.client.rpush("l", "a", "c", "a", "b", "a")
    assert lua.run("copies", ["l"], ["list", field, payload]) == [expected]


def test_a_key_of_another_type_has_none(lua: Lua) -> None:
    lua.client.set("l", "a")
    assert lua.run("copies", ["l", "l", "none"], ["list", "0:5", "a", "hash", "f", "a", "zset", "", "a"]) == [
        [],
        [],
        [],
    ]
