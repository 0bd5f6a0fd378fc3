"""``offsider scheduled``, ``retry`` and ``dead``: listed by their time, searched, and acted on."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from offsider import App
from support.cli import offsider, told, told_json

KEYS = {"scheduled": "schedule", "retry": "retry", "dead": "dead"}


def put(raw: Any, name: str, count: int, **fields: object) -> list[str]:
    """Jobs in a set, one second after the other, an hour from now; their ids."""
    jids = [f"{n:024d}" for n in range(count)]
    for number, jid in enumerate(jids):
        record = {"class": "welcome", "args": [number], "jid": jid, "queue": "mail", **fields}
        raw.zadd(f"{{offsider}}:{KEYS[name]}", {json.dumps(record): time.time() + 3600 + number})
    return jids


FAILED = {"error_class": "shop.OutOfStock", "error_message": "none left\nat all", "retry_count": 2}


@pytest.mark.parametrize("name", KEYS)
def test_an_empty_one_is_said_to_be(name: str, shop: App) -> None:
    assert told(name).startswith("nothing is ")
    assert told_json(name) == []


def test_scheduled_jobs_are_listed_what_is_due_first(shop: App, raw: Any) -> None:
    jids = put(raw, "scheduled", 30)
    lines = told("scheduled").splitlines()
    assert len(lines) == 26
    assert lines[1].split()[:3] == [jids[0], "welcome", "mail"]
    assert "in 59 m" in lines[1] or "in 1 h 0 m" in lines[1]
    assert [one["jid"] for one in told_json("scheduled", "-n", "2")] == jids[:2]
    assert [one["jid"] for one in told_json("scheduled", "--all")] == jids


def test_failed_ones_tell_their_error_in_one_line(shop: App, raw: Any) -> None:
    put(raw, "retry", 1, **FAILED)
    line = told("retry").splitlines()[1]
    assert line.endswith("3  shop.OutOfStock: none left")


def test_the_dead_are_listed_the_newest_first(shop: App, raw: Any) -> None:
    jids = put(raw, "dead", 3, **FAILED)
    assert [one["jid"] for one in told_json("dead")] == jids[::-1]


def test_conditions_choose(shop: App, raw: Any) -> None:
    put(raw, "dead", 3, **FAILED)
    put(raw, "dead", 0)
    assert len(told_json("dead", "--error", "OutOfStock")) == 3
    assert len(told_json("dead", "--text", "NONE LEFT", "--queue", "mail", "--name", "welcome")) == 3
    assert told_json("dead", "--tag", "vip") == []
    assert len(told_json("dead", "--error", "OutOfStock", "-n", "2")) == 2


# -- acting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KEYS)
def test_jobs_are_run_by_id(name: str, shop: App, raw: Any) -> None:
    jids = put(raw, name, 3, **FAILED)
    assert told(name, "run", jids[0], jids[2], "--yes") == "2 jobs enqueued\n"
    assert shop.queues["mail"].size == 2
    assert raw.zcard(f"{{offsider}}:{KEYS[name]}") == 1
    assert told_json(name, "run", jids[0], "--yes", code=1) == {"enqueued": 0}


@pytest.mark.parametrize("name", KEYS)
def test_jobs_are_deleted_by_condition_and_all(name: str, shop: App, raw: Any) -> None:
    put(raw, name, 5, **FAILED)
    assert told(name, "delete", "--text", "[3]", "--yes", code=0) == "1 job deleted\n"
    assert told_json(name, "delete", "--all", "--yes") == {"deleted": 4}


@pytest.mark.parametrize("name", ["scheduled", "retry"])
def test_jobs_are_killed(name: str, shop: App, raw: Any) -> None:
    put(raw, name, 2, **FAILED)
    assert told(name, "kill", "--all", "--yes") == "2 jobs killed\n"
    assert len(shop.dead) == 2
    assert offsider("dead", "kill", "--all", "--yes").exit_code == 2, "they are dead"


@pytest.mark.parametrize(("at", "expected_s"), [("10m", 600), ("+2h", 7200), ("1.5d", 129_600)])
def test_jobs_get_another_time(at: str, expected_s: float, shop: App, raw: Any) -> None:
    (jid,) = put(raw, "scheduled", 1)
    assert told("scheduled", "reschedule", jid, "--at", at, "--yes") == "1 job rescheduled\n"
    ((_member, score),) = raw.zrange("{offsider}:schedule", 0, -1, withscores=True)
    assert abs(score - time.time() - expected_s) < 30


def test_a_time_may_be_one_of_the_calendar(shop: App, raw: Any) -> None:
    put(raw, "retry", 1)
    told("retry", "reschedule", "--all", "--at", "2100-01-31T12:00:00Z", "--yes")
    ((_member, score),) = raw.zrange("{offsider}:retry", 0, -1, withscores=True)
    assert score == datetime(2100, 1, 31, 12, tzinfo=UTC).timestamp()
    for wrong in ("tomorrow", "10", "-5m", "99999999d"):
        assert offsider("retry", "reschedule", "--all", "--at", wrong, "--yes").exit_code == 2


@pytest.mark.parametrize("act", ["run", "delete"])
def test_without_a_terminal_many_are_not_acted_on(act: str, shop: App, raw: Any) -> None:
    put(raw, "dead", 2)
    result = offsider("dead", act, "--all")
    assert result.exit_code == 2
    assert "all 2 jobs" in result.stderr
    assert "--yes" in result.stderr
    assert len(shop.dead) == 2


@pytest.mark.parametrize(
    ("words", "part"),
    [([], "which jobs?"), (["--all", "abc"], "--all means every job"), (["--all", "--name", "x"], "--all means")],
)
def test_which_ones_must_be_clear(words: list[str], part: str, shop: App, raw: Any) -> None:
    put(raw, "dead", 2)
    result = offsider("dead", "delete", *words, "--yes")
    assert result.exit_code == 2
    assert part in result.stderr
    assert len(shop.dead) == 2
