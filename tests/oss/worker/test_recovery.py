"""The jobs of the dead: given back once, counted against them when it was a crash, never taken from the living."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from offsider import App
from offsider.contract.edition import Edition
from offsider.errors import RedisUnavailable, SeamClosed
from offsider.store.connection import Connections
from offsider.store.keys import Keys
from offsider.testing.proxy import Proxy
from offsider.worker import recovery as room
from offsider.worker.fetch import Limits
from offsider.worker.recovery import MOST_A_TRIP, ProcessLost, Recovery
from offsider.worker.worker import Worker
from support.bench import payload
from support.processes import Desk
from support.waiting import until

Start = Callable[..., Worker]
OWNERS, DEAD, QUARANTINE = "{offsider}:owners", "{offsider}:dead", "{offsider}:quarantine"
QUEUE = "{offsider}:queue:default"
OWNER = "gone:1:abc/default/1"
LIMITS = Limits(lease_s=2.0)


class Told:
    """What recovery reports."""

    def __init__(self) -> None:
        self.recovered: list[tuple[str, int]] = []
        self.died: list[tuple[dict[str, Any], BaseException]] = []

    def note_recovered(self, owner: str, count: int) -> None:
        """So many jobs of an owner were moved."""
        self.recovered.append((owner, count))

    def note_died(self, record: dict[str, Any], error: BaseException) -> None:
        """A job is dead."""
        self.died.append((record, error))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def recovery(redis_url: str, told: Told) -> Iterator[Recovery]:
    one = make(redis_url, told)
    yield one
    one.stop()


def make(url: str, told: Told) -> Recovery:
    return Recovery(
        Connections(url, namespace="offsider"),
        Keys("offsider"),
        LIMITS,
        recovered=told.note_recovered,
        died=told.note_died,
        rng=Random(7),
    )


def die_with(raw: Any, *payloads: bytes, queue: str = "default", stopped: bool = False, owner: str = OWNER) -> None:
    """An owner whose lease has ended, and what it held."""
    raw.zadd(OWNERS, {owner: time.time() * 1000 - 60_000})
    held: dict[str, bytes] = {f"{number}:{queue}": one for number, one in enumerate(payloads, 1)}
    if stopped:
        held["stopped"] = b"1"
    if held:
        raw.hset(f"{{offsider}}:inflight:{owner}", mapping=held)


def queued(raw: Any, queue: str = "default") -> list[bytes]:
    found: list[bytes] = raw.lrange(f"{{offsider}}:queue:{queue}", 0, -1)
    return found[::-1]


# -- giving back ---------------------------------------------------------------------------------------------------


def test_the_jobs_of_a_lost_process_are_given_back_with_one_crash_counted(
    recovery: Recovery, told: Told, raw: Any
) -> None:
    die_with(raw, payload("job", 1), payload("job", 2, retry_count=3, crashes=1), queue="mail")
    assert recovery.recover(OWNER) == 2
    records = [json.loads(one) for one in queued(raw, "mail")]
    assert sorted((one["args"], one["crashes"], one.get("retry_count")) for one in records) == [
        ([1], 1, None),
        ([2], 2, 3),
    ]
    assert told.recovered == [(OWNER, 2)]
    assert not raw.exists(OWNERS, f"{{offsider}}:inflight:{OWNER}")
    assert raw.smembers("{offsider}:queues") == {b"mail"}
    assert raw.llen("{offsider}:bell:mail") == 1


def test_the_jobs_of_a_stopped_process_are_given_back_as_they_were(recovery: Recovery, told: Told, raw: Any) -> None:
    sent = [payload("job", 1), b"not even a job"]
    die_with(raw, *sent, stopped=True)
    assert recovery.recover(OWNER) == 2
    assert sorted(queued(raw)) == sorted(sent)
    assert told.died == []


def test_a_job_that_was_in_flight_in_four_deaths_is_dead(recovery: Recovery, told: Told, raw: Any) -> None:
    die_with(raw, payload("job", crashes=2), payload("job", 7, crashes=3))
    recovery.recover(OWNER)
    assert [json.loads(one)["crashes"] for one in queued(raw)] == [3]
    (member,) = raw.zrange(DEAD, 0, -1)
    record = json.loads(member)
    assert (record["crashes"], record["args"], record["error_class"]) == (4, [7], "offsider.ProcessLost")
    assert record["error_message"].startswith("the process that ran this job was lost 4 times")
    assert record["failed_at"] <= time.time() * 1000
    ((heard, error),) = told.died
    assert heard == record
    assert isinstance(error, ProcessLost)


def test_a_death_is_told_once_the_job_is_among_the_dead_and_only_once(recovery: Recovery, told: Told, raw: Any) -> None:
    raw.set(DEAD, "somebody else's")
    die_with(raw, payload("job", 1, crashes=3), payload("job", 2))
    assert recovery.recover(OWNER) == 1, "the other one"
    for _round in range(2):
        die_with(raw, payload("job", 3), owner="other:1:abc/default/1")
        assert (recovery.recover(OWNER), recovery.recover("other:1:abc/default/1")) == (0, 1)
    assert told.died == []
    raw.delete(DEAD)
    assert recovery.recover(OWNER) == 1
    assert [record["args"] for record, _error in told.died] == [[1]]


def test_what_is_no_job_is_kept_apart_with_its_bytes(recovery: Recovery, raw: Any) -> None:
    die_with(raw, b"\xff not JSON", payload("job"))
    assert recovery.recover(OWNER) == 2
    (entry,) = raw.zrange(QUARANTINE, 0, -1)
    assert entry.endswith(b"\n\xff not JSON")
    assert json.loads(entry.partition(b"\n")[0])["queue"] == "default"
    assert len(queued(raw)) == 1


def test_an_owner_with_empty_hands_is_forgotten_and_not_worth_a_word(recovery: Recovery, told: Told, raw: Any) -> None:
    die_with(raw)
    assert recovery.recover(OWNER) == 0
    assert told.recovered == []
    assert not raw.exists(OWNERS)


def test_a_lost_process_leaves_the_process_list_and_the_others_stay(recovery: Recovery, raw: Any) -> None:
    raw.sadd("{offsider}:processes", "gone:1:abc", "living:2:def")
    die_with(raw, payload("job"))
    recovery.recover(OWNER)
    assert raw.smembers("{offsider}:processes") == {b"living:2:def"}


def test_an_owner_that_lives_again_keeps_its_jobs(recovery: Recovery, told: Told, raw: Any) -> None:
    die_with(raw, payload("job"))
    raw.zadd(OWNERS, {OWNER: time.time() * 1000 + 60_000})
    assert recovery.recover(OWNER) == 0
    assert (raw.hlen(f"{{offsider}}:inflight:{OWNER}"), queued(raw), told.recovered) == (1, [], [])


def test_more_jobs_than_fit_into_one_request_are_given_back(recovery: Recovery, raw: Any) -> None:
    die_with(raw, *(payload("job", number) for number in range(2 * MOST_A_TRIP + 7)))
    assert recovery.recover(OWNER) == 2 * MOST_A_TRIP + 7
    assert sorted(json.loads(one)["args"][0] for one in queued(raw)) == list(range(2 * MOST_A_TRIP + 7))
    assert not raw.exists(OWNERS, f"{{offsider}}:inflight:{OWNER}")


def test_the_judge_says_what_becomes_of_each_job(redis_url: str, told: Told, raw: Any) -> None:
    def judge(record: dict[str, Any], owner: str) -> ProcessLost | None:
        record["lost_with"] = owner
        return ProcessLost("it is a bad one") if record["args"] == [1] else None

    recovery = Recovery(
        Connections(redis_url, namespace="offsider"),
        Keys("offsider"),
        LIMITS,
        recovered=told.note_recovered,
        died=told.note_died,
        judge=judge,
    )
    die_with(raw, payload("job", 1), payload("job", 2))
    assert recovery.recover(OWNER) == 2
    (waits,), (dead,) = queued(raw), raw.zrange(DEAD, 0, -1)
    assert json.loads(waits) == {**json.loads(payload("job", 2)), "lost_with": OWNER}
    assert (json.loads(dead)["args"], json.loads(dead)["error_message"]) == ([1], "it is a bad one")
    assert [str(error) for _record, error in told.died] == ["it is a bad one"]
    recovery.stop()


# -- never from the living -------------------------------------------------------------------------------------------


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    standing = Clock()
    monkeypatch.setattr(room.clock, "monotonic_s", standing)
    return standing


def look(recovery: Recovery, at: Clock, times: int = 1, every_s: float = 0.17) -> None:
    """So many rounds, so far apart."""
    for _ in range(times):
        recovery.tick()
        at.now_s += every_s


def test_nobody_is_taken_for_dead_before_contact_was_undisturbed_for_a_while(
    recovery: Recovery, told: Told, raw: Any, at: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_undisturbed", lambda *_: Recovery._undisturbed(recovery, at(), server_ms(at)))
    die_with(raw, payload("job"))
    look(recovery, at, 3)
    assert told.recovered == [], "0.5 s, a quarter of the lease, are not over"
    look(recovery, at, 2)
    assert told.recovered == [(OWNER, 1)]


def server_ms(at: Clock, stepped_ms: int = 0) -> int:
    """The server's clock goes as ours does."""
    return round(1_700_000_000_000 + at() * 1000 + stepped_ms)


