"""beat.lua: a process is listed with what it runs, for a while, and hears what others have to say."""

from __future__ import annotations

from typing import Any

from support.lua import Lua

ME = "host:1:abc"


def beat(lua: Lua, work: dict[str, str] | None = None, **fields: str) -> tuple[bool, bytes | None]:
    """Whether the process was known, and a signal."""
    keys = [lua.keys.processes, lua.keys.process(ME), lua.keys.signals(ME), lua.keys.work(ME)]
    words = [word for pair in fields.items() for word in pair]
    known, signal = lua.run("beat", keys, [ME, 60, len(words), *words, *_flat(work or {})])
    return bool(known), signal


def _flat(work: dict[str, str]) -> list[str]:
    return [word for pair in work.items() for word in pair]


def test_a_process_is_listed_with_its_fields_for_a_while(lua: Lua) -> None:
    assert beat(lua, busy="0", quiet="false") == (False, None)
    assert lua.client.smembers(lua.keys.processes) == {ME.encode()}
    assert lua.client.hgetall(lua.keys.process(ME)) == {b"busy": b"0", b"quiet": b"false"}
    assert 55 < lua.client.ttl(lua.keys.process(ME)) <= 60
    assert not lua.client.exists(lua.keys.work(ME))
    assert beat(lua, busy="0") == (True, None)


def test_the_work_set_is_what_runs_now_and_nothing_else(lua: Lua) -> None:
    beat(lua, {"default-1": "a", "default-2": "b"}, busy="2")
    assert 55 < lua.client.ttl(lua.keys.work(ME)) <= 60
    beat(lua, {"default-1": "c"}, busy="1")
    assert lua.client.hgetall(lua.keys.work(ME)) == {b"default-1": b"c"}
    beat(lua, busy="0")
    assert not lua.client.exists(lua.keys.work(ME))


def test_ten_thousand_jobs_at_once_are_all_listed(lua: Lua) -> None:
    beat(lua, {f"default-{number}": "x" for number in range(10_000)}, busy="10000")
    assert lua.client.hlen(lua.keys.work(ME)) == 10_000


def test_signals_are_heard_one_a_beat_in_their_order(lua: Lua) -> None:
    lua.client.lpush(lua.keys.signals(ME), "TSTP", "TERM")
    heard: list[Any] = [beat(lua, busy="0")[1] for _ in range(3)]
    assert heard == [b"TSTP", b"TERM", None]


def test_a_process_that_was_taken_off_the_list_is_back_with_its_next_beat(lua: Lua) -> None:
    beat(lua, busy="0")
    lua.client.srem(lua.keys.processes, ME)
    beat(lua, busy="0")
    assert lua.client.scard(lua.keys.processes) == 1
