"""Signals to real worker processes: what ends, what goes on, what is handed back, and when the process is gone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import redis

from offsider import App
from support.processes import Desk
from support.server import Server
from support.waiting import until

JOBS = """
@app.job
def hold(word: str) -> None:
    say(f"begin {word} {os.getpid()}")
    try:
        wait_for(word)
        say(f"done {word} {os.getpid()}")
    finally:
        tick.wait(0.2)
        say(f"end {word} {os.getpid()}")


@app.job
async def ahold(word: str) -> None:
    say(f"begin {word} {os.getpid()}")
    try:
        await await_for(word)
        say(f"done {word} {os.getpid()}")
    finally:
        say(f"end {word} {os.getpid()}")


@app.job
def deaf(word: str) -> None:
    say(f"begin {word} {os.getpid()}")
    while not Path(word).exists():
        try:
            tick.wait(0.01)
            say(f"alive {word} {os.getpid()}")
        except BaseException:
            pass


@app.job
async def adeaf(word: str) -> None:
    say(f"begin {word} {os.getpid()}")
    while not Path(word).exists():
        tick.wait(0.01)
        say(f"alive {word} {os.getpid()}")
"""
QUEUE = "{offsider}:queue:default"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The jobs of this file."""
    desk.write(JOBS)
    return desk


def enqueue(app: App, name: str, word: str) -> str:
    """Enqueue one job of the module; its jid."""

    def body(word: str) -> None:
        """It runs in the worker's process."""

    jid = app.job(name=f"jobs.{name}")(body).enqueue(word)
    assert jid is not None
    return jid


def waiting(raw: redis.Redis) -> list[bytes]:
    """The default queue, what is taken next first."""
    found: Any = raw.lrange(QUEUE, 0, -1)
    return list(found)[::-1]


def nothing_is_left(raw: redis.Redis) -> bool:
    """No queue, nothing in flight, no retry, no lease, no process."""
    return not raw.keys("{offsider}:inflight:*") and not raw.exists(
        QUEUE, "{offsider}:retry", "{offsider}:schedule", "{offsider}:owners", "{offsider}:processes"
    )


# -- TERM and INT --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_running_jobs_end_within_the_grace_and_the_process_exits_with_0(
    name: str, desk: Desk, app: App, raw: redis.Redis
) -> None:
    worker = desk.worker("-t", "20")
    enqueue(app, "hold", "a")
    enqueue(app, "ahold", "b")
    desk.hears(f"begin a {worker.pid}", f"begin b {worker.pid}")
    worker.tell(name).logs(f"got SIG{name}").logs("is quiet")
    enqueue(app, "hold", "late")
    assert worker.popen.poll() is None
    desk.touch("a")
    desk.touch("b")
    assert worker.end() == 0
    assert {f"done a {worker.pid}", f"done b {worker.pid}"} <= set(desk.said)
    assert [json.loads(payload)["args"] for payload in waiting(raw)] == [["late"]]
    raw.delete(QUEUE)
    assert nothing_is_left(raw)
    assert "Traceback" not in worker.log


def test_a_job_over_the_grace_is_handed_back_unchanged_and_never_runs_twice_at_once(
    desk: Desk, app: App, raw: redis.Redis
) -> None:
    first = desk.worker("-t", "0.1")
    jids = [enqueue(app, "hold", "a"), enqueue(app, "ahold", "b")]
    desk.hears(f"begin a {first.pid}", f"begin b {first.pid}")
    (owner,) = raw.keys("{offsider}:inflight:*")
    held: Any = raw.hgetall(owner)
    payloads = {value for value in held.values() if value.startswith(b'{"')}
    assert len(payloads) == 2
    first.tell("TERM")
    assert first.end() == 0
    assert set(waiting(raw)) == payloads, "the same bytes: no attempt was used"
    second = desk.worker()
    desk.touch("a")
    desk.touch("b")
    desk.hears(f"end a {second.pid}", f"end b {second.pid}")
    second.tell("TERM")
    assert second.end() == 0
    for word in "ab":
        lines = [line for line in desk.said if f" {word} " in line]
        assert lines == [
            f"begin {word} {first.pid}",
            f"end {word} {first.pid}",
            f"begin {word} {second.pid}",
            f"done {word} {second.pid}",
            f"end {word} {second.pid}",
        ]
    assert nothing_is_left(raw)
    assert first.log.count("stopped (") == 2
    assert all(jid in first.log for jid in jids)


def test_jobs_that_do_not_listen_end_with_their_process_before_another_runs_them(
    desk: Desk, app: App, raw: redis.Redis
) -> None:
    first = desk.worker("-t", "0.1")
    enqueue(app, "deaf", "a")
    enqueue(app, "adeaf", "b")
    desk.hears(f"begin a {first.pid}", f"begin b {first.pid}")
    second = desk.worker()
    first.tell("TERM")
    assert first.end() == 0
    assert "2 jobs did not listen; the process ends with them" in first.log
    for word in "ab":
        desk.hears(f"begin {word} {second.pid}")
        again = desk.said.index(f"begin {word} {second.pid}")
        late = [line for line in desk.said[again:] if line == f"alive {word} {first.pid}"]
        assert late == [], "it still ran in the first process when the second one began it"
        desk.touch(word)
    second.tell("TERM")
    assert second.end() == 0
    assert nothing_is_left(raw)


