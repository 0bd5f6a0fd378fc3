"""Where a job is and why it does not run, in every place, with workers alive, quiet, busy, gone."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App, Retry
from offsider.contract.edition import Edition
from offsider.contract.middleware import ServerMiddleware
from offsider.contract.work import Hold
from offsider.errors import InvalidOption, RedisRefused, RedisUnavailable, SeamClosed
from offsider.worker.worker import Worker
from support.bench import payload
from support.processes import Desk
from support.waiting import until

Start = Callable[..., Worker]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What the job ``waits`` waits for."""
    one = threading.Event()
    yield one
    one.set()


@pytest.fixture
def jobs(app: App, gate: threading.Event) -> App:
    """The app with a few jobs."""

    @app.job(name="waits", queue="mail")
    def waits(number: int = 0) -> None:
        gate.wait(20)

    @app.job(name="fails", queue="mail", retry=Retry(max=1, delay=3600))
    def fails() -> None:
        raise ValueError("no paper")

    @app.job(name="dies", queue="mail", retry=0)
    def dies() -> None:
        raise ValueError("no ink")

    return app


def enqueue(app: App, name: str, **options: Any) -> str:
    jid = app.jobs[name].using(**options).enqueue()
    assert jid is not None
    return jid


# -- in a queue ------------------------------------------------------------------------------------------------------


def test_in_a_queue_that_nobody_takes(jobs: App, start_worker: Start, raw: Any) -> None:
    first, second = enqueue(jobs, "waits"), enqueue(jobs, "waits")
    why = jobs.why(second)
    assert (why.place, why.name, why.queue, why.position, why.length) == ("queue", "waits", "mail", 2, 2)
    assert why.summary == "waiting in the queue 'mail', number 2 of 2; number 1 is next"
    assert why.reasons == ("no live worker takes the queue 'mail' (no worker lives at all): start one with -q mail",)
    assert (why.record or {})["jid"] == why.jid == second
    assert jobs.why(first).position == 1
    worker = start_worker(jobs, queues=["other"])
    until(lambda: raw.exists(f"{{offsider}}:{worker.identity}"))
    assert jobs.why(first).reasons[0].startswith("no live worker takes the queue 'mail' (1 live workers in all)")


def test_in_a_queue_whose_workers_are_quiet(jobs: App, start_worker: Start, raw: Any) -> None:
    worker = start_worker(jobs, queues=["mail"])
    worker.quiet()
    until(lambda: raw.hget(f"{{offsider}}:{worker.identity}", "quiet") == b"true")
    assert jobs.why(enqueue(jobs, "waits")).reasons[0].startswith("of the workers that take it all are quiet (1)")


def test_in_a_queue_whose_workers_are_busy(jobs: App, gate: threading.Event, start_worker: Start, raw: Any) -> None:
    worker = start_worker(jobs, queues=["mail"], concurrency=1)
    _running, waiting = enqueue(jobs, "waits"), enqueue(jobs, "waits")
    until(lambda: raw.hget(f"{{offsider}}:{worker.identity}", "busy") == b"1")
    assert jobs.why(waiting).reasons == ("all 1 slots of the workers that take it are busy (1 workers)",)
    gate.set()


def test_in_a_queue_with_free_workers(jobs: App, raw: Any) -> None:
    info = json.dumps({"queues": ["mail"]})
    raw.sadd("{offsider}:processes", "vm:1:a")
    raw.hset("{offsider}:vm:1:a", mapping={"info": info, "concurrency": 5, "busy": 2, "quiet": "false"})
    (reason,) = jobs.why(enqueue(jobs, "waits")).reasons
    assert reason == "1 live workers take it, and run 2 jobs in 5 slots: it is to be taken soon"


def test_in_a_queue_as_bytes_that_are_no_job(app: App, raw: Any) -> None:
    raw.sadd("{offsider}:queues", "mail")
    raw.lpush("{offsider}:queue:mail", b'{"jid":"abc","class":5}')
    why = app.why("abc")
    assert (why.place, why.record, why.name, why.queue) == ("queue", None, "", "mail")
    assert why.reasons[-1].startswith("its bytes are no job")


# -- later -----------------------------------------------------------------------------------------------------------


def test_scheduled(jobs: App) -> None:
    why = jobs.why(enqueue(jobs, "waits", delay=3600))
    assert (why.place, why.reasons) == ("schedule", ())
    assert why.summary.startswith("scheduled at 20")
    assert "in 3600 s" in why.summary or "in 3599 s" in why.summary
    assert 3590 < (why.at_s or 0) - time.time() <= 3601


def test_scheduled_and_due_without_a_worker(jobs: App, raw: Any) -> None:
    jid = enqueue(jobs, "waits", delay=3600)
    (member,) = raw.zrange("{offsider}:schedule", 0, -1)
    raw.zadd("{offsider}:schedule", {member: time.time() - 30})
    why = jobs.why(jid)
    assert why.reasons == ("it is due: no live worker is there to move it",)
    assert why.summary.endswith(("30 s ago", "31 s ago"))