@pytest.mark.parametrize("disturbance", ["outage", "frozen", "stepped"])
def test_after_a_disturbance_the_living_have_time_to_renew(
    recovery: Recovery,
    told: Told,
    raw: Any,
    at: Clock,
    monkeypatch: pytest.MonkeyPatch,
    disturbance: str,
) -> None:
    stepped: list[int] = [0]
    monkeypatch.setattr(
        recovery, "_undisturbed", lambda *_: Recovery._undisturbed(recovery, at(), server_ms(at, stepped[0]))
    )
    look(recovery, at, 10)
    if disturbance == "outage":
        recovery._wire.close()
        with pytest.raises(RedisUnavailable):
            recovery.tick()
        recovery._wire._closed = False
    elif disturbance == "frozen":
        at.now_s += 60
    else:
        stepped[0] = 86_400_000
    die_with(raw, payload("job"))
    look(recovery, at, 3)
    assert told.recovered == []
    look(recovery, at, 2)
    assert told.recovered == [(OWNER, 1)]


def test_the_pace_follows_the_lease(redis_url: str, told: Told) -> None:
    usual = Recovery(
        Connections(redis_url, namespace="offsider"),
        Keys("offsider"),
        Limits(),
        recovered=told.note_recovered,
        died=told.note_died,
    )
    assert 4 <= usual.tick() <= 6
    assert make(redis_url, told).tick() <= 2.0 / 12 * 1.2


