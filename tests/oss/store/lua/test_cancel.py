"""cancel.lua: a request names one attempt, ends by itself, and a job of a process that is gone is taken away."""

from __future__ import annotations

import pytest

from support.lua import OWNER, Lua

PROCESS = "host:1:abc"
FIELD = "3:mail"


def cancel(lua: Lua, payload: bytes = b"{}", field: str = FIELD) -> int:
    keys = [lua.keys.owners, lua.inflight, lua.keys.cancels(PROCESS), lua.keys.cancels_bell(PROCESS)]
    done: int = lua.run("cancel", keys, [OWNER, field, payload, "b4a5", 60])
    return done


@pytest.fixture(autouse=True)
def _held(lua: Lua) -> None:
    lua.lease()
    lua.hold({FIELD: b"{}"})


def test_the_process_is_asked_once_and_the_request_ends_by_itself(lua: Lua) -> None:
    assert [cancel(lua), cancel(lua)] == [1, 1]
    requests, bell = lua.keys.cancels(PROCESS), lua.keys.cancels_bell(PROCESS)
    assert lua.client.hgetall(requests) == {f"{OWNER} {FIELD}".encode(): b"b4a5"}
    assert lua.client.llen(bell) == 1
    assert 0 < lua.client.ttl(requests) <= 60
    assert 0 < lua.client.ttl(bell) <= 60
    assert lua.held() == {FIELD: b"{}"}


@pytest.mark.parametrize(("payload", "field"), [(b"{ }", FIELD), (b"{}", "4:mail")])
def test_what_is_not_there_any_more_is_not_asked_for(lua: Lua, payload: bytes, field: str) -> None:
    before = lua.snapshot()
    assert cancel(lua, payload, field) == 0
    assert lua.snapshot() == before


def test_a_job_of_an_owner_whose_lease_has_ended_is_removed(lua: Lua) -> None:
    lua.lease(left_ms=-1)
    with lua.full():
        assert cancel(lua) == 2
    assert lua.held() == {}
    assert cancel(lua) == 0
