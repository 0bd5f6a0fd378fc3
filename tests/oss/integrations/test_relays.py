"""Relays of a process: one for each Redis, shared by its workers; a shard that is away or gone holds up nobody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.api.doctor import doctor
from offsider.integrations.outbox import Row
from offsider.integrations.relays import Relays, relay_in_workers, strays
from offsider.worker.embed import embed
from offsider.worker.service import PeriodicService
from support.waiting import until

MakeApp = Callable[..., App]
AWAY = "redis://127.0.0.1:1/0"


class Rows:
    """A table in memory."""

    def __init__(self, *rows: tuple[str | None, str]) -> None:
        self.lock = threading.Lock()
        self.rows: list[list[Any]] = [[shard, payload, None] for shard, payload in rows]
        self.asked: list[str | None] = []

    def take(self, shard: str | None, batch: str, most: int) -> tuple[str, list[Row]]:
        """The oldest batch of a place, or a new one."""
        with self.lock:
            self.asked.append(shard)
            its = [one for one in self.rows if one[0] == shard][:most]
            if not its:
                return "", []
            name = its[0][2] or batch
            for one in its if its[0][2] is None else []:
                one[2] = name
            return name, [(payload, None, shard) for _shard, payload, named in its if named == name]

    def forget(self, batch: str) -> None:
        """Delete the rows of a batch."""
        with self.lock:
            self.rows = [one for one in self.rows if one[2] != batch]

    def counts(self) -> dict[str | None, int]:
        """How many rows there are for each place."""
        with self.lock:
            found = [one[0] for one in self.rows]
        return {shard: found.count(shard) for shard in found}

    def close(self) -> None:
        """Nothing."""


def payload(number: int, queue: str = "notes") -> str:
    return f'{{"queue":"{queue}","class":"note","args":[{number}],"jid":"{number:024x}","retry":true}}'


def test_a_shard_that_is_away_does_not_hold_up_the_rows_of_others(make_app: MakeApp, raw: Any) -> None:
    shards = {"away": {"url": AWAY}, "eu": {"namespace": "eu"}}
    app = make_app(shards=shards, redis={"push_deadline_s": 0.2})
    rows = Rows(("away", payload(1)), (None, payload(2)), ("eu", payload(3)), ("away", payload(4)), ("eu", payload(5)))
    relay_in_workers(app, lambda: rows, by="the test")
    with embed(app, queues=["default"]):
        until(lambda: (raw.llen("{offsider}:queue:notes"), raw.llen("{eu}:queue:notes")) == (1, 2), 10)
        until(lambda: rows.asked.count("away") > 1, 10)
    assert [(shard, one) for shard, one, _named in rows.rows] == [("away", payload(1)), ("away", payload(4))]


def test_rows_of_a_shard_that_the_settings_do_not_have_stay_and_are_told_once(
    make_app: MakeApp, raw: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offsider.integrations.relays.LOOK_EVERY_S", 0.01)
    app = make_app()
    rows = Rows(("old", payload(1)), ("old", payload(2)), (None, payload(3)))
    relay_in_workers(app, lambda: rows, by="the test")
    looks: list[int] = []
    monkeypatch.setattr(rows, "counts", lambda: looks.append(1) or Rows.counts(rows))
    with caplog.at_level(logging.ERROR, "offsider.worker"), embed(app, queues=["default"]):
        until(lambda: raw.llen("{offsider}:queue:notes") == 1 and len(looks) > 3, 10)
    told = [one.getMessage() for one in caplog.records if "outbox" in one.getMessage()]
    assert len(told) == 1
    assert told[0].startswith("2 jobs of the outbox stay: they are for shard 'old'")
    assert strays(app, rows) == {"old": 2}


def test_the_doctor_tells_of_an_outbox(make_app: MakeApp) -> None:
    app = make_app(shards={"eu": {"namespace": "eu"}})
    rows = Rows(("eu", payload(1)), (None, payload(2)))
    relay_in_workers(app, lambda: rows, by="the test")
    (found,) = [one for one in doctor(app).findings if one.name == "outbox"]
    assert (found.level, found.value) == ("ok", "2 jobs are on their way")
    rows.rows.append(["old", payload(3), None])
    (found,) = [one for one in doctor(app).findings if one.name == "outbox"]
    assert (found.level, found.value) == ("warning", "jobs stay for shards that are not in the settings: 1 for 'old'")


def test_workers_of_one_process_share_the_relays_until_the_last_one_stops(make_app: MakeApp, raw: Any) -> None:
    app = make_app()
    made: list[Rows] = []
    relay_in_workers(app, lambda: made.append(Rows()) or made[-1], by="the test")
    with embed(app, queues=["a"]):
        with embed(app, queues=["b"]):
            assert len(made) == 1
        made[0].rows.append([None, payload(1), None])
        until(lambda: raw.llen("{offsider}:queue:notes") == 1, 10)
    asked = len(made[0].asked)
    with embed(app, queues=["a"]):
        until(lambda: len(made) == 2 and bool(made[1].asked), 10)
    assert len(made[0].asked) == asked, "the first ones have ended with the last worker"


def test_a_worker_whose_start_failed_has_left_no_relay_behind(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    made: list[Rows] = []
    relay_in_workers(app, lambda: made.append(Rows()) or made[-1], by="the test")
    fails = [True]

    def check(_connections: Any) -> None:
        if fails.pop() if fails else False:
            raise OSError("not yet")

    monkeypatch.setattr("offsider.worker.worker.check_server", check)
    worker = embed(app, queues=["a"])
    with pytest.raises(OSError, match="not yet"):
        worker.start()
    assert made == []
    with worker:
        assert len(made) == 1


def test_when_one_cannot_start_those_before_it_end_and_the_next_worker_starts_all(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(shards={"eu": {"namespace": "eu"}})
    relays = Relays(app, Rows)
    start, begun = PeriodicService.start, []

    def full(service: PeriodicService) -> None:
        if service.name == "outbox relay of shard eu":
            raise RuntimeError("can't start new thread")
        start(service)
        begun.append(service._thread)

    with monkeypatch.context() as patch:
        patch.setattr(PeriodicService, "start", full)
        with pytest.raises(RuntimeError, match="new thread"):
            relays.enter("a worker")
    assert [thread.is_alive() for thread in begun] == [False]
    relays.enter("another one")
    assert sum(thread.name.startswith("offsider-outbox") for thread in threading.enumerate()) == 3
    relays.leave("another one", 5.0)
    assert not any(thread.name.startswith("offsider-outbox") for thread in threading.enumerate())
