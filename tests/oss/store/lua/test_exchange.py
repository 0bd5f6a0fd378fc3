"""exchange.lua: what is settled goes to its next place and new jobs are taken, in one change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import redis

from support.lua import LEASE_MS, OWNER, Lua

DEAD_MAX = 10
DEAD_S = 1000


def exchange(
    lua: Lua,
    want: int = 0,
    *,
    done: Sequence[str] = (),
    moved: Sequence[tuple[str, str, float, bytes]] = (),
    queues: Sequence[str] = ("mail",),
    number: int = 1,
) -> Any:
    """One request; ``moved`` are ``(kind, field, delay or index, payload)``."""
    keys = lua.keys
    fixed = [keys.owners, lua.inflight, keys.retry, keys.dead, keys.schedule, keys.quarantine, keys.schedule_bell]
    arguments: list[str | bytes | float] = [OWNER, LEASE_MS, want, number, lua.first_letter, DEAD_MAX, DEAD_S]
    arguments += [len(done), *done]
    for one in moved:
        arguments += one
    return lua.run("exchange", [*fixed, *lua.pairs(*queues)], arguments)


ONE_OF_EACH = [
    ("retry", "1:mail", 60.0, b"new 1"),
    ("schedule", "2:mail", 30.5, b"new 2"),
    ("dead", "3:mail", 0.0, b"new 3"),
    ("quarantine", "4:mail", 0.0, b"new 4"),
    ("back", "5:mail", 8, b""),
]


def hold_five(lua: Lua) -> None:
    lua.lease()
    lua.hold({f"{number}:mail": b"old %d" % number for number in range(1, 6)})


# -- taking ------------------------------------------------------------------------------------------------


def test_the_oldest_jobs_are_taken_into_the_owners_hands(lua: Lua) -> None:
    lua.lease()
    lua.push("mail", b"a", b"b", b"c")
    assert exchange(lua, 2, number=7) == [0, 8, [b"a", b"b"]]
    assert lua.held() == {"7:mail": b"a", "8:mail": b"b"}
    assert lua.waiting("mail") == [b"c"]


def test_queues_are_emptied_in_the_given_order_up_to_what_is_wanted(lua: Lua) -> None:
    lua.lease()
    lua.push("high", b"h")
    lua.push("mid", b"m1", b"m2")
    lua.push("low", b"l")
    reply = exchange(lua, 3, queues=["high", "none", "mid", "low"])
    assert reply == [0, 8, [b"h"], 12, [b"m1", b"m2"]]
    assert lua.held() == {"1:high": b"h", "2:mid": b"m1", "3:mid": b"m2"}
    assert lua.waiting("low") == [b"l"]


def test_many_queues_are_looked_at_in_their_order_whichever_of_them_have_jobs(lua: Lua) -> None:
    lua.lease()
    names = [f"q{number}" for number in range(1001)]
    for number in (0, 31, 32, 500, 999, 1000):
        lua.push(f"q{number}", b"%d" % number)
    reply = exchange(lua, 5, queues=names)
    assert reply[2::2] == [[b"0"], [b"31"], [b"32"], [b"500"], [b"999"]]
    assert exchange(lua, 5, number=6, queues=names)[2::2] == [[b"1000"]]
    assert exchange(lua, 5, number=11, queues=names) == [0]


def test_nothing_is_taken_when_nothing_is_wanted(lua: Lua) -> None:
    hold_five(lua)
    lua.push("mail", b"a")
    assert exchange(lua, 0, done=["1:mail"]) == [1]
    assert lua.waiting("mail") == [b"a"]


def test_who_leaves_jobs_behind_wakes_the_next_sleeper(lua: Lua) -> None:
    lua.lease()
    lua.push("mail", b"a", b"b", b"c")
    exchange(lua, 2)
    assert lua.rings("mail") == 1
    exchange(lua, 0, done=["1:mail"])
    lua.client.delete(lua.keys.bell("mail"))
    exchange(lua, 1, number=3)
    assert lua.rings("mail") == 0, "nothing is left to be taken"


def test_a_thousand_are_settled_and_a_thousand_are_taken_in_one_request(lua: Lua) -> None:
    lua.lease()
    fields = [f"{number}:mail" for number in range(1000)]
    lua.hold(dict.fromkeys(fields, b"old"))
    payloads = [b"%d" % number for number in range(1001)]
    lua.push("mail", *payloads)
    settled, index, taken = exchange(lua, 1000, done=fields, number=1000)
    assert (settled, index, taken) == (1000, 8, payloads[:1000])
    assert lua.held() == {f"{1000 + number}:mail": payload for number, payload in enumerate(payloads[:1000])}


def test_a_thousand_are_moved_in_one_request(lua: Lua) -> None:
    lua.lease()
    fields = [f"{number}:mail" for number in range(1000)]
    lua.hold(dict.fromkeys(fields, b"old"))
    moved = [("retry", field, 60.0, field.encode()) for field in fields]
    assert exchange(lua, moved=moved) == [1000]
    assert sorted(lua.members(lua.keys.retry)) == sorted(field.encode() for field in fields)
    assert lua.held() == {}


# -- settling ----------------------------------------------------------------------------------------------


def test_each_kind_of_end_has_its_place(lua: Lua) -> None:
    hold_five(lua)
    assert exchange(lua, moved=ONE_OF_EACH) == [5]
    places = {"retry": lua.keys.retry, "schedule": lua.keys.schedule}
    assert {name: lua.members(key) for name, key in places.items()} == {"retry": [b"new 1"], "schedule": [b"new 2"]}
    assert (lua.members(lua.keys.dead), lua.members(lua.keys.quarantine)) == ([b"new 3"], [b"new 4"])
    assert lua.waiting("mail") == [b"old 5"], "what goes back is what Redis holds, unchanged"
    assert lua.held() == {}


@pytest.mark.parametrize(("kind", "delay_s"), [("retry", 60.0), ("schedule", 30.5)])
def test_a_delay_counts_from_the_servers_time(lua: Lua, kind: str, delay_s: float) -> None:
    hold_five(lua)
    exchange(lua, moved=[(kind, "1:mail", delay_s, b"new")])
    left_s = lua.due_in_s(getattr(lua.keys, kind), b"new")
    assert delay_s - 1 < left_s <= delay_s


def test_what_is_to_wait_as_long_keeps_its_order(lua: Lua) -> None:
    lua.lease()
    names = [f"{number}:mail" for number in range(1, 101)]
    lua.hold(dict.fromkeys(names, b"old"))
    later = [b"%d" % (number * 7919 % 101) for number in range(1, 101)]  # in no order of their own
    exchange(lua, moved=[("schedule", name, 5.0, payload) for name, payload in zip(names, later, strict=True)])
    assert lua.members(lua.keys.schedule) == later


def test_what_goes_back_is_taken_next_and_rings(lua: Lua) -> None:
    hold_five(lua)
    lua.push("mail", b"waits")
    exchange(lua, moved=[("back", "1:mail", 8, b"")])
    assert lua.waiting("mail") == [b"old 1", b"waits"]
    assert lua.rings("mail") == 1


def test_the_scheduler_is_woken_by_an_entry_that_is_due_first(lua: Lua) -> None:
    hold_five(lua)
    exchange(lua, moved=[("retry", "1:mail", 60.0, b"a")])
    assert lua.client.lpop(lua.keys.schedule_bell) == b"1"
    exchange(lua, moved=[("retry", "2:mail", 90.0, b"b")])
    assert lua.client.llen(lua.keys.schedule_bell) == 0
    exchange(lua, moved=[("retry", "3:mail", 30.0, b"c")])
    assert lua.client.llen(lua.keys.schedule_bell) == 1


@pytest.mark.parametrize("kind", ["dead", "quarantine"])
def test_the_dead_and_the_quarantined_are_bounded_by_number_and_age(lua: Lua, kind: str) -> None:
    hold_five(lua)
    key = getattr(lua.keys, kind)
    now_s = lua.now_s()
    lua.client.zadd(key, {b"too old": now_s - DEAD_S - 10} | {b"%d" % n: now_s - 100 + n for n in range(DEAD_MAX)})
    exchange(lua, moved=[(kind, "1:mail", 0.0, b"new")])
    assert lua.members(key) == [*(b"%d" % n for n in range(1, DEAD_MAX)), b"new"]
    assert abs(lua.due_in_s(key, b"new")) < 1


# -- what is repeated, what is not ours ----------------------------------------------------------------------


def test_a_repeated_request_moves_nothing_twice(lua: Lua) -> None:
    hold_five(lua)
    lua.hold({"6:mail": b"old 6"})
    assert exchange(lua, done=["6:mail"], moved=ONE_OF_EACH) == [6]
    before = lua.snapshot()
    del before[lua.keys.owners.encode()]
    assert exchange(lua, done=["6:mail"], moved=ONE_OF_EACH) == [0]
    after = lua.snapshot()
    del after[lua.keys.owners.encode()]
    assert after == before


def test_what_is_not_held_is_not_moved(lua: Lua) -> None:
    lua.lease()
    moved = [(kind, "99:mail", number, payload) for kind, _field, number, payload in ONE_OF_EACH]
    assert exchange(lua, done=["98:mail"], moved=moved) == [0]
    assert list(lua.snapshot()) == [lua.keys.owners.encode()]


@pytest.mark.parametrize("place", ["retry", "schedule", "dead", "quarantine", "queue:mail"])
def test_a_place_of_another_type_is_refused_before_anything_is_written(lua: Lua, place: str) -> None:
    hold_five(lua)
    lua.client.set(f"{lua.keys.prefix}{place}", "mine")
    before = lua.snapshot()
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        exchange(lua, moved=ONE_OF_EACH)
    assert lua.snapshot() == before
    lua.client.delete(f"{lua.keys.prefix}{place}")
    assert exchange(lua, moved=ONE_OF_EACH) == [5], "nothing is lost"


def test_who_lost_its_lease_moves_nothing_and_takes_nothing(lua: Lua) -> None:
    hold_five(lua)
    lua.client.delete(lua.keys.owners)
    lua.push("mail", b"a")
    before = lua.snapshot()
    assert exchange(lua, 3, done=["1:mail"], moved=ONE_OF_EACH[1:]) == [-1]
    assert lua.snapshot() == before


def test_an_exchange_prolongs_the_lease_and_opens_none(lua: Lua) -> None:
    lua.lease(left_ms=5)
    exchange(lua, 1)
    left_s = lua.lease_left_s()
    assert left_s is not None
    assert LEASE_MS / 1000 - 1 < left_s <= LEASE_MS / 1000
    assert lua.client.zcard(lua.keys.owners) == 1


# -- when Redis is full --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [one[0] for one in ONE_OF_EACH])
def test_a_full_redis_still_settles(lua: Lua, kind: str) -> None:
    hold_five(lua)
    (one,) = (one for one in ONE_OF_EACH if one[0] == kind)
    with lua.full():
        assert exchange(lua, moved=[one]) == [1]
    assert one[1] not in lua.held()
    kept = lua.waiting("mail") if kind == "back" else lua.members(getattr(lua.keys, kind))
    assert len(kept) == 1


def test_a_full_redis_still_acknowledges_and_hands_out_jobs(lua: Lua) -> None:
    hold_five(lua)
    lua.push("mail", b"a", b"b", b"c")
    with lua.full():
        assert exchange(lua, 1, done=["1:mail"], number=6) == [1, 8, [b"a"]]
        assert exchange(lua, 1, number=7) == [0, 8, [b"b"]]
        assert exchange(lua, 1, queues=["empty"], number=8) == [0]
    assert {"6:mail", "7:mail"} < set(lua.held())
