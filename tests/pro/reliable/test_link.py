"""Suspects run alone: who kills his process is found out and put apart, and nobody is blamed for having been near."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offsider import App
from offsider.worker.worker import Worker
from support.bench import payload
from support.waiting import until

from .conftest import ProDesk

Push = Callable[..., bytes]
PREFIX = "{offsider}:"
MARK = {"at": 1, "process": "gone:1:abc", "cause": "killed by SIGKILL", "deaths": 0}
MORE = """
import time

from offsider import Retry, Snooze


@app.on("orphan")
def orphaned(record, cause):
    say(f"orphan {record['jid']} {cause}")


@app.on("death")
def died(record, error):
    say(f"death {record['jid']} {type(error).__name__}")


@app.job(name="answer", result_ttl=60)
async def answer(number: int) -> int:
    return number + 1


@app.job(name="fail", retry=Retry(max=3, delay=60))
def fail() -> None:
    raise RuntimeError("on purpose")


@app.job(name="slow", timeout=0.3)
def slow() -> None:
    wait_for("never")


@app.job(name="hear")
def hear(ctx: Context) -> None:
    say("hears")
    while True:
        ctx.check()
        tick.wait(0.01)


@app.job(name="steps")
def steps(cursor: int | None, last: int):
    for number in range((cursor or 0) + 1, last + 1):
        say(f"step {number}")
        yield number
        if number == 2:
            wait_for("go")


@app.job(name="later")
def later() -> Snooze:
    return Snooze(60)
"""


def dead(raw: Any) -> list[dict[str, Any]]:
    return [json.loads(one) for one in raw.zrange(f"{PREFIX}dead", 0, -1)]


def is_idle(raw: Any) -> bool:
    """Nothing waits to be run now, and nothing is in flight."""
    return not raw.llen(f"{PREFIX}queue:default") and not raw.keys(f"{PREFIX}inflight:*")


def put_back(raw: Any) -> bytes:
    """The first job that is found in the schedule: it leaves that after a second."""
    found: list[bytes] = []
    until(lambda: found.extend(raw.zrange(f"{PREFIX}schedule", 0, -1)) or found, 40, "a job is put back")
    return found[0]


def words(desk: ProDesk, first: str) -> list[str]:
    """What was said that begins so."""
    return [line for line in desk.said if line.startswith(first)]


def test_who_kills_his_process_costs_one_worker_and_is_dead_with_the_cause_and_nobody_else_is_blamed(
    pro_desk: ProDesk, raw: Any, push: Push
) -> None:
    pro_desk.write(more=MORE)
    first, second = pro_desk.worker("-c", "5"), pro_desk.worker("-c", "5")
    for word in "abcd":
        push("ahold" if word == "a" else "hold", word, jid=word)
    push("poison", "segfault", "go", jid="p")
    until(lambda: len(pro_desk.said) == 5, 20)
    pro_desk.touch("go")
    until(lambda: dead(raw), 60, "the poison is dead")
    (record,) = dead(raw)
    assert (record["jid"], record["error_class"]) == ("p", "offsider.ProcessLost")
    told = record["error_message"]
    assert told.startswith("it ran alone and its process died, 3 times; the last one was killed by SIGSEGV.")
    assert "Segmentation fault" in told
    assert "in poison" in told
    assert len(words(pro_desk, "poison")) == 4
    assert len({line.split()[2] for line in words(pro_desk, "poison")}) == 4, "each time a process of its own"
    assert sum(one.popen.poll() is None for one in (first, second)) == 1, "one worker was lost, and no more"
    for word in "abcd":
        pro_desk.touch(word)
    until(lambda: is_idle(raw), 30)
    assert len(words(pro_desk, "done")) == 4
    assert words(pro_desk, "death") == ["death p ProcessLost"]
    orphans = words(pro_desk, "orphan")
    assert "orphan p killed by SIGSEGV" in orphans
    assert 1 <= len(orphans) <= 5
    assert len(dead(raw)) == 1
    assert raw.keys(f"{PREFIX}suspects:*") == []


def test_what_becomes_of_a_suspect_is_what_becomes_of_any_other_job(pro_desk: ProDesk, raw: Any, push: Push) -> None:
    pro_desk.write(more=MORE)
    pro_desk.worker("-c", "4")
    push("answer", 41, jid="answer", suspect=MARK, result_ttl=60)
    push("fail", jid="fail", suspect=MARK)
    push("slow", jid="slow", suspect=MARK, timeout=0.3)
    push("later", jid="later", suspect=MARK)
    push("hear", jid="hear", suspect=MARK)
    until(lambda: "hears" in pro_desk.said, 30)
    (owner,) = (key.decode().removeprefix(f"{PREFIX}inflight:") for key in raw.keys(f"{PREFIX}inflight:*"))
    until(lambda: raw.hlen(f"{PREFIX}inflight:{owner}") == 1, 20)
    app = App(pro_desk.environment["OFFSIDER_REDIS_URL"], editions=[])
    assert app.cancel("hear")
    until(lambda: is_idle(raw), 20)
    assert app.result("answer").value == 42
    app.close()
    retries = {record["jid"]: record for one in raw.zrange(f"{PREFIX}retry", 0, -1) if (record := json.loads(one))}
    assert set(retries) == {"fail", "slow"}
    assert retries["fail"]["error_message"] == "on purpose"
    assert retries["slow"]["error_class"] == "offsider.errors.JobTimeout"
    assert all(one["suspect"] == MARK for one in retries.values()), "the next attempt runs alone, too"
    (snoozed,) = raw.zrange(f"{PREFIX}schedule", 0, -1)
    assert json.loads(snoozed)["jid"] == "later"
    assert dead(raw) == []
    day = {key.decode().rpartition(":")[0]: int(raw.get(key)) for key in raw.keys(f"{PREFIX}stat:*:*")}
    until(lambda: raw.get(f"{PREFIX}stat:failed") == b"2", 10, f"two attempts have failed: {day}")


def test_a_suspect_is_handed_back_when_its_worker_stops_and_a_resumable_one_goes_on_where_it_was(
    pro_desk: ProDesk, raw: Any, push: Push
) -> None:
    pro_desk.write(more=MORE)
    first = pro_desk.worker("-c", "3", "-t", "0.5")
    push("hold", "a", jid="a", suspect=MARK)
    push("ahold", "b", jid="b", suspect=MARK)
    push("steps", 3, jid="s", suspect=MARK)
    until(lambda: len(pro_desk.said) == 4, 30)
    assert first.tell("TERM").end() == 0, first.log
    assert raw.llen(f"{PREFIX}queue:default") == 3
    assert raw.keys(f"{PREFIX}suspects:*") == raw.keys(f"{PREFIX}inflight:*") == []
    for word in ("a", "b", "go"):
        pro_desk.touch(word)
    pro_desk.worker("-c", "3")
    until(lambda: is_idle(raw), 30)
    assert len(words(pro_desk, "done")) == 2
    assert words(pro_desk, "step") == ["step 1", "step 2", "step 3"]
    until(lambda: not raw.keys(f"{PREFIX}it-*"), 10, "its cursor is forgotten")


def test_a_worker_that_dies_while_a_suspect_runs_alone_does_not_blame_it(
    pro_desk: ProDesk, raw: Any, push: Push
) -> None:
    first = pro_desk.worker("-c", "1")
    push("hold", "a", suspect={**MARK, "deaths": 2})
    until(lambda: pro_desk.said, 30)
    alone = int(pro_desk.said[0].split()[2])
    assert alone != first.pid
    first.kill()
    until(lambda: not_there(alone), 10, "the process of the suspect has ended with its worker")
    second = pro_desk.worker("-c", "1")
    until(lambda: len(pro_desk.said) == 2, 30)
    assert int(pro_desk.said[1].split()[2]) not in (alone, second.pid)
    (held,) = raw.hvals(raw.keys(f"{PREFIX}inflight:*")[0])
    assert json.loads(held)["suspect"] == {**MARK, "deaths": 2}
    assert "crashes" not in json.loads(held)
    pro_desk.touch("a")
    until(lambda: is_idle(raw), 20)


def not_there(pid: int) -> bool:
    """True once there is no such process, or only what is left of it until its parent looks."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return True


