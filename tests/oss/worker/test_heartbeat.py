"""Signs of life: leases, the process and work sets in Sidekiq's layout, statistics, signals from afar."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from offsider import CONTEXT, App, Context, clock
from offsider.errors import RedisUnavailable
from offsider.testing.proxy import Proxy
from offsider.worker import heartbeat
from offsider.worker.heartbeat import Heartbeat, rss_kb
from offsider.worker.worker import Worker
from support.attempts import attempts
from support.waiting import until

Start = Callable[..., Worker]
SLOW = {"beat_s": 30.0, "lease_s": 600.0}


@pytest.fixture
def worker(make_app: Callable[..., App]) -> Iterator[Worker]:
    """A worker that has not started: its beats are the test's."""
    worker = Worker(make_app(worker=SLOW | {"queues": ["default"], "concurrency": 4}))
    for capsule in worker.capsules.values():
        capsule.fetcher.open()
    yield worker
    for capsule in worker.capsules.values():
        capsule.fetcher.close()


def key_of(worker: Worker, suffix: str = "") -> str:
    return f"{{offsider}}:{worker.identity}{suffix}"


def fields(raw: Any, key: str) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in raw.hgetall(key).items()}


# -- the process set ---------------------------------------------------------------------------------------------


@pytest.mark.alone
def test_a_process_is_listed_with_all_fields_that_sidekiqs_pages_read(worker: Worker, raw: Any) -> None:
    before_s = time.time()
    worker.heartbeat.beat()
    assert raw.smembers("{offsider}:processes") == {worker.identity.encode()}
    found = fields(raw, key_of(worker))
    assert set(found) == {"info", "concurrency", "busy", "beat", "rtt_us", "quiet", "rss"}
    assert (found["concurrency"], found["busy"], found["quiet"]) == ("4", "0", "false")
    assert before_s <= float(found["beat"]) <= time.time()
    assert int(found["rtt_us"]) > 0
    assert 1_000 < int(found["rss"]) < 10_000_000
    info = json.loads(found["info"])
    assert (info["identity"], info["concurrency"]) == (worker.identity, 4)
    assert 0 < raw.ttl(key_of(worker)) <= 60


def test_without_a_namespace_the_keys_are_sidekiqs_own(make_app: Callable[..., App], raw: Any) -> None:
    worker = Worker(make_app(namespace="", worker=SLOW))
    worker.heartbeat.beat()
    assert raw.smembers("processes") == {worker.identity.encode()}
    assert raw.hexists(worker.identity, "info")


def test_a_quiet_process_says_so(worker: Worker, raw: Any) -> None:
    for capsule in worker.capsules.values():
        capsule.quieted = True
    worker.heartbeat.beat()
    assert fields(raw, key_of(worker))["quiet"] == "true"


