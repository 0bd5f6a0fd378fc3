"""move_due.lua: a due entry gets into its queue exactly once, whoever gets there."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import redis

from support.lua import Lua

Entry = tuple[bytes, str | None, bytes]


def move(lua: Lua, entries: Sequence[Entry], key: str | None = None, put_off_s: int = 0) -> int:
    """Move ``(member, queue or None for quarantine, payload)``; how many were moved."""
    names = list(dict.fromkeys(queue for _member, queue, _payload in entries if queue is not None))
    arguments: list[str | bytes | float] = [lua.first_letter, put_off_s]
    for member, queue, payload in entries:
        arguments += [member, 0 if queue is None else 4 + 2 * names.index(queue), payload]
    keys = [key or lua.keys.schedule, lua.keys.queues, lua.keys.quarantine, *lua.pairs(*names)]
    moved: int = lua.run("move_due", keys, arguments)
    return moved


def schedule(lua: Lua, **entries: float) -> None:
    """Entries by name, with seconds from now."""
    now_s = lua.now_s()
    lua.client.zadd(lua.keys.schedule, {name: now_s + seconds for name, seconds in entries.items()})


def test_due_entries_get_into_their_queues_with_the_given_payload(lua: Lua) -> None:
    schedule(lua, a=-2, b=-1, c=-1)
    assert move(lua, [(b"a", "mail", b"A"), (b"b", "mail", b"B"), (b"c", "low", b"C")]) == 3
    assert (lua.waiting("mail"), lua.waiting("low")) == ([b"A", b"B"], [b"C"])
    assert (lua.rings("mail"), lua.rings("low")) == (1, 1)
    assert lua.client.smembers(lua.keys.queues) == {b"mail", b"low"}
    assert lua.members(lua.keys.schedule) == []


def test_what_is_no_job_gets_into_quarantine_at_the_servers_time(lua: Lua) -> None:
    schedule(lua, bad=-2)
    assert move(lua, [(b"bad", None, b"why\nbad")]) == 1
    assert lua.members(lua.keys.quarantine) == [b"why\nbad"]
    assert abs(lua.due_in_s(lua.keys.quarantine, b"why\nbad")) < 1
    assert lua.client.smembers(lua.keys.queues) == set()


@pytest.mark.parametrize("place", ["queue:mail", "quarantine"])
def test_what_can_get_nowhere_stays_and_the_others_move(lua: Lua, place: str) -> None:
    schedule(lua, a=-3, b=-2, c=-1)
    lua.client.set(f"{lua.keys.prefix}{place}", "mine")
    stuck = None if place == "quarantine" else "mail"
    with pytest.raises(redis.ResponseError, match=f"WRONGTYPE .*{place} is a string, expected a "):
        move(lua, [(b"a", stuck, b"A"), (b"b", "low", b"B"), (b"c", stuck, b"C")])
    assert lua.members(lua.keys.schedule) == [b"a", b"c"]
    assert (lua.waiting("low"), lua.rings("low")) == ([b"B"], 1)


def test_what_can_get_nowhere_is_put_off_when_it_is_to_be_and_nothing_else_is(lua: Lua) -> None:
    schedule(lua, a=-3, b=-2, later=50)
    lua.client.set(lua.keys.queue("mail"), "mine")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        move(lua, [(b"a", "mail", b"A"), (b"later", "mail", b"L"), (b"gone", "mail", b"G")], put_off_s=60)
    assert lua.members(lua.keys.schedule) == [b"b", b"later", b"a"]
    assert 59 < lua.due_in_s(lua.keys.schedule, b"a") <= 60


def test_of_two_movers_one_moves_an_entry(lua: Lua) -> None:
    schedule(lua, a=-2)
    assert [move(lua, [(b"a", "mail", b"A1")]), move(lua, [(b"a", "mail", b"A2")])] == [1, 0]
    assert lua.waiting("mail") == [b"A1"]
    assert lua.rings("mail") == 1


@pytest.mark.parametrize("later_s", [0.5, 3600])
def test_what_was_given_another_time_since_it_was_read_stays(lua: Lua, later_s: float) -> None:
    schedule(lua, a=-2, b=-2)
    schedule(lua, a=later_s)
    assert move(lua, [(b"a", "mail", b"A"), (b"b", "mail", b"B")]) == 1
    assert lua.waiting("mail") == [b"B"]
    assert lua.members(lua.keys.schedule) == [b"a"]


def test_what_was_deleted_since_it_was_read_is_not_put_anywhere(lua: Lua) -> None:
    assert move(lua, [(b"gone", "mail", b"A"), (b"gone too", None, b"B")]) == 0
    assert lua.snapshot() == {}


def test_a_full_redis_still_moves_entries(lua: Lua) -> None:
    schedule(lua, a=-2, bad=-1)
    with lua.full():
        assert move(lua, [(b"a", "mail", b"A"), (b"bad", None, b"x")]) == 2
    assert (lua.waiting("mail"), lua.members(lua.keys.quarantine)) == ([b"A"], [b"x"])
    assert lua.rings("mail") == 1


def test_a_thousand_entries_move_in_one_request(lua: Lua) -> None:
    schedule(lua, **{f"{number}": number - 2000 for number in range(1000)})
    assert move(lua, [(b"%d" % number, "mail", b"%d" % number) for number in range(1000)]) == 1000
    assert lua.waiting("mail") == [b"%d" % number for number in range(1000)]
    assert lua.members(lua.keys.schedule) == []
