"""A flood of what is no job, in a queue and beside it: the worker lives, the bytes are kept, the next job runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from support.fleet import Fleet
from support.invariants import assert_sound, read
from support.tally import tally
from support.waiting import until

LEASE_S = 2.0
WITHIN_S = 2.0
MOST_CPU_S = 0.3  # in a second of doing nothing

JOB = '{"queue":"default","class":"work","args":[%s],"jid":"0123456789abcdef01234567","retry":true}'
GARBAGE: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"no job at all",
    "bytes": bytes(range(256)),
    "a list": b"[1,2,3]",
    "null": b"null",
    "no class": b'{"args":[],"jid":"a"}',
    "no args": b'{"class":"work","jid":"a"}',
    "deep": b"[" * 100_000,
    "deep and whole": b"[" * 100_000 + b"]" * 100_000,
    "deep arguments": (JOB % ("[" * 5_000 + "]" * 5_000)).encode(),
    "NaN": (JOB % "NaN").encode(),
    "infinite": (JOB % "1e999").encode(),
    "a lone surrogate": (JOB % '"\\ud800"').encode(),
    "5,000 digits": (JOB % ("9" * 5_000)).encode(),
    "20 MB": (JOB % f'"{"x" * 20_000_000}"').encode(),
    "torn": (JOB % "1").encode()[:-20],
    "an odd counter": (JOB % "1").replace('"retry":true', '"retry_count":-7').encode(),
}


def cpu_s(pid: int) -> float:
    """How long a process has been computing."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def flood(fleet: Fleet, pieces: list[bytes]) -> float:
    """Put garbage and then a job into the queue; seconds until the job has ended."""
    for raw in pieces:
        fleet.raw.lpush(fleet.keys.queue("default"), raw)
    pushed_s = time.monotonic()
    jid = fleet.enqueue("work")
    until(lambda: fleet.ended([jid]), 15, "the next job runs")
    return round(time.monotonic() - pushed_s, 2)


def test_garbage_is_kept_with_its_bytes_and_the_next_job_runs_soon(
    fleet: Fleet, rng: Random, tell: Callable[..., str]
) -> None:
    worker = fleet.start("-c", "3").ready()
    pieces = [*GARBAGE.values(), *(rng.randbytes(rng.randrange(200)) for _ in range(300))]
    # Three floods: on a machine that is busy with something else the first may take longer.
    times_s = [flood(fleet, rng.sample(pieces, len(pieces))) for _ in range(3)]
    until(lambda: fleet.idle(), 10)
    before_s = cpu_s(worker.pid)
    threading.Event().wait(1.0)
    idle_s = round(cpu_s(worker.pid) - before_s, 2)
    figures = tell(pieces=len(pieces), next_job_after_s=times_s, cpu_of_an_idle_second_s=idle_s)
    assert min(times_s) <= WITHIN_S, figures
    assert idle_s <= MOST_CPU_S, figures
    kept = [entry.partition(b"\n")[2] for entry in fleet.raw.zrange(fleet.keys.quarantine, 0, -1)]
    assert set(kept) == set(pieces), figures
    assert worker.alive
    assert fleet.stop() == [0], fleet.logs()
    state = read(fleet.raw, fleet.keys)  # pieces of garbage share their ids: the rule of one place is not theirs
    assert not state.inflight, figures
    assert not state.owners, figures


def test_garbage_in_sorted_sets_and_of_dead_workers_is_kept_with_its_bytes(fleet: Fleet) -> None:
    pieces = {raw for raw in GARBAGE.values() if len(raw) < 1_000_000}
    ghost = "ghost:1:000000000000/default/1"
    for place, key in (("schedule", fleet.keys.schedule), ("retry", fleet.keys.retry)):
        fleet.raw.zadd(key, dict.fromkeys((raw + place.encode() for raw in pieces), 1.0))
    held = {f"{number}:default": raw + b"dead" for number, raw in enumerate(pieces)}
    fleet.raw.zadd(fleet.keys.owners, {ghost: 1})
    fleet.raw.hset(fleet.keys.inflight(ghost), mapping=held)
    jid = fleet.enqueue("work", delay=0.2)
    fleet.start("-c", "3")
    until(lambda: fleet.ended([jid]) and fleet.raw.zcard(fleet.keys.quarantine) >= 3 * len(pieces), 15)
    until(fleet.idle, 10)
    kept = {entry.partition(b"\n")[2] for entry in fleet.raw.zrange(fleet.keys.quarantine, 0, -1)}
    assert kept == {raw + place for raw in pieces for place in (b"schedule", b"retry", b"dead")}


def test_keys_that_somebody_made_something_else_of_stop_neither_the_other_queues_nor_what_comes_after(
    fleet: Fleet, tell: Callable[..., str]
) -> None:
    worker = fleet.start("-c", "3", "-q", "low:1", "-q", "default:5").ready()
    wrong = [fleet.keys.prefix + key for key in ("queue:low", "bell-schedule", "bell:default")]
    for key in wrong[:1]:
        fleet.raw.set(key, "not a list")
    beside = fleet.enqueue_many("work", [()] * 10)
    until(lambda: fleet.ended(beside), 10, f"the other queue's jobs run; {worker.output()}")
    for key in wrong[1:]:
        fleet.raw.delete(key)
        fleet.raw.set(key, "not a list")
    threading.Event().wait(2.5)  # longer than anybody waits for a bell
    fleet.raw.delete(*wrong)
    jid = fleet.enqueue("work")
    began_s = time.monotonic()
    until(lambda: fleet.ended([jid]), 10, "a job runs")
    figures = tell(ran_after_s=round(time.monotonic() - began_s, 2))
    assert tally(fleet, [jid, *beside]).doubles == 0, figures
    assert worker.alive
    assert fleet.stop() == [0], fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=(), note=figures)
