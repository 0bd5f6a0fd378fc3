"""recover.lua: the jobs of a dead owner move once, and those of one that lives again do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from support.lua import OWNER, Lua

DEAD_MAX = 10
DEAD_S = 1000
Move = tuple[str, str, bytes]


def recover(lua: Lua, moves: Sequence[Move]) -> Any:
    """Move ``(kind, field, payload)``."""
    keys = lua.keys
    names = list(dict.fromkeys(field.partition(":")[2] for _kind, field, _payload in moves))
    arguments: list[str | bytes | float] = [OWNER, DEAD_MAX, DEAD_S]
    for kind, field, payload in moves:
        arguments += [kind, field, 6 + 2 * names.index(field.partition(":")[2]), payload]
    fixed = [keys.owners, lua.inflight, keys.dead, keys.quarantine, keys.queues]
    return lua.run("recover", [*fixed, *lua.pairs(*names)], arguments)


def die_with(lua: Lua, *fields: str) -> None:
    lua.lease(left_ms=-10)
    lua.hold(dict.fromkeys(fields, b"old"))


def test_each_job_gets_its_next_place_and_the_owner_is_gone(lua: Lua) -> None:
    die_with(lua, "1:mail", "2:low", "3:mail", "4:mail")
    lua.push("mail", b"waits")
    moves = [("queue", "1:mail", b"q1"), ("queue", "2:low", b"q2"), ("dead", "3:mail", b"d")]
    assert recover(lua, [*moves, ("quarantine", "4:mail", b"x")]) == [4, 1, b"3:mail"]
    assert (lua.waiting("mail"), lua.waiting("low")) == ([b"q1", b"waits"], [b"q2"])
    assert (lua.rings("mail"), lua.rings("low")) == (1, 1)
    assert (lua.members(lua.keys.dead), lua.members(lua.keys.quarantine)) == ([b"d"], [b"x"])
    assert lua.client.smembers(lua.keys.queues) == {b"mail", b"low"}
    assert (lua.held(), lua.lease_left_s()) == ({}, None)


@pytest.mark.parametrize("place", ["queue:mail", "dead", "quarantine"])
def test_what_can_get_nowhere_stays_and_the_others_are_given_back(lua: Lua, place: str) -> None:
    moves = [("queue", "1:mail", b"q1"), ("queue", "2:low", b"q2"), ("dead", "3:low", b"d")]
    moves.append(("quarantine", "4:low", b"x"))
    die_with(lua, *(field for _kind, field, _payload in moves))
    lua.client.set(f"{lua.keys.prefix}{place}", "mine")
    assert recover(lua, moves) == [3, 0, *([] if place == "dead" else [b"3:low"])]
    assert len(lua.held()) == 1
    assert lua.lease_left_s() is not None, "somebody looks after it again"
    lua.client.delete(f"{lua.keys.prefix}{place}")
    assert recover(lua, moves) == [1, 1, *([b"3:low"] if place == "dead" else [])]


def test_a_queues_name_may_have_colons(lua: Lua) -> None:
    die_with(lua, "1:eu:mail")
    lua.run(
        "recover",
        [lua.keys.owners, lua.inflight, lua.keys.dead, lua.keys.quarantine, lua.keys.queues, *lua.pairs("eu:mail")],
        [OWNER, DEAD_MAX, DEAD_S, "queue", "1:eu:mail", 6, b"q"],
    )
    assert lua.client.smembers(lua.keys.queues) == {b"eu:mail"}


def test_an_owner_that_renewed_its_lease_keeps_its_jobs(lua: Lua) -> None:
    die_with(lua, "1:mail")
    lua.lease(left_ms=500)
    before = lua.snapshot()
    assert recover(lua, [("queue", "1:mail", b"q")]) == [-1, 0]
    assert lua.snapshot() == before


def test_of_two_recoverers_one_moves_the_job(lua: Lua) -> None:
    die_with(lua, "1:mail", "2:mail")
    first = recover(lua, [("queue", "1:mail", b"q")])
    second = recover(lua, [("queue", "1:mail", b"q")])
    assert (first, second) == ([1, 0], [0, 0])
    assert lua.waiting("mail") == [b"q"]
    assert recover(lua, [("queue", "2:mail", b"r")]) == [1, 1]
    assert recover(lua, [("queue", "2:mail", b"r")]) == [-1, 0]
    assert lua.waiting("mail") == [b"r", b"q"]


def test_an_owner_with_jobs_left_stays_dead_and_listed(lua: Lua) -> None:
    die_with(lua, "1:mail", "2:mail", "stopped")
    assert recover(lua, [("queue", "1:mail", b"q")]) == [1, 0]
    assert lua.held() == {"2:mail": b"old"}
    assert (lua.lease_left_s() or 1) < 0


def test_a_dead_owner_with_empty_hands_is_forgotten(lua: Lua) -> None:
    lua.lease(left_ms=-10)
    assert recover(lua, []) == [0, 1]
    assert lua.snapshot() == {}


@pytest.mark.parametrize("kind", ["dead", "quarantine"])
def test_the_dead_and_the_quarantined_are_bounded_by_number_and_age(lua: Lua, kind: str) -> None:
    die_with(lua, "1:mail")
    key = getattr(lua.keys, kind)
    now_s = lua.now_s()
    lua.client.zadd(key, {b"too old": now_s - DEAD_S - 10} | {b"%d" % n: now_s - 100 + n for n in range(DEAD_MAX)})
    recover(lua, [(kind, "1:mail", b"new")])
    assert lua.members(key) == [*(b"%d" % n for n in range(1, DEAD_MAX)), b"new"]


@pytest.mark.parametrize("kind", ["queue", "dead", "quarantine"])
def test_a_full_redis_still_gives_jobs_back(lua: Lua, kind: str) -> None:
    die_with(lua, "1:mail")
    with lua.full():
        assert recover(lua, [(kind, "1:mail", b"new")])[:2] == [1, 1]
    kept = lua.waiting("mail") if kind == "queue" else lua.members(getattr(lua.keys, kind))
    assert kept == [b"new"]


def test_a_thousand_jobs_move_in_one_request(lua: Lua) -> None:
    fields = [f"{number}:mail" for number in range(1000)]
    die_with(lua, *fields)
    assert recover(lua, [("queue", field, field.encode()) for field in fields]) == [1000, 1]
    assert sorted(lua.waiting("mail")) == sorted(field.encode() for field in fields)
