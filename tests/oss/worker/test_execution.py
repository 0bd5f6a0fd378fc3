"""One job in hand, as server middleware and the process list see it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware
from offsider.contract.work import Hold, UnitOfWork
from offsider.errors import JobCancelled, LostJob, Shutdown
from offsider.worker.execution import Execution
from support.bench import Bench, payload
from support.waiting import until


class Watching(ServerMiddleware):
    """Keeps what it has seen."""

    def __init__(self) -> None:
        self.seen: list[Execution] = []
        self.started_s: list[float] = []

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        self._look(execution)
        return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        self._look(execution)
        return await next(execution)

    def _look(self, execution: Execution) -> None:
        self.seen.append(execution)
        self.started_s.append(execution.started_s)


@pytest.mark.parametrize("kind", ["def", "async"])
def test_middleware_sees_the_job_its_payload_and_its_arguments(bench: Bench, kind: str) -> None:
    watching = Watching()
    bench.app.server_middleware.add("watching", watching)

    def threaded(number: int, *, word: str) -> int:
        return number

    async def looped(number: int, *, word: str) -> int:
        return number

    job = bench.app.job(name="job")(threaded if kind == "def" else looped)
    sent = payload("job", 7, jid="j7", kwargs={"word": "é"})
    before_s = time.monotonic()
    bench.run(sent)
    (one,) = watching.seen
    assert (one.jid, one.queue, one.job) == ("j7", "default", job)
    assert (one.args, one.kwargs, one.record) == ([7], {"word": "é"}, json.loads(sent))
    assert (one.unit.payload, one.unit.queue, one.lost, one.progress) == (sent, "default", False, None)
    assert before_s <= watching.started_s[0] <= time.monotonic()
    assert one.settlement is not None
    assert (one.settlement.kind, one.settlement.unit) == ("done", one.unit)


def test_middleware_may_end_a_job_without_running_it(bench: Bench) -> None:
    ran: list[int] = []

    class Dropping(ServerMiddleware):
        def call(self, execution: Any, next: NextSync) -> Any:
            return None

        async def acall(self, execution: Any, next: NextAsync) -> Any:
            return None

    bench.app.server_middleware.add("dropping", Dropping())

    @bench.app.job(name="job")
    def job() -> None:
        ran.append(1)

    job.enqueue()
    bench.run()
    assert (ran, bench.places()) == ([], {})
    until(lambda: bench.raw.get(bench.key("stat:processed")) == b"1")


def test_the_queue_is_the_one_it_was_taken_from_whatever_the_payload_says() -> None:
    unit = UnitOfWork("1:low", "low", b"{}")
    nobody: Any = None
    one = Execution(unit, {"queue": "mail", "jid": 7}, nobody, nobody, [], {})
    assert (one.queue, one.jid) == ("low", "7")


@pytest.mark.parametrize(
    ("error", "stopped_when"),
    [
        (ValueError("torn"), {"cancelled"}),
        (Hold("later", delay_s=1.0), {"", "cancelled", "lost", "interrupting"}),
        (JobCancelled("on request"), {"", "cancelled", "lost", "interrupting"}),
        (LostJob("gone"), {"cancelled", "lost"}),
        (Shutdown(), {"cancelled", "interrupting"}),
        (asyncio.CancelledError(), {"cancelled", "interrupting"}),  # else its time was over, or it has raised it itself
    ],
)
def test_what_has_failed_is_told_from_what_was_stopped(error: BaseException, stopped_when: set[str]) -> None:
    for state in ("", "cancelled", "lost", "interrupting"):
        capsule: Any = SimpleNamespace(interrupting=state == "interrupting")
        nobody: Any = None
        one = Execution(UnitOfWork("1:a", "a", b""), {"jid": "j"}, nobody, capsule, [], {})
        one.cancelled, one.lost = state == "cancelled", state == "lost"
        assert one.is_stopped_by(error) == (state in stopped_when), state


def test_what_is_set_on_one_is_not_set_on_another() -> None:
    nobody: Any = None
    first, second = (Execution(UnitOfWork("1:a", "a", b""), {"jid": "j"}, nobody, nobody, [], {}) for _ in range(2))
    first.lost, first.progress, first.args = True, (1, 2, "x"), [1]
    assert (second.lost, second.progress, second.args) == (False, None, [])


def test_a_lost_job_that_ends_does_not_settle_another_that_has_its_number_under_the_new_owner(bench: Bench) -> None:
    gates = {name: threading.Event() for name in ("old", "new")}
    begun: SimpleQueue[str] = SimpleQueue()

    @bench.app.job(name="job")
    def job(name: str) -> None:
        begun.put(name)
        if name in gates:
            gates[name].wait(20)

    fenced: list[str] = []
    bench.app.events.on("fenced", fenced.append)
    worker = bench.start(concurrency=2)
    job.enqueue("old")
    assert begun.get(timeout=10) == "old"
    for key in (*bench.raw.keys(bench.key("inflight:*")), bench.key("owners")):
        bench.raw.delete(key)  # another process has taken this one for dead
    until(lambda: fenced)
    job.enqueue("new")
    assert begun.get(timeout=10) == "new"
    (key,) = bench.raw.keys(bench.key("inflight:*"))
    (field,) = bench.raw.hkeys(key)
    (old,) = (one for one in worker.running() if one.lost)
    old.unit.field = field.decode()  # each owner counts from 1, so that this happens
    gates["old"].set()
    until(lambda: worker.busy() == 1)
    job.enqueue("last")
    assert begun.get(timeout=10) == "last"
    until(lambda: bench.raw.hlen(key) < 2)
    assert bench.raw.hkeys(key) == [field], "it still runs"
    gates["new"].set()
    until(bench.is_settled)