def test_fields_of_plug_ins_are_there_and_one_that_fails_is_told_with_its_name(
    worker: Worker, raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    worker.heartbeat_fields.add("broken", lambda: 1 // 0, by="me")
    worker.heartbeat_fields.add("depth", lambda: 7, by="me")
    worker.heartbeat.beat()
    assert fields(raw, key_of(worker))["depth"] == "7"
    assert "broken" not in fields(raw, key_of(worker))
    assert "the heartbeat field 'broken' of me failed; the others go on" in caplog.text


@pytest.mark.parametrize("value", [None, True, [1], {}])
def test_a_field_that_redis_cannot_carry_does_not_silence_the_process(worker: Worker, raw: Any, value: Any) -> None:
    worker.heartbeat_fields.add("odd", lambda: value, by="me")
    worker.heartbeat_fields.add("depth", lambda: 7, by="me")
    worker.heartbeat.beat()
    assert fields(raw, key_of(worker))["depth"] == "7"


def test_a_process_that_signs_off_is_no_longer_listed(worker: Worker, raw: Any) -> None:
    attempts(worker.tracker, [False])
    worker.heartbeat.beat()
    worker.heartbeat.forget()
    assert raw.smembers("{offsider}:processes") == set()
    assert not raw.exists(key_of(worker), key_of(worker, ":work"))
    assert raw.get("{offsider}:stat:processed") == b"1"


def test_memory_is_that_of_this_process() -> None:
    assert 1_000 < rss_kb() < 10_000_000


# -- the work set ------------------------------------------------------------------------------------------------


def test_what_runs_is_listed_with_its_payload_its_start_and_its_progress(
    make_app: Callable[..., App], start_worker: Start, raw: Any
) -> None:
    app = make_app(worker=SLOW | {"capsules": {"other": {"queues": ["low"]}}})
    both, gate = threading.Barrier(3), threading.Event()

    @app.job(name="hold", tags=["é"])
    def hold(word: str, ctx: Context = CONTEXT) -> None:
        ctx.progress(3, 10, "reading")
        both.wait(10)
        gate.wait(10)

    @app.job(name="other", queue="low")
    async def other() -> None:
        both.wait(10)
        gate.wait(10)

    worker = start_worker(app)
    before_s = int(time.time())
    hold.enqueue("é\U0001f600")
    other.enqueue()
    both.wait(10)
    held = {value for key in raw.keys("{offsider}:inflight:*") for value in raw.hvals(key)}
    worker.heartbeat.beat()
    entries = {name: json.loads(entry) for name, entry in fields(raw, key_of(worker, ":work")).items()}
    process = fields(raw, key_of(worker))
    assert 0 < raw.ttl(key_of(worker, ":work")) <= 60
    gate.set()
    assert set(entries) == {"default-1", "other-1"}
    assert entries["default-1"]["progress"] == [3.0, 10.0, "reading"]
    assert "progress" not in entries["other-1"]
    assert {entry["queue"] for entry in entries.values()} == {"default", "low"}
    assert {entry["payload"].encode() for entry in entries.values()} == held, "the exact payload"
    assert all(type(entry["run_at"]) is int for entry in entries.values())
    assert all(before_s <= entry["run_at"] <= time.time() for entry in entries.values())
    assert process["busy"] == "2"
    until(lambda: not worker.busy())
    worker.heartbeat.beat()
    assert not raw.exists(key_of(worker, ":work"))


# -- events ------------------------------------------------------------------------------------------------------


def test_a_first_beat_is_told_apart_from_the_others_and_so_is_one_after_a_partition(worker: Worker, raw: Any) -> None:
    told: list[str] = []
    for event in ("heartbeat", "beat"):
        worker.app.events.on(event, lambda event=event: told.append(event))
    worker.heartbeat.beat()
    worker.heartbeat.beat()
    assert told == ["heartbeat", "beat", "beat"]
    raw.delete(key_of(worker))
    worker.heartbeat.beat()
    assert told[3:] == ["heartbeat", "beat"]


# -- statistics ----------------------------------------------------------------------------------------------------


def test_attempts_are_counted_in_all_and_for_the_day_in_utc(worker: Worker, raw: Any) -> None:
    attempts(worker.tracker, [False, True, False])
    worker.heartbeat.beat()
    attempts(worker.tracker, [False])
    worker.heartbeat.beat()
    day = clock.utc_day()
    assert (raw.get("{offsider}:stat:processed"), raw.get("{offsider}:stat:failed")) == (b"4", b"1")
    assert int(raw.get(f"{{offsider}}:stat:processed:{day}")) == 4
    assert int(raw.get(f"{{offsider}}:stat:failed:{day}")) == 1
    five_years_s = 5 * 365 * 86_400
    assert five_years_s - 60 < raw.ttl(f"{{offsider}}:stat:processed:{day}") <= five_years_s
    assert raw.ttl("{offsider}:stat:processed") == -1


def test_jobs_that_ran_are_counted_failures_included(app: App, start_worker: Start, raw: Any) -> None:
    @app.job(name="note", retry=0)
    def note(fails: bool) -> None:
        if fails:
            raise ValueError("boom")

    note.enqueue_many([(number % 4 == 0,) for number in range(12)])
    start_worker(app)
    until(lambda: raw.get("{offsider}:stat:processed") == b"12")
    assert raw.get("{offsider}:stat:failed") == b"3"


def test_what_did_not_arrive_travels_with_the_next_flush(
    make_app: Callable[..., App], redis_url: str, raw: Any
) -> None:
    proxy = Proxy(redis_url)
    worker = Worker(make_app(proxy.url, worker=SLOW))
    worker.heartbeat.beat()
    attempts(worker.tracker, [False, True])
    proxy.cut()
    for _attempt in range(2):
        with pytest.raises(RedisUnavailable):
            worker.heartbeat.beat()
    proxy.mend()
    with contextlib.suppress(RedisUnavailable):  # another connection finds out that it was cut
        worker.heartbeat.beat()
    worker.heartbeat.beat()
    assert (raw.get("{offsider}:stat:processed"), raw.get("{offsider}:stat:failed")) == (b"2", b"1")
    proxy.close()


# -- leases ------------------------------------------------------------------------------------------------------


def test_a_lease_is_renewed_often_enough_to_survive_many_failures(make_app: Callable[..., App], raw: Any) -> None:
    worker = Worker(make_app(worker={"lease_s": 2.0, "beat_s": 10.0}))
    (capsule,) = worker.capsules.values()
    capsule.fetcher.open()
    before = raw.zscore("{offsider}:owners", capsule.fetcher.owner)
    pause_s = worker.heartbeat.tick()
    assert pause_s <= 2.0 / 12
    assert raw.zscore("{offsider}:owners", capsule.fetcher.owner) >= before
    capsule.fetcher.close()


@pytest.mark.parametrize(
    ("lease_s", "beat_s", "pause_s"), [(60.0, 10.0, 5.0), (600.0, 10.0, 5.0), (60.0, 1.0, 1.0), (12.0, 10.0, 1.0)]
)
def test_between_two_renewals_are_five_seconds_at_most(
    make_app: Callable[..., App], lease_s: float, beat_s: float, pause_s: float
) -> None:
    worker = Worker(make_app(worker={"lease_s": lease_s, "beat_s": beat_s}))
    assert worker.heartbeat.tick() == pytest.approx(pause_s)


def test_the_whole_beat_comes_every_so_often_and_the_lease_more_often(make_app: Callable[..., App], raw: Any) -> None:
    worker = Worker(make_app(worker={"lease_s": 2.0, "beat_s": 10.0}))
    worker.heartbeat.tick()
    raw.delete("{offsider}:processes")
    worker.heartbeat.tick()
    assert not raw.exists("{offsider}:processes"), "only the lease was renewed"


# -- signals and slowness ------------------------------------------------------------------------------------------


def test_one_signal_is_taken_with_each_beat_the_oldest_first(
    make_app: Callable[..., App], raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(make_app(worker=SLOW))
    obeyed: list[str] = []
    worker.on_signal = obeyed.append
    for signal in ("TTIN", "HUP", "TSTP", "TERM"):
        raw.lpush(key_of(worker, "-signals"), signal)
    seen = []
    for _ in range(5):
        worker.heartbeat.beat()
        seen.append(len(obeyed))
    assert (obeyed, seen) == (["TTIN", "TSTP", "TERM"], [1, 1, 2, 3, 3])
    assert "an unknown signal came through Redis: 'HUP'; known are TERM, TSTP, TTIN" in caplog.text


def test_a_slow_way_to_redis_is_told_once_with_its_consequence(
    worker: Worker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SLOW_RTT_US", 0)
    for _ in range(8):
        worker.heartbeat.beat()
    (text,) = (record.getMessage() for record in caplog.records if "round trips" in record.getMessage())
    assert text.startswith("the last 5 round trips to Redis took over 0 ms")
    assert "Move Redis nearer" in text


def test_a_quick_reading_in_between_begins_the_count_anew(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    beat: Heartbeat = worker.heartbeat
    for rtt_us in (60_000, 60_000, 60_000, 60_000, 900, 60_000):
        beat._note_rtt(rtt_us)
    assert caplog.records == []
    assert beat.rtt_us == 60_000


def test_redis_away_is_an_error_of_ours(worker: Worker, make_app: Callable[..., App]) -> None:
    lonely = Worker(make_app("redis://127.0.0.1:1/0", worker=SLOW))
    with pytest.raises(RedisUnavailable):
        lonely.heartbeat.beat()
    assert isinstance(worker.heartbeat._redis, redis.Redis)
