"""Who lives is told as it describes itself; who is gone, or whose lease is over, is not counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from offsider import App
from offsider.api.workforce import Process, identity_of, living, running_since, work_entry, work_since_s
from offsider.store.wire import Wire

NOW_S = 1000.0


@pytest.fixture
def wire(app: App) -> Iterator[Wire]:
    """A connection."""
    one = app.connections.wire("test", read_timeout_s=10.0)
    yield one
    one.close()


def register(raw: Any, identity: str, **fields: Any) -> None:
    raw.sadd("{offsider}:processes", identity)
    if fields:
        raw.hset(f"{{offsider}}:{identity}", mapping=fields)


def test_the_living_are_told_with_queues_slots_and_whether_they_are_quiet(app: App, wire: Wire, raw: Any) -> None:
    info = json.dumps({"queues": ["mail", "low"]})
    register(raw, "vm:1:a", info=info, concurrency=10, busy=3, quiet="true")
    register(raw, "vm:2:b", info=info, concurrency=5, busy=0, quiet="false")
    found = sorted(living(wire, app.keys, NOW_S), key=lambda one: one.identity)
    queues = frozenset({"mail", "low"})
    assert found == [Process("vm:1:a", queues, 10, 3, quiet=True), Process("vm:2:b", queues, 5, 0, quiet=False)]


def test_who_is_gone_is_not_counted(app: App, wire: Wire, raw: Any) -> None:
    register(raw, "vm:1:expired")
    register(raw, "vm:2:dead", info="{}", concurrency=1)
    register(raw, "vm:3:alive", info="{}", concurrency=1)
    raw.zadd("{offsider}:owners", {"vm:2:dead/default/1": 999_000, "vm:3:alive/default/1": 1_001_000})
    assert [one.identity for one in living(wire, app.keys, NOW_S)] == ["vm:3:alive"]


@pytest.mark.parametrize("info", ["no JSON", "[]", "{}", '{"queues":5}', "[" * 100_000])
def test_a_process_that_says_nonsense_takes_no_queue(info: str, app: App, wire: Wire, raw: Any) -> None:
    register(raw, "vm:1:a", info=info, concurrency="many", busy="-1")
    assert living(wire, app.keys, NOW_S) == [Process("vm:1:a", frozenset(), 0, 0, quiet=False)]


def test_many_are_paged(app: App, wire: Wire, raw: Any) -> None:
    for number in range(300):
        register(raw, f"vm:{number}:a", info="{}")
    assert len(living(wire, app.keys, NOW_S)) == 300


def test_since_when_a_process_runs_a_job_is_read_from_its_work(app: App, wire: Wire, raw: Any) -> None:
    work = "{offsider}:vm:1:a:work"
    raw.hset(work, "default-1", json.dumps({"queue": "mail", "payload": '{"jid":"x"}', "run_at": 900}))
    raw.hset(work, "default-2", "no JSON")

    def since(text: bytes) -> float | None:
        return running_since(wire, app.keys, "vm:1:a", lambda raw: text in raw)

    assert (since(b'"x"'), since(b'"y"')) == (900.0, None)
    assert running_since(wire, app.keys, "vm:2:b", lambda _raw: True) is None


def test_an_owner_has_the_name_of_its_process() -> None:
    assert identity_of("vm:1:a/default/3~2") == "vm:1:a"


@pytest.mark.parametrize(
    "entry",
    [
        {"queue": "mail", "payload": '{"args":["\\"run_at\\":9,"]}', "run_at": 1795614024},
        {"run_at": 17.25, "payload": '{"run_at":9}', "progress": [1, 2, '"run_at":9,']},
        {"payload": "\\", "run_at": 5}, {"payload": '"run_at":9}'}, {"run_at": "9"}, {"run_at": None}, {"run_at": -4},
        {"run_at": 1e300}, {},
    ],
)  # fmt: skip
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_since_when_a_job_runs_is_read_past_what_others_have_written_in_its_entry(
    entry: dict[str, Any], separators: tuple[str, str]
) -> None:
    value = json.dumps(entry, separators=separators).encode()
    assert work_since_s(value) == (work_entry(b"", value).since_s or 0.0)


def test_an_entry_that_is_none_says_nothing() -> None:
    assert [work_since_s(value) for value in (b"", b"\xff", b"[]", b'"run_at":')] == [0.0] * 4
