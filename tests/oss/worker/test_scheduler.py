"""The scheduler: each entry moves once, in time, whatever else lies in its set."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
import redis

from offsider import App, Retry
from offsider.errors import RedisUnavailable
from offsider.worker.scheduler import LONGEST_SLEEP_S, MOST_A_TRIP, Scheduler
from offsider.worker.worker import Worker
from support.waiting import until

SCHEDULE, RETRY = "{offsider}:schedule", "{offsider}:retry"
Make = Callable[[], Scheduler]


@pytest.fixture
def make(app: App) -> Iterator[Make]:
    """Schedulers that are not started, stopped at the end."""
    made: list[Scheduler] = []

    def one() -> Scheduler:
        made.append(Scheduler(app.connections, app.keys, rng=Random(len(made))))
        return made[-1]

    yield one
    for scheduler in made:
        scheduler.stop()


def entry(number: int, queue: str = "mail", **fields: Any) -> bytes:
    """One job as it lies in a set."""
    record = {"class": "paint", "args": [number], "jid": f"{number:024x}", "queue": queue, "retry": True, **fields}
    return json.dumps(record, separators=(",", ":")).encode()


def put(raw: redis.Redis, key: str, members: list[bytes], due_in_s: float = -1) -> None:
    """Entries of one time."""
    due_s = time.time() + due_in_s
    raw.zadd(key, dict.fromkeys(members, due_s))


def queued(raw: redis.Redis, queue: str = "mail") -> list[dict[str, Any]]:
    """A queue's jobs, what is taken next first."""
    found: Any = raw.lrange(f"{{offsider}}:queue:{queue}", 0, -1)
    return [json.loads(payload) for payload in reversed(found)]


def test_a_queue_that_is_no_list_loses_no_job_and_holds_up_no_other(make: Make, raw: redis.Redis) -> None:
    raw.set("{offsider}:queue:odd", "mine")
    put(raw, RETRY, [entry(1, "odd"), entry(2)])
    put(raw, SCHEDULE, [entry(3)])
    scheduler = make()
    for _ in range(2):
        with pytest.raises(redis.ResponseError, match="queue:odd is a string, expected a list"):
            scheduler.tick()
    assert [job["args"] for job in queued(raw)] == [[2], [3]]
    assert raw.zrange(RETRY, 0, -1) == [entry(1, "odd")]
    raw.delete("{offsider}:queue:odd")
    scheduler.tick()
    assert len(queued(raw, "odd")) == 1


def test_more_jobs_of_such_a_queue_than_fit_into_a_trip_hold_up_nothing_of_their_set(
    make: Make, raw: redis.Redis
) -> None:
    raw.set("{offsider}:queue:odd", "mine")
    stuck = [entry(number, "odd") for number in range(MOST_A_TRIP + 1)]
    put(raw, RETRY, stuck, due_in_s=-60)
    put(raw, RETRY, [entry(9000)])
    with pytest.raises(redis.ResponseError, match="queue:odd is a string"):
        make().tick()
    assert [job["args"] for job in queued(raw)] == [[9000]]
    assert sorted(raw.zrange(RETRY, 0, -1)) == sorted(stuck), "as they were, and none is lost"