def test_where_the_import_starts_threads_each_suspect_has_a_process_that_was_started_for_it(
    pro_desk: ProDesk, raw: Any, push: Push
) -> None:
    pro_desk.write(more=f"{MORE}\nthreading.Thread(target=tick.wait, daemon=True).start()\n")
    worker = pro_desk.worker("-c", "2")
    push("poison", "exit", jid="p", suspect={**MARK, "deaths": 2})
    push("note", "n", jid="n", suspect=MARK)
    until(lambda: dead(raw) and is_idle(raw), 60)
    assert dead(raw)[0]["error_message"].startswith(
        "it ran alone and its process died, 3 times; the last one was ended itself with exit code 3."
    )
    assert len(words(pro_desk, "note n")) == 1
    assert str(worker.pid) not in words(pro_desk, "note n")[0]


def test_a_process_that_cannot_begin_is_not_the_jobs_fault(pro_desk: ProDesk, raw: Any, push: Push) -> None:
    hook = """
@app.on("startup")
def start():
    if Path("bad").exists():
        raise RuntimeError("the database is away")
"""
    pro_desk.write(more=hook)
    pro_desk.worker("-c", "1")
    pro_desk.touch("bad")
    push("note", "n", suspect={**MARK, "deaths": 2})
    assert "the database is away" in json.loads(put_back(raw))["put_back"]["reason"]
    (pro_desk.folder / "bad").unlink()
    until(lambda: words(pro_desk, "note n") and is_idle(raw), 40)
    assert dead(raw) == []


def test_an_app_that_no_other_process_can_import_runs_its_suspects_in_company(
    make_pro: Callable[..., App], raw: Any, start_worker: Callable[..., Worker], caplog: Any
) -> None:
    pro = make_pro(pro={"reliable_fetch": True})
    ran: list[int] = []
    pro.job(name="job")(lambda number: ran.append(number))
    raw.lpush(f"{PREFIX}queue:default", payload("job", 7, suspect=MARK))
    start_worker(pro)
    until(lambda: ran == [7] and is_idle(raw), 20)
    assert "suspects cannot run alone here" in caplog.text
    assert not raw.keys(f"{PREFIX}suspects:*")
