"""mark: one label once a minute; two labels share theirs."""

from __future__ import annotations

from support.lua import Lua

MARKS = "{shop}:20250214-marks"
MINUTE = "2025-02-14T08:43:00Z"


def mark(lua: Lua, label: str, minute: str = MINUTE, most: int = 1000) -> int:
    keys = [MARKS, f"{{shop}}:deploylock-{label}"]
    return int(lua.run("mark", keys, [minute, label, 60, 3600, most]))


def test_a_label_is_told_once(lua: Lua) -> None:
    assert [mark(lua, "v7"), mark(lua, "v7"), mark(lua, "v7", "2025-02-14T08:44:00Z")] == [1, 0, 0]
    assert lua.client.hgetall(MARKS) == {MINUTE.encode(): b"v7"}
    assert lua.client.ttl(MARKS) == 3600
    assert lua.client.ttl("{shop}:deploylock-v7") == 60


def test_labels_of_one_minute_stand_behind_each_other(lua: Lua) -> None:
    assert [mark(lua, "v7"), mark(lua, "v70"), mark(lua, "v")] == [1, 1, 1]
    assert lua.client.hget(MARKS, MINUTE) == b"v7 + v70 + v"


def test_what_a_minute_has_already_is_not_told_again_when_the_lock_is_gone(lua: Lua) -> None:
    mark(lua, "v7")
    lua.client.delete("{shop}:deploylock-v7")
    assert mark(lua, "v7") == 0
    assert lua.client.hget(MARKS, MINUTE) == b"v7"


def test_a_minute_has_only_so_many_letters(lua: Lua) -> None:
    for number in range(9):
        mark(lua, f"version{number}", most=30)
    assert len(lua.client.hget(MARKS, MINUTE)) == 30
