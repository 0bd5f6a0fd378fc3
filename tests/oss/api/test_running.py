"""What runs now, in which process and how far."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from offsider import CONTEXT, App, Context
from offsider.worker.worker import Worker
from support.waiting import until


def test_running_jobs_are_told_with_their_process_and_progress(
    make_app: Callable[..., App], start_worker: Callable[..., Worker]
) -> None:
    app = make_app(worker={"beat_s": 0.1})
    gate = threading.Event()

    @app.job(name="hold", queue="mail", display_name="Hold on")
    def hold(ctx: Context = CONTEXT) -> None:
        ctx.progress(3, 10, "reading")
        gate.wait(10)

    before_s = int(time.time())
    worker = start_worker(app, queues=["mail"])
    jid = hold.enqueue()
    until(lambda: any(job.progress for job in app.running), what="it is told")
    (found,) = app.running
    assert (found.process, found.slot, found.jid) == (worker.identity, "default-1", jid)
    assert (found.name, found.queue, found.progress) == ("Hold on", "mail", (3.0, 10.0, "reading"))
    assert before_s <= found.since_s <= time.time()
    assert app.running.find(str(jid)) == found
    assert app.running.find("other") is None
    assert json.loads(json.dumps(found.to_dict()))["record"]["class"] == "hold"
    info = app.job_info(str(jid))
    assert info is not None
    assert (info.running, info.progress, info.process) == (True, (3.0, 10.0, "reading"), worker.identity)
    gate.set()
    until(lambda: len(app.running) == 0)


def test_whatever_lies_in_a_work_set_does_no_harm(app: App, raw: Any) -> None:
    work = {
        "a": "\xff", "b": "[]", "c": '{"payload":7}', "d": '{"payload":"[]","run_at":"x"}',
        "e": '{"payload":"{\\"class\\":\\"j\\",\\"args\\":[],\\"jid\\":\\"1\\"}","run_at":5,"progress":[1,2]}',
    }  # fmt: skip
    raw.sadd(app.keys.processes, "odd:1:a", "string")
    raw.hset(app.keys.work("odd:1:a"), mapping=work)
    raw.set(app.keys.work("string"), "mine")
    assert [(job.jid, job.since_s, job.progress) for job in app.running] == [("1", 5.0, None)]


def test_a_page_of_many_is_read_longest_first(app: App, raw: Any) -> None:
    payload = '{"class":"j","args":[],"jid":"%s"}'
    for process in range(3):
        identity = f"host:{process}:a"
        raw.sadd(app.keys.processes, identity)
        work = {
            f"default-{slot}": {"payload": payload % f"j{process}{slot}", "run_at": 100 - 10 * slot - process}
            for slot in range(4)
        }
        raw.hset(app.keys.work(identity), mapping={slot: json.dumps(one) for slot, one in work.items()})
    assert [job.jid for job in app.running.jobs(count=5)] == ["j23", "j13", "j03", "j22", "j12"]
    assert [job.jid for job in app.running.jobs(count=5, skip=10)] == ["j10", "j00"]
    assert app.running.jobs(skip=100) == []
