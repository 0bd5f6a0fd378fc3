"""Where one job is, as values."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.errors import InvalidOption

Put = Callable[..., bytes]


def test_a_job_in_a_queue_has_its_place(both: App) -> None:
    @both.job(name="welcome", queue="mail")
    def welcome(user: int) -> None: ...

    jids = welcome.enqueue_many([(k,) for k in range(3)])
    info = both.job_info(str(jids[1]))
    assert info is not None
    assert (info.place, info.queue, info.position, info.length, info.running) == ("queue", "mail", 2, 3, False)
    assert info.job is not None
    assert (info.job.name, info.job.args, info.job.position) == ("welcome", [1], 2)
    assert json.loads(json.dumps(info.to_dict()))["job"]["jid"] == jids[1]
    assert asyncio.run(both.ajob_info(str(jids[1]))) == info


@pytest.mark.parametrize(("key", "place"), [("schedule", "schedule"), ("retry", "retry"), ("dead", "dead")])
def test_a_job_in_a_set_has_its_time(app: App, put: Put, key: str, place: str) -> None:
    put(getattr(app.keys, key), "j1", 5.5)
    info = app.job_info("j1")
    assert info is not None
    assert (info.place, info.queue, info.at_s, info.position, info.process) == (place, "mail", 5.5, None, "")


def test_what_is_in_quarantine_is_no_job(app: App, raw: Any) -> None:
    raw.zadd(app.keys.quarantine, {b'{"queue":"mail","reason":"odd","at":1}\n{"jid":"j1","class":7}': 5.0})
    info = app.job_info("j1")
    assert info is not None
    assert (info.place, info.queue, info.job) == ("quarantine", "mail", None)


def test_what_is_not_there_is_none(app: App) -> None:
    assert app.job_info("j1") is None
    with pytest.raises(InvalidOption, match="jid is ''"):
        app.job_info("")
    with pytest.raises(InvalidOption, match="limit is 0"):
        app.job_info("j1", limit=0)
