"""The scripts of unique jobs: they say what they do, and do it to whom they are told, on a server by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from offsider.contract.effects import MOVES
from offsider.store.scripts import Script
from offsider_enterprise.unique.keys import UniqueKeys
from offsider_enterprise.unique.scripts import all_scripts, script_of

from .conftest import UniqueBench


@pytest.mark.parametrize("script", all_scripts(), ids=lambda script: script.name)
def test_a_script_says_its_keys_arguments_reply_and_what_it_keeps(script: Script, raw: Any) -> None:
    assert script.text.startswith(f"-- {script.name}: ")
    for part in ("-- KEYS", "-- ARGV", "-- Returns", "-- Keeps"):
        assert part in script.text
    assert "cjson" not in script.text
    assert "LREM" not in script.text
    assert raw.script_load(script.text) == script.sha


def begin(bench: UniqueBench, owner: str, field: str, digest: str, jid: str, until: str = "start") -> Any:
    """What a worker is told before the body."""
    keys, own = bench.app.keys, UniqueKeys(bench.app.keys)
    names = [keys.owners, keys.inflight(owner), own.locks, own.deadlines, own.waiting, own.replaced]
    return bench.raw.eval(
        script_of(bench.app, "unique_begin").text, len(names), *names, owner, field, digest, jid, until
    )


def test_only_who_has_the_job_and_its_lock_ends_it_at_the_start(bench: UniqueBench) -> None:
    sync = bench.job(True)
    jid = str(sync.enqueue(7))
    digest = bench.locks.holder(sync, 7).digest  # type: ignore[union-attr]
    bench.take("me")
    assert begin(bench, "another", "1:default", digest, jid) == 0
    assert begin(bench, "me", "2:default", digest, jid) == 0
    assert begin(bench, "me", "1:default", digest, "another") == 1
    assert begin(bench, "me", "1:default", digest, jid, "success") == 1
    assert bench.holders() == {jid}
    assert bench.raw.hget(bench.key("unique-locks"), digest).split(b"\n")[2] == b"r"
    assert begin(bench, "me", "1:default", digest, jid) == 1
    assert bench.is_clean()
    assert begin(bench, "me", "1:default", digest, jid) == 1
    bench.raw.zadd(bench.key("unique-replaced"), {jid: 1})
    assert begin(bench, "me", "1:default", digest, jid) == 2
    bench.raw.zrem(bench.app.keys.owners, "me")
    assert begin(bench, "me", "1:default", digest, jid) == 0


def state(bench: UniqueBench) -> Any:
    """All that is kept of locks, and the schedule."""
    sets = (bench.raw.zrange(bench.key(name), 0, -1, withscores=True) for name in ("unique-deadlines", "schedule"))
    return bench.raw.hgetall(bench.key("unique-locks")), *sets


@pytest.mark.parametrize("move", [move for move in MOVES if move != "push"])
def test_no_move_of_another_job_changes_a_lock(bench: UniqueBench, move: str) -> None:
    sync = bench.job(600)
    sync.using(delay=60).enqueue(7)
    before = state(bench)
    other = bench.app.scheduled.jobs()[0].record | {"jid": "another"}
    calls = [(0, call) for call in bench.app.composer.calls(move, other, delay_s=9.0)]
    request = bench.app.composer.request(script_of(bench.app, "unique_hold"), [], ["give"], calls)
    with bench.app.desk.wire() as wire:
        assert wire.run(*request) == [1]
    assert state(bench) == before