def test_to_be_tried_again_with_the_error_of_the_last_attempt(jobs: App, start_worker: Start, raw: Any) -> None:
    jid = enqueue(jobs, "fails")
    start_worker(jobs, queues=["mail"])
    until(lambda: raw.zcard("{offsider}:retry") == 1)
    why = jobs.why(jid)
    assert (why.place, why.queue) == ("retry", "mail")
    assert why.summary.startswith("to be tried again at 20")
    assert why.reasons == ("attempt 1 failed with ValueError: no paper",)


def test_held_with_the_reason_and_how_often(jobs: App, start_worker: Start, raw: Any) -> None:
    class Closed(ServerMiddleware):
        """Lets nothing through."""

        only = "sync"

        def call(self, execution: Any, next: Any) -> Any:
            raise Hold("the shop is closed", delay_s=600)

    jobs.server_middleware.add("closed", Closed())
    jid = enqueue(jobs, "waits")
    start_worker(jobs, queues=["mail"])
    until(lambda: raw.zcard("{offsider}:schedule") == 1)
    (reason,) = jobs.why(jid).reasons
    assert reason.startswith("it was held 1 times since 20")
    assert reason.endswith(": the shop is closed")


def test_put_back_because_nobody_knows_it(app: App, start_worker: Start, raw: Any) -> None:
    raw.lpush("{offsider}:queue:default", payload("unknown"))
    start_worker(app)
    until(lambda: raw.zcard("{offsider}:schedule") == 1)
    (reason,) = app.why("j1").reasons
    assert reason.startswith("it was put back 1 times since 20")
    assert "no job is registered here under the name 'unknown'" in reason


@pytest.mark.parametrize(
    "note",
    [{}, {"since": "x", "count": "y"}, {"since": 10**30, "count": True}, {"since": -1, "count": 2, "reason": [1]}],
    ids=repr,
)
def test_a_note_of_another_program_is_no_trap(note: dict[str, Any], app: App, raw: Any) -> None:
    raw.zadd("{offsider}:schedule", {payload("job", put_back=note, crashes=2): 5})
    reasons = app.why("j1").reasons
    assert reasons[1].startswith("it was put back")
    assert reasons[2] == "its process was lost 2 times while it was in flight"


# -- in flight -------------------------------------------------------------------------------------------------------


def test_running_in_a_process_since_a_time(jobs: App, gate: threading.Event, start_worker: Start, raw: Any) -> None:
    worker = start_worker(jobs, queues=["mail"])
    jid = enqueue(jobs, "waits")
    until(lambda: raw.exists(f"{{offsider}}:{worker.identity}:work"))
    why = jobs.why(jid)
    assert (why.place, why.process, why.reasons) == ("in flight", worker.identity, ())
    assert why.summary.startswith(f"running in {worker.identity} since 20")
    assert abs((why.at_s or 0) - time.time()) < 5
    gate.set()


def test_taken_and_not_begun(jobs: App, raw: Any) -> None:
    raw.zadd("{offsider}:owners", {"vm:1:a/default/1": 10**15})
    raw.hset("{offsider}:inflight:vm:1:a/default/1", "1:mail", payload("waits"))
    why = jobs.why("j1")
    assert (why.place, why.process, why.at_s, why.queue) == ("in flight", "vm:1:a", None, "mail")
    assert why.summary == "taken by vm:1:a: it is about to begin, or has just ended"


HOLDS = """
@app.job(name="holds")
def holds() -> None:
    say("begun")
    wait_for("never")
"""


def test_taken_by_a_process_that_was_killed(desk: Desk, app: App, raw: Any) -> None:
    desk.write(HOLDS)
    victim = desk.worker("-c", "1")
    raw.lpush("{offsider}:queue:default", payload("holds"))
    raw.lpush("{offsider}:bell:default", "1")
    desk.hears("begun")
    victim.kill()
    until(lambda: "not heard any more" in app.why("j1").summary, 10)
    why = app.why("j1")
    assert why.summary == f"taken by {victim.identity}, which is not heard any more"
    assert why.reasons[0].startswith("the lease of its process ended ")
    assert why.reasons[1] == "its job is to run again: no live worker is there to do it"


# -- at the end ------------------------------------------------------------------------------------------------------


def test_dead_with_its_error_and_what_to_do(jobs: App, start_worker: Start, raw: Any) -> None:
    jid = enqueue(jobs, "dies")
    start_worker(jobs, queues=["mail"])
    until(lambda: raw.zcard("{offsider}:dead") == 1)
    why = jobs.why(jid)
    assert why.place == "dead"
    assert why.summary.startswith("dead since 20")
    assert why.reasons == ("it is run again by app.dead.retry(jid)", "attempt 1 failed with ValueError: no ink")


def test_in_quarantine_with_the_reason(app: App, start_worker: Start, raw: Any) -> None:
    raw.lpush("{offsider}:queue:default", b'{"class":"job","args":[],"jid":"j1","retry_count":"many"}')
    start_worker(app)
    until(lambda: raw.zcard("{offsider}:quarantine") == 1)
    why = app.why("j1")
    assert (why.place, why.queue, why.record) == ("quarantine", "default", None)
    assert why.reasons[0].startswith("'retry_count' is 'many'")


