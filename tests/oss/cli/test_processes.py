"""``offsider processes``: listed, quieted, stopped, and asked for their stacks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.worker.worker import Worker
from support.cli import offsider, told, told_json
from support.waiting import until


@pytest.fixture
def worker(shop: App, start_worker: Callable[..., Worker]) -> Worker:
    """A live worker, which is listed."""
    one = start_worker(shop, queues=["mail:3", "low:1"], concurrency=2)
    until(lambda: len(shop.processes) == 1)
    return one


def test_nobody_is_told_how_to_start(shop: App) -> None:
    assert "offsider worker" in told("processes")
    assert told_json("processes", "list") == []
    result = offsider("processes", "quiet", "--all")
    assert (result.exit_code, result.stderr) == (1, "nobody lives whom it could be told\n")


def test_each_is_listed_with_what_it_does(worker: Worker) -> None:
    head, line = told("processes").splitlines()
    assert head.split() == ["process", "busy", "queues", "memory", "beat", "state", "tag", "version"]
    assert line.split()[:3] == [worker.identity, "0/2", "mail:3,low:1"]
    (found,) = told_json("processes")
    assert (found["identity"], found["concurrency"], found["quiet"]) == (worker.identity, 2, False)


def test_one_is_quieted_by_the_beginning_of_its_name(shop: App, worker: Worker) -> None:
    assert told("processes", "quiet", worker.identity[:-4]).startswith("1 told: to be quieted")
    until(lambda: all(one.quiet for one in shop.processes))
    assert " quiet " in told("processes")


def test_all_are_stopped_after_a_question(shop: App, worker: Worker) -> None:
    assert offsider("processes", "stop", "--all").exit_code == 2
    assert told_json("processes", "stop", "--all", "--yes") == {"told": 1}


def test_stacks_go_into_its_log(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "offsider.worker"):
        told("processes", "stacks", worker.identity)
        until(lambda: any("MainThread" in record.getMessage() for record in caplog.records))


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["quiet"], "which process?"),
        (["quiet", "a", "--all"], "which process?"),
        (["stop", "nobody", "--yes"], "no live process begins so"),
    ],
)
def test_who_is_meant_must_be_clear(words: list[str], part: str, worker: Worker) -> None:
    result = offsider("processes", *words)
    assert result.exit_code == 2
    assert part in result.stderr


def test_a_beginning_of_two_names_is_refused(shop: App, raw: Any) -> None:
    for name in ("vm:1:000000000000", "vm:2:000000000000"):
        raw.sadd("{offsider}:processes", name)
        raw.hset(f"{{offsider}}:{name}", mapping={"info": "{}", "busy": 0})
    assert "2 processes begin so" in offsider("processes", "quiet", "vm:").stderr
    odd = "vm:1:\x1b[2J"
    raw.sadd("{offsider}:processes", odd)
    raw.hset(f"{{offsider}}:{odd}", mapping={"info": "{}", "busy": 0})
    assert "\x1b" not in offsider("processes", "quiet", "vm:").stderr
    assert told_json("processes", "quiet", "vm:1:000000000000") == {"told": 1}


def test_who_is_gone_is_forgotten(shop: App, raw: Any) -> None:
    raw.sadd("{offsider}:processes", "gone:1:000000000000")
    assert told("processes", "cleanup") == "1 forgotten\n"
    assert told_json("processes", "cleanup") == {"forgotten": 0}