def test_several_at_once_move_each_of_two_thousand_entries_once(make: Make, raw: redis.Redis) -> None:
    put(raw, SCHEDULE, [entry(number, "mail" if number % 2 else "low") for number in range(2000)])
    schedulers = [make() for _ in range(4)]
    together = threading.Barrier(4)

    def move(scheduler: Scheduler) -> None:
        together.wait(10)
        scheduler.tick()

    threads = [threading.Thread(target=move, args=(scheduler,)) for scheduler in schedulers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert raw.zcard(SCHEDULE) == 0
    moved = [one["args"][0] for queue in ("mail", "low") for one in queued(raw, queue)]
    assert sorted(moved) == list(range(2000)), "each once"
    assert raw.smembers("{offsider}:queues") == {b"mail", b"low"}


def test_entries_come_into_the_queue_in_the_order_of_their_times_with_all_they_had(
    make: Make, raw: redis.Redis
) -> None:
    for number, due_in_s in enumerate((-1, -3, -2)):
        put(raw, RETRY, [entry(number, retry_count=4, error_message="é", mine={"kept": [1.5, None]})], due_in_s)
    before_ms = time.time_ns() // 1_000_000
    make().tick()
    jobs = queued(raw)
    assert [one["args"] for one in jobs] == [[1], [2], [0]]
    for one in jobs:
        assert before_ms <= one.pop("enqueued_at") <= time.time_ns() // 1_000_000
        one.pop("args")
        one.pop("jid")
        assert one == {
            "class": "paint",
            "queue": "mail",
            "retry": True,
            "retry_count": 4,
            "error_message": "é",
            "mine": {"kept": [1.5, None]},
        }


def test_what_is_not_due_stays_and_says_when(make: Make, raw: redis.Redis) -> None:
    put(raw, SCHEDULE, [entry(1)], due_in_s=2.0)
    assert 1.5 < make().tick() <= 2.0
    assert raw.zcard(SCHEDULE) == 1
    put(raw, RETRY, [entry(2)], due_in_s=1.0)
    assert 0.5 < make().tick() <= 1.0, "the nearer one of both sets"
    raw.delete(SCHEDULE, RETRY)
    assert make().tick() == LONGEST_SLEEP_S


def test_a_full_retry_set_does_not_hold_up_the_schedule(make: Make, raw: redis.Redis) -> None:
    put(raw, RETRY, [entry(number, "low") for number in range(15_000)], due_in_s=-60)
    put(raw, SCHEDULE, [entry(1, "urgent")])
    scheduler = make()
    scheduler.start()
    left: list[int] = []

    def came() -> bool:
        pipe = raw.pipeline(transaction=True)
        pipe.llen("{offsider}:queue:urgent")
        pipe.zcard(RETRY)
        urgent, retries = pipe.execute()
        left.append(retries)
        return bool(urgent)

    until(came)
    assert left[-1] > 5_000, "it did not wait for the end of the retries"
    until(lambda: raw.zcard(RETRY) == 0)
    assert raw.llen("{offsider}:queue:low") == 15_000


@pytest.mark.parametrize("key", [SCHEDULE, RETRY])
def test_garbage_goes_to_quarantine_with_its_bytes_and_the_rest_moves(
    key: str, make: Make, raw: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    garbage = [b"\xff\xfe", b"[]", b'{"class":7}', b"", entry(9, "no queue at all")]
    put(raw, key, [entry(1), *garbage, entry(2)])
    make().tick()
    assert sorted(one["args"][0] for one in queued(raw)) == [1, 2]
    assert raw.zcard(key) == 0
    kept: Any = raw.zrange("{offsider}:quarantine", 0, -1)
    heads = [json.loads(one.partition(b"\n")[0]) for one in kept]
    assert sorted(one.partition(b"\n")[2] for one in kept) == sorted(garbage)
    assert all(head["reason"] for head in heads)
    assert caplog.text.count(f"an entry of {key} was put into quarantine") == len(garbage)
    assert raw.smembers("{offsider}:queues") == {b"mail"}


def test_an_entry_without_a_queue_goes_to_the_default_one(make: Make, raw: redis.Redis) -> None:
    record = json.loads(entry(1))
    del record["queue"]
    put(raw, SCHEDULE, [json.dumps(record).encode()])
    make().tick()
    assert [one["args"] for one in queued(raw, "default")] == [[1]]


def test_an_entry_with_an_earlier_time_wakes_one_that_sleeps(app: App, make: Make, raw: redis.Redis) -> None:
    @app.job(name="paint", queue="mail")
    def paint(number: int) -> None:
        """It is not run here."""

    paint.using(delay=3600).enqueue(1)
    scheduler = make()
    scheduler.start()
    until(lambda: raw.info("clients")["blocked_clients"])  # type: ignore[index]
    began_s = time.monotonic()
    paint.using(delay=0.2).enqueue(2)
    until(lambda: queued(raw))
    assert 0.15 < time.monotonic() - began_s < LONGEST_SLEEP_S / 2, "it slept for up to 5 s otherwise"
    assert [one["args"] for one in queued(raw)] == [[2]]


def test_one_that_sleeps_is_stopped_at_once(make: Make, raw: redis.Redis) -> None:
    scheduler = make()
    scheduler.start()
    until(lambda: raw.info("clients")["blocked_clients"])  # type: ignore[index]
    began_s = time.monotonic()
    scheduler.stop()
    assert time.monotonic() - began_s < LONGEST_SLEEP_S / 2


def test_many_processes_ask_no_more_often_than_a_few(make: Make, raw: redis.Redis) -> None:
    put(raw, SCHEDULE, [entry(1)], due_in_s=2.0)
    raw.zadd("{offsider}:owners", {f"host:{number}:x/default/1": 10**15 for number in range(50)})
    pauses = [make().tick() for _ in range(20)]
    assert min(pauses) >= 2.5, "50 processes at 10 calls a second: 5 s each on average"
    assert max(pauses) <= 7.5
    assert len(set(pauses)) > 10, "not all at the same moment"


def test_one_that_was_stopped_does_not_begin_to_wait(make: Make) -> None:
    scheduler = make()
    scheduler.stop()
    began_s = time.monotonic()
    with contextlib.suppress(RedisUnavailable):
        scheduler.pause(2.0)
    assert time.monotonic() - began_s < 1


def test_jobs_start_within_a_second_of_their_time_and_not_before_whoever_moves_them(
    app: App, start_worker: Callable[..., Worker]
) -> None:
    started: list[float] = []

    @app.job(name="paint")
    def paint() -> None:
        started.append(time.time())

    for _ in range(3):
        start_worker(app)
    due = [time.time() + 0.2 + number / 10 for number in range(5)]
    paint.enqueue_many([()] * 5, at=due)
    until(lambda: len(started) == 5)
    for at, began in zip(due, sorted(started), strict=True):
        assert 0 <= began - at < 1


def test_a_retry_runs_again_in_time_by_any_worker(app: App, start_worker: Callable[..., Worker]) -> None:
    attempts: list[float] = []

    @app.job(name="paint", retry=Retry(delay=0.3))
    def paint() -> None:
        attempts.append(time.time())
        if len(attempts) == 1:
            raise ValueError("boom")

    for _ in range(2):
        start_worker(app)
    paint.enqueue()
    until(lambda: len(attempts) == 2)
    assert 0.3 <= attempts[1] - attempts[0] < 1.3
