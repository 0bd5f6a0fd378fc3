"""due.lua: what is due by the server's clock, when the next entry is, and how many others ask."""

from __future__ import annotations

from typing import Any

import pytest

from support.lua import Lua


def due(lua: Lua, most: int = 100) -> tuple[int, int, list[bytes]]:
    """Milliseconds to the next, living owners, members."""
    reply: Any = lua.run("due", [lua.keys.owners, lua.keys.schedule], [most])
    owners, (next_ms, *members) = reply
    return next_ms, owners, members


def schedule(lua: Lua, **entries: float) -> None:
    """Entries by name, with seconds from now."""
    now_s = lua.now_s()
    lua.client.zadd(lua.keys.schedule, {name: now_s + seconds for name, seconds in entries.items()})


def test_an_empty_set_has_nothing_due_and_nothing_next(lua: Lua) -> None:
    assert due(lua) == (-1, 0, [])


def test_due_entries_come_in_their_order_and_the_next_one_is_named_by_its_distance(lua: Lua) -> None:
    schedule(lua, b=-1, a=-50, later=30)
    next_ms, _owners, members = due(lua)
    assert members == [b"a", b"b"]
    assert 29_000 < next_ms <= 30_000


def test_an_entry_is_due_no_millisecond_before_its_time(lua: Lua) -> None:
    schedule(lua, soon=0.9)
    next_ms, _owners, members = due(lua)
    assert members == []
    assert 0 < next_ms <= 900


def test_no_more_are_returned_than_asked_for_and_the_rest_is_due_at_once(lua: Lua) -> None:
    schedule(lua, a=-3, b=-2, c=-1)
    assert due(lua, 2) == (0, 0, [b"a", b"b"])


def test_a_thousand_entries_are_one_answer(lua: Lua) -> None:
    schedule(lua, **{f"{number}": number - 2000 for number in range(1000)})
    next_ms, _owners, members = due(lua, 1000)
    assert (next_ms, members) == (-1, [b"%d" % number for number in range(1000)])


@pytest.mark.parametrize("owners", [1, 3])
def test_living_owners_are_counted(lua: Lua, owners: int) -> None:
    for number in range(owners):
        lua.lease(f"owner-{number}")
    assert due(lua)[1] == owners


def test_the_question_changes_nothing_and_is_answered_when_redis_is_full(lua: Lua) -> None:
    schedule(lua, a=-1, later=30)
    before = lua.snapshot()
    with lua.full():
        assert [due(lua)[2], due(lua)[2]] == [[b"a"], [b"a"]]
    assert lua.snapshot() == before


def test_two_sets_are_answered_each_by_itself(lua: Lua) -> None:
    schedule(lua, a=-1, later=30)
    lua.client.zadd(lua.keys.retry, {"r": lua.now_s() - 1})
    _owners, (retry_ms, *retries), (next_ms, *scheduled) = lua.run(
        "due", [lua.keys.owners, lua.keys.retry, lua.keys.schedule], [100]
    )
    assert (retry_ms, retries, scheduled) == (-1, [b"r"], [b"a"])
    assert 29_000 < next_ms <= 30_000