def test_a_worker_that_cannot_reach_redis_is_not_dead_when_it_comes_back_in_time(
    make_app: Callable[..., App], start_worker: Start, redis_url: str, raw: Any
) -> None:
    proxy = Proxy(redis_url)
    ran: list[int] = []
    recovered: list[str] = []
    apps = [make_app(proxy.url), make_app(proxy.url)]
    for app in apps:
        app.job(name="note")(_noting(ran))
        app.events.on("recovered", lambda owner, _count: recovered.append(owner))
        start_worker(app)
    proxy.cut()
    raw.lpush(QUEUE, payload("note", 1))
    assert not threading.Event().wait(0.7)  # a third of the lease
    proxy.mend()
    until(lambda: ran == [1], 10)
    assert recovered == []
    proxy.close()


def _noting(ran: list[int]) -> Callable[[int], None]:
    def note(number: int) -> None:
        ran.append(number)

    return note


# -- on a worker -------------------------------------------------------------------------------------------------------


JOBS = """
@app.job(name="hold")
def hold(word: str) -> None:
    say(f"begin {word} {os.getpid()}")
    wait_for(word)
    say(f"done {word} {os.getpid()}")
"""


def test_the_job_of_a_killed_process_runs_again_elsewhere_within_the_lease_and_a_little(desk: Desk, raw: Any) -> None:
    desk.write(JOBS)
    first, second = desk.worker("-c", "1"), desk.worker("-c", "1")
    raw.lpush(QUEUE, payload("hold", "a"))
    raw.lpush("{offsider}:bell:default", "1")
    until(lambda: desk.said, 10)
    pid = int(desk.said[0].split()[2])
    victim, other = (first, second) if pid == first.pid else (second, first)
    before_s = time.monotonic()
    victim.kill()
    desk.hears(f"begin a {other.pid}")
    took_s = time.monotonic() - before_s
    assert took_s < 2.0 + 2.0
    assert json.loads(raw.hvals(raw.keys("{offsider}:inflight:*")[0])[0])["crashes"] == 1
    desk.touch("a")
    desk.hears(f"done a {other.pid}")
    until(lambda: not raw.keys("{offsider}:inflight:*"))


def test_a_death_by_lost_processes_is_told_to_hook_and_listeners(app: App, start_worker: Start, raw: Any) -> None:
    told: list[str] = []
    app.events.on("recovered", lambda owner, count: told.append(f"recovered {count} of {owner}"))
    app.events.on("death", lambda record, error: told.append(f"death {record['crashes']} {type(error).__name__}"))

    @app.job(name="job", on_exhausted=lambda record, error: told.append(f"hook {record['crashes']}"))
    def job() -> None: ...

    die_with(raw, payload("job", crashes=3))
    start_worker(app)
    until(lambda: len(told) == 3, 10)
    assert sorted(told) == ["death 4 ProcessLost", "hook 4", f"recovered 1 of {OWNER}"]


def test_another_recovery_may_fill_the_slot(app: App, start_worker: Start, raw: Any) -> None:
    class Never(Recovery):
        def recover(self, owner: str) -> int:
            refused.append(owner)
            return 0

    refused: list[str] = []
    worker = Worker(app)
    with pytest.raises(SeamClosed):
        worker.recovery.fill(lambda _worker: None, by="too late")

    class Mine(Edition):
        name = "mine"

        def install_worker(self, worker: Worker) -> None:
            app = worker.app
            worker.recovery.fill(
                lambda worker: Never(
                    app.connections,
                    app.keys,
                    Limits(lease_s=2.0),
                    recovered=worker.note_recovered,
                    died=worker.note_died,
                ),
                by=self.name,
            )

    die_with(raw, payload("job"))
    start_worker(App(app.url, editions=[Mine()], worker={"lease_s": 2.0}))
    until(lambda: refused == [OWNER], 10)
    assert queued(raw) == []