def test_a_second_interrupt_ends_the_grace(desk: Desk, app: App, raw: redis.Redis) -> None:
    worker = desk.worker("-t", "600")
    jid = enqueue(app, "hold", "a")
    desk.hears(f"begin a {worker.pid}")
    worker.tell("INT").logs("got SIGINT").logs("is quiet")
    assert worker.popen.poll() is None
    worker.tell("INT").logs("got SIGINT again")
    assert worker.end() == 0
    assert [json.loads(payload)["jid"] for payload in waiting(raw)] == [jid]
    assert f"end a {worker.pid}" in desk.said


# -- TSTP, TTIN, and signals through Redis -------------------------------------------------------------------------


def test_tstp_takes_no_more_and_ttin_shows_the_stacks_with_the_names_of_jobs(
    desk: Desk, app: App, raw: redis.Redis
) -> None:
    worker = desk.worker()
    jid, ajid = enqueue(app, "hold", "a"), enqueue(app, "ahold", "b")
    desk.hears(f"begin a {worker.pid}", f"begin b {worker.pid}")

    worker.tell("TTIN").logs("stacks of all threads and tasks:").logs("Task ")
    assert re.search(rf"Thread offsider-default-\d \(\d+\) running jobs\.hold {jid}\n(  .*\n)+?.*wait_for", worker.log)
    assert "in await_for" in worker.log
    assert re.search(rf"Task .*running jobs\.ahold {ajid}", worker.log)

    worker.tell("TSTP").logs("is quiet")
    enqueue(app, "hold", "late")
    desk.touch("a")
    desk.touch("b")
    desk.hears(f"end a {worker.pid}", f"end b {worker.pid}")
    until(lambda: raw.hget(f"{{offsider}}:{worker.identity}", "quiet") == b"true")
    until(lambda: raw.hget(f"{{offsider}}:{worker.identity}", "busy") == b"0")
    assert len(waiting(raw)) == 1, "what came after TSTP waits for others"
    worker.tell("TERM")
    assert worker.end() == 0
    assert len(waiting(raw)) == 1


def test_signals_come_through_redis_too(desk: Desk, raw: redis.Redis) -> None:
    worker = desk.worker()
    key = f"{{offsider}}:{worker.identity}-signals"
    raw.lpush(key, "TTIN")
    worker.logs("got SIGTTIN").logs("stacks of all threads and tasks:")
    raw.lpush(key, "HUP")
    worker.logs("an unknown signal came through Redis: 'HUP'; known are TERM, TSTP, TTIN")
    raw.lpush(key, "TSTP")
    worker.logs("got SIGTSTP").logs("is quiet")
    raw.lpush(key, "TERM")
    assert worker.end() == 0


# -- handlers ------------------------------------------------------------------------------------------------------

CHAINED = """
import signal
from jobs import app, say
from offsider import App
from offsider.errors import StoreError
from offsider.worker.signals import SIGNALS, run
from offsider.worker.worker import Worker


def mine(number, frame):
    say(f"mine {signal.Signals(number).name}")


def handlers():
    return [signal.getsignal(getattr(signal, name)) for name in SIGNALS]


signal.signal(signal.SIGTSTP, mine)
signal.signal(signal.SIGTERM, mine)
signal.signal(signal.SIGTTIN, signal.SIG_IGN)
before = handlers()

try:
    run(Worker(App("redis://127.0.0.1:1/0", editions=[])))
except StoreError:
    say(f"no start, restored {handlers() == before}")


@app.on("startup")
def started():
    say(f"started, listening {handlers() != before}")


code = run(Worker(app))
say(f"code {code}, restored {handlers() == before}")
"""


def test_handlers_that_were_there_are_called_first_and_put_back_also_when_the_start_fails(desk: Desk) -> None:
    (desk.folder / "main.py").write_text(CHAINED, "utf-8")
    process = desk.run("main.py")
    desk.hears("started, listening True")
    process.tell("TSTP")
    desk.hears("mine SIGTSTP")
    process.tell("TERM")
    assert process.end() == 0, process.log
    assert desk.said == [
        "no start, restored True",
        "started, listening True",
        "mine SIGTSTP",
        "mine SIGTERM",
        "code 0, restored True",
    ]


# -- without Redis -------------------------------------------------------------------------------------------------

HASTY = """
import sys
from offsider.worker import signals
from offsider.worker.logs import configure
from offsider.worker.worker import Worker
from jobs import app

configure("INFO")
signals.LAST_WORDS_S = 1.0
sys.exit(signals.run(Worker(app)))
"""


def test_a_worker_without_redis_for_too_long_exits_with_75(desk: Desk, make_server: Callable[..., Server]) -> None:
    server = make_server("--appendonly", "no")
    worker = desk.worker(
        OFFSIDER_REDIS_URL=server.url, OFFSIDER_WORKER_GIVE_UP_S="0.3", OFFSIDER_WORKER_SHUTDOWN_TIMEOUT_S="0.1"
    )
    server.kill()
    assert worker.end() == 75
    assert "this worker gives up" in worker.log


def test_a_worker_is_gone_by_the_deadline_when_redis_does_not_answer(
    desk: Desk, make_server: Callable[..., Server]
) -> None:
    server = make_server("--appendonly", "no")
    (desk.folder / "main.py").write_text(HASTY, "utf-8")
    app = App(server.url, editions=[])
    worker = desk.run("main.py", OFFSIDER_REDIS_URL=server.url, OFFSIDER_WORKER_SHUTDOWN_TIMEOUT_S="0.2")
    enqueue(app, "hold", "a")
    desk.hears(f"begin a {worker.pid}")
    app.close()
    server.freeze()
    worker.tell("TERM").logs("got SIGTERM")
    assert worker.end(10) == 0, "the grace and the last words are over"
    assert "has stopped" not in worker.log