def test_nowhere_once_it_has_finished(jobs: App, gate: threading.Event, start_worker: Start, raw: Any) -> None:
    jid = enqueue(jobs, "waits")
    start_worker(jobs, queues=["mail"])
    gate.set()
    until(lambda: jobs.why(jid).place == "nowhere")
    why = jobs.why(jid)
    assert why.summary == "it is not in Redis"
    assert why.reasons[0].startswith(
        "it has finished, was discarded or deleted, or was never enqueued in the namespace"
    )
    assert why.record is None


def test_unknown_when_the_search_ends_at_its_limit(jobs: App) -> None:
    for _ in range(3):
        enqueue(jobs, "waits")
    why = jobs.why("0" * 24, limit=2)
    assert (why.place, why.looked_at <= 3) == ("unknown", True)
    assert why.reasons == ("the search ended at its limit of 2 entries: ask again with a higher limit",)


# -- the answer ------------------------------------------------------------------------------------------------------


def test_it_is_read_as_text_and_as_json(jobs: App) -> None:
    why = jobs.why(enqueue(jobs, "waits"))
    assert str(why).splitlines() == [f"{why.jid}: {why.summary}", f"  * {why.reasons[0]}"]
    assert json.loads(json.dumps(why.to_dict()))["record"] == why.record


@pytest.mark.parametrize("jid", ["", 7, None, b"x", "x" * 201], ids=ascii)
def test_what_is_no_id_is_refused(jid: Any, app: App) -> None:
    with pytest.raises(InvalidOption, match=r"jid is .* expected the text that enqueue returned"):
        app.why(jid)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, None], ids=repr)
def test_what_is_no_limit_is_refused(limit: Any, app: App) -> None:
    with pytest.raises(InvalidOption, match=r"limit is "):
        app.why("x", limit=limit)


def test_a_redis_that_is_away_is_told() -> None:
    app = App("redis://127.0.0.1:1/0", editions=[])
    with pytest.raises(RedisUnavailable):
        app.why("x")


# -- the seam --------------------------------------------------------------------------------------------------------


class Knows(Edition):
    """Has reasons of its own, one of which fails."""

    name = "knows"

    def install(self, app: App) -> None:
        app.reasons.add("knows broken", lambda app, record, place: 1 / 0, by=self.name)  # type: ignore[arg-type,return-value]
        app.reasons.add("knows nothing", lambda app, record, place: None, by=self.name)
        app.reasons.add("knows", lambda app, record, place: f"{record['class']} in {place}", by=self.name)


def test_an_edition_adds_reasons_and_one_that_fails_is_logged_with_its_owner(
    make_app: Callable[..., App], raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(editions=[Knows()])
    raw.zadd("{offsider}:dead", {payload("job"): 5})
    assert app.why("j1").reasons == ("it is run again by app.dead.retry(jid)", "job in dead")
    (record,) = (one for one in caplog.records if "failed for job" in one.getMessage())
    assert record.getMessage() == "the reason 'knows broken' of knows failed for job j1; the others are told"


def test_the_core_promises_nothing_of_a_job_of_which_an_edition_knows_more(
    make_app: Callable[..., App], raw: Any
) -> None:
    class Closes(Edition):
        """Keeps one class of jobs where it is."""

        name = "closes"

        def install(self, app: App) -> None:
            app.reasons.add("closed", lambda app, record, place: record.get("closed"), by=self.name)

    app = make_app(editions=[Closes()])
    raw.sadd(app.keys.processes, "vm:1:a")
    info = json.dumps({"queues": ["mail"]})
    raw.hset(app.keys.process("vm:1:a"), mapping={"info": info, "concurrency": 5, "busy": 2, "quiet": "false"})
    raw.sadd(app.keys.queues, "mail")
    closed = payload("job", closed="the shop is closed")
    raw.lpush(app.keys.queue("mail"), closed)
    taken = "1 live workers take it, and run 2 jobs in 5 slots"
    assert app.why("j1").reasons == (taken, "the shop is closed")
    raw.delete(app.keys.queue("mail"))
    raw.lpush(app.keys.queue("mail"), payload("job", crashes=1))
    assert app.why("j1").reasons[0] == f"{taken}: it is to be taken soon", "what the core knows keeps no job"


def test_keys_of_another_type_are_told_with_what_to_do(app: App, raw: Any) -> None:
    raw.set(app.keys.owners, "mine")
    with pytest.raises(RedisRefused, match=r"another type than it should be .* look at it with redis-cli"):
        app.why("j1")


@pytest.mark.alone
def test_reasons_are_registered_while_editions_install(app: App) -> None:
    with pytest.raises(SeamClosed, match="reasons"):
        app.reasons.add("late", lambda app, record, place: None, by="late")
    assert {app.reasons.owner(name) for name, _reason in app.reasons.items()} == {"core"}
