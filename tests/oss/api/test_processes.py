"""The processes: what they say of themselves, signals to one and all, and those that are gone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.errors import InvalidOption
from offsider.worker.worker import Worker
from support.waiting import until

Start = Callable[..., Worker]


@pytest.fixture(params=["offsider", ""], ids=["namespace", "sidekiqs layout"])
def both(request: pytest.FixtureRequest, make_app: Callable[..., App]) -> App:
    capsules = {"other": {"queues": ["low"], "concurrency": 2}}
    worker = {"beat_s": 0.1, "tag": "shop", "labels": ["blue"], "capsules": capsules}
    return make_app(namespace=request.param, worker=worker)


def test_a_process_says_what_it_is(both: App, start_worker: Start) -> None:
    before_s = time.time()
    worker = start_worker(both, queues=["mail:3", "default:1"], concurrency=4)
    until(lambda: len(both.processes) == 1)
    (found,) = both.processes
    assert (found.identity, found.pid, found.tag, found.labels) == (worker.identity, os.getpid(), "shop", ("blue",))
    assert found.host == found.identity.split(":")[0]
    assert dict(found.queues) == {"mail": 3, "default": 1, "low": 0}
    assert dict(found.capsules) == {"default": 4, "other": 2}
    assert (found.concurrency, found.busy, found.quiet, found.embedded) == (6, 0, False, False)
    assert 1000 < found.rss_kb < 10_000_000
    assert found.rtt_us > 0
    assert before_s <= found.started_s <= found.beat_s <= time.time()
    assert 0 <= found.beat_age_s < 5
    assert found.version.startswith("offsider ")
    assert both.processes[found.identity].pid == found.pid
    assert json.loads(json.dumps(found.to_dict()))["tag"] == "shop"
    with pytest.raises(KeyError):
        both.processes["nobody"]


def test_signals_reach_one_or_all(both: App, start_worker: Start, caplog: pytest.LogCaptureFixture) -> None:
    one, other = start_worker(both), start_worker(both)
    until(lambda: len(both.processes) == 2)
    assert both.processes.quiet(one.identity) == 1
    until(lambda: both.processes[one.identity].quiet, what="it is quiet")
    assert not both.processes[other.identity].quiet
    assert both.processes.dump() == 2
    until(lambda: "offsider-fetch" in caplog.text, what="stacks are logged")
    assert both.processes.stop() == 2
    until(lambda: len(both.processes) == 0, what="both have stopped")
    assert both.processes.stop(one.identity) == 0, "it is not there any more"


def test_a_signal_for_one_that_is_not_there_leaves_nothing(app: App, raw: Any) -> None:
    assert app.processes.quiet("nobody") == 0
    assert raw.keys() == []
    with pytest.raises(InvalidOption, match="identity is 7: expected"):
        app.processes.stop(7)  # type: ignore[arg-type]


def test_those_that_are_gone_are_not_listed_and_can_be_forgotten(both: App, start_worker: Start, raw: Any) -> None:
    worker = start_worker(both)
    until(lambda: len(both.processes) == 1)
    raw.sadd(both.keys.processes, *[f"gone:{k}:abc" for k in range(250)])
    assert [one.identity for one in both.processes] == [worker.identity]
    assert (both.processes.cleanup(), both.processes.cleanup()) == (250, 0)
    assert raw.smembers(both.keys.processes) == {worker.identity.encode()}


HOSTILE = [
    {"info": "\xff"},
    {"info": "[]", "busy": "x", "beat": "soon", "rss": "-1"},
    {"info": '{"pid":"7","labels":3,"queues":{"a":1},"weights":[7,{"a":"b"}],"capsules":[1],"started_at":"x"}'},
    {"beat": "1e400", "quiet": "maybe", "busy": "9" * 40},
]


@pytest.mark.parametrize("fields", HOSTILE)
def test_whatever_a_process_says_it_is_listed(app: App, raw: Any, fields: dict[str, str]) -> None:
    raw.sadd(app.keys.processes, "odd:1:a", "string")
    raw.hset(app.keys.process("odd:1:a"), mapping=fields)
    raw.set(app.keys.process("string"), "mine")
    (found,) = app.processes
    assert (found.identity, found.pid, found.busy, found.beat_s) == ("odd:1:a", 0, 0, 0.0)


def test_a_process_of_rubys_is_listed_with_its_weights(make_app: Callable[..., App], raw: Any) -> None:
    info = {
        "hostname": "rb", "started_at": 5.5, "pid": 7, "tag": "", "concurrency": 5, "queues": ["a", "b"],
        "weights": {"a": 2, "b": 1}, "labels": [], "identity": "rb:7:x", "version": "7.1.0", "embedded": True,
    }  # fmt: skip
    raw.sadd("processes", "rb:7:x")
    raw.hset("rb:7:x", mapping={"info": json.dumps(info), "busy": 2, "beat": 6.5, "quiet": "true", "rss": 9})
    (found,) = make_app(namespace="").processes
    assert (dict(found.queues), found.concurrency, found.busy, found.embedded) == ({"a": 2, "b": 1}, 5, 2, True)
    assert (found.quiet, found.rss_kb, found.version, found.started_s) == (True, 9, "7.1.0", 5.5)
