"""Deletion: exactly the job that is meant, wherever it waits, while others push, take and delete."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from offsider import App
from offsider.errors import InvalidName, InvalidOption, RedisUnavailable
from offsider.store.scripts import Script
from offsider.store.wire import Argument, Wire
from offsider.worker.worker import Worker
from offsider_pro import delete
from offsider_pro.delete import Deletion
from support.server import Server
from support.waiting import until


def payload(jid: str, name: str = "shop.welcome", *args: Any) -> bytes:
    record = {"queue": "mail", "class": name, "args": list(args), "jid": jid, "retry": True}
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


def fill(app: App, raw: Any, payloads: Iterable[bytes], queue: str = "mail") -> None:
    waiting = list(payloads)
    raw.sadd(app.keys.queues, queue)
    for start in range(0, len(waiting), 5000):
        raw.lpush(app.keys.queue(queue), *waiting[start : start + 5000])


def jids(app: App, raw: Any, queue: str = "mail") -> list[str]:
    """What waits, the job that is taken next first."""
    return [json.loads(one)["jid"] for one in raw.lrange(app.keys.queue(queue), 0, -1)][::-1]


@pytest.fixture
def deletion(pro: App) -> Deletion:
    return Deletion(pro)


# -- by jid ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [0, 1, 1249, 2498, 2499])
def test_one_job_is_deleted_wherever_it_stands(pro: App, raw: Any, deletion: Deletion, position: int) -> None:
    fill(pro, raw, (payload(f"j{number}.") for number in range(2500)))
    record = deletion.by_jid("mail", f"j{position}.")
    assert record is not None
    assert record["jid"] == f"j{position}."
    assert jids(pro, raw) == [f"j{number}." for number in range(2500) if number != position]
    assert deletion.by_jid("mail", f"j{position}.") is None


def test_a_job_whose_arguments_look_like_it_is_never_deleted(pro: App, raw: Any, deletion: Deletion) -> None:
    fill(
        pro,
        raw,
        [
            payload("other1", "shop.welcome", '"jid":"wanted"'),
            payload("other2", "shop.welcome", {"jid": "wanted"}),
            payload("wanted2"),
            payload("wanted"),
            payload("unwanted"),
        ],
    )
    deleted = deletion.by_jid("mail", "wanted")
    assert deleted is not None
    assert deleted["jid"] == "wanted"
    assert jids(pro, raw) == ["other1", "other2", "wanted2", "unwanted"]


def test_a_payload_with_spaces_is_found_too(pro: App, raw: Any, deletion: Deletion) -> None:
    fill(pro, raw, [b'{ "queue": "mail", "class": "a", "args": [], "jid" : "wanted" }'])
    assert deletion.by_jid("mail", "wanted") is not None
    assert raw.exists(pro.keys.queue("mail")) == 0


def test_bytes_that_are_no_job_are_left_alone(pro: App, raw: Any, deletion: Deletion) -> None:
    garbage = [b'{"jid":"wanted"', b'["wanted"]', b"", b'{"class":7,"args":[],"jid":"wanted"}']
    fill(pro, raw, garbage)
    assert deletion.by_jid("mail", "wanted") is None
    assert raw.lrange(pro.keys.queue("mail"), 0, -1) == garbage[::-1]


@pytest.mark.parametrize("jid", ["日本", 'a"b', "a\\b", "*", "[a]", "a?b", "é.é"])
def test_an_id_may_have_any_letters(pro: App, raw: Any, deletion: Deletion, jid: str) -> None:
    fill(pro, raw, [payload("a"), payload(jid), payload("b")])
    raw.zadd(pro.keys.schedule, {payload(jid): 1, payload("c"): 2})
    found = deletion.by_jid("mail", jid)
    assert found is not None
    assert jids(pro, raw) == ["a", "b"]
    assert deletion.scheduled(jid) is not None
    assert raw.zcard(pro.keys.schedule) == 1


@pytest.mark.parametrize("jid", ["", None, 7])
def test_what_is_no_id_is_refused(deletion: Deletion, jid: Any) -> None:
    with pytest.raises(InvalidOption, match="expected the id"):
        deletion.by_jid("mail", jid)


def test_a_queue_that_is_none_is_refused_and_an_unknown_one_is_empty(deletion: Deletion) -> None:
    with pytest.raises(InvalidName):
        deletion.by_jid("no queue", "a")
    assert deletion.by_jid("nobody", "a") is None


def test_one_of_a_hundred_thousand_is_deleted_in_small_steps(pro: App, raw: Any, deletion: Deletion) -> None:
    fill(pro, raw, (payload(f"j{number}.", "shop.welcome", "x" * 200) for number in range(100_000)))
    raw.config_resetstat()
    began_s = time.monotonic()
    assert deletion.by_jid("mail", "j0.") is not None
    took_s = time.monotonic() - began_s
    assert raw.llen(pro.keys.queue("mail")) == 99_999
    assert 100 <= sum(raw.info("commandstats")[f"cmdstat_{name}"]["calls"] for name in ("evalsha", "eval")) <= 110
    assert took_s < 3, "0.08 s on a quiet machine"


# -- by class ----------------------------------------------------------------------------------------------


def test_all_jobs_of_a_class_are_deleted_and_the_others_keep_their_order(
    pro: App, raw: Any, deletion: Deletion
) -> None:
    names = ["shop.welcome", "shop.welcome2", "shop"]
    fill(pro, raw, (payload(f"j{number}", names[number % 3], "shop.welcome") for number in range(4000)))
    assert deletion.by_class("mail", "shop.welcome") == 1334
    assert jids(pro, raw) == [f"j{number}" for number in range(4000) if number % 3]
    assert deletion.by_class("mail", "shop.welcome") == 0


def test_equal_payloads_are_all_deleted_and_counted(pro: App, raw: Any, deletion: Deletion) -> None:
    fill(pro, raw, [payload("same")] * 2500 + [payload("other", "b")])
    assert deletion.by_class("mail", "shop.welcome") == 2500
    assert jids(pro, raw) == ["other"]


def test_large_payloads_are_looked_at_in_parts(
    pro: App, raw: Any, deletion: Deletion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delete, "MOST_BYTES", 20_000)
    fill(pro, raw, (payload(f"j{number}", f"job{number % 2}", "x" * (number * 40)) for number in range(300)))
    assert deletion.by_class("mail", "job0") == 150
    assert jids(pro, raw) == [f"j{number}" for number in range(300) if number % 2]


# -- sets --------------------------------------------------------------------------------------------------


def test_scheduled_jobs_and_retries_are_deleted(pro: App, raw: Any, deletion: Deletion) -> None:
    for key in (pro.keys.schedule, pro.keys.retry):
        raw.zadd(key, {payload(f"j{number}.", f"job{number % 2}", "j7."): number for number in range(3000)})
    scheduled, retry = deletion.scheduled("j7."), deletion.retry("j7.")
    assert scheduled is not None
    assert retry is not None
    assert scheduled["jid"] == retry["jid"] == "j7."
    assert deletion.scheduled("j7.") is None
    assert raw.zcard(pro.keys.schedule) == raw.zcard(pro.keys.retry) == 2999
    assert deletion.scheduled_class("job0") == 1500
    assert deletion.retry_class("job1") == 1499
    assert raw.zcard(pro.keys.schedule) == 1499
    assert raw.zcard(pro.keys.retry) == 1500


def test_a_job_is_deleted_wherever_it_waits(pro: App, raw: Any, deletion: Deletion) -> None:
    fill(pro, raw, [payload("a")])
    fill(pro, raw, [payload("b")], "low")
    raw.zadd(pro.keys.schedule, {payload("c"): 1})
    raw.zadd(pro.keys.retry, {payload("d"): 1})
    places = [found and found[0] for found in map(deletion.anywhere, "abcde")]
    assert places == ["queue:mail", "queue:low", "schedule", "retry", None]
    assert deletion.queues() == ["low", "mail"]


# -- with others -------------------------------------------------------------------------------------------


def test_deleted_or_run_but_never_both_and_never_neither(
    pro: App, raw: Any, deletion: Deletion, start_worker: Callable[..., Worker]
) -> None:
    ran: list[int] = []
    pro.job(name="keep", queue="mail")(lambda number: ran.append(number))
    pro.job(name="drop", queue="mail")(lambda number: ran.append(number))
    calls = [(number,) for number in range(3000)]
    stop = threading.Event()

    def push() -> None:
        for number in range(3000, 6000, 100):
            for name in ("keep", "drop"):
                pro.jobs[name].enqueue_many([(one,) for one in range(number, number + 100)])
        stop.set()

    for name in ("keep", "drop"):
        pro.jobs[name].enqueue_many(calls)
    pushing = threading.Thread(target=push)
    pushing.start()
    start_worker(pro, queues=["mail"], concurrency=4)
    deleted = 0
    while not stop.is_set():
        deleted += deletion.by_class("mail", "drop")
    pushing.join()
    deleted += deletion.by_class("mail", "drop")
    until(lambda: not raw.exists(pro.keys.queue("mail")) and not raw.keys("*inflight*"), 30, "all has ended")
    assert len(ran) + deleted == 12_000
    assert raw.zcard(pro.keys.quarantine) == 0


def test_deletions_at_the_same_time_hide_no_job_from_each_other(pro: App, raw: Any) -> None:
    fill(pro, raw, (payload(f"j{number}.", f"job{number % 4}") for number in range(20_000)))
    counts: dict[str, int] = {}

    def drop(name: str) -> None:
        counts[name] = Deletion(pro).by_class("mail", name)

    threads = [threading.Thread(target=drop, args=[f"job{number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert counts == {f"job{number}": 5000 for number in range(4)}
    assert raw.exists(pro.keys.queue("mail")) == 0


def test_whoever_pushes_all_the_time_keeps_no_job_from_being_deleted(
    pro: App, raw: Any, deletion: Deletion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a queue that nobody takes from, each push moves the oldest job out of the part where it was found."""
    fill(pro, raw, [payload("wanted"), payload("also", "b"), *(payload(f"j{number}", "c") for number in range(10))])
    requests: list[str] = []
    run = Wire.run

    def pushed_to(wire: Wire, script: Script, keys: list[str], arguments: list[Argument]) -> Any:
        reply = run(wire, script, keys, arguments)
        requests.append(script.name)
        assert len(requests) < 10, "it comes to no end"
        fill(pro, raw, (payload(f"new{len(requests)}.{number}", "c") for number in range(250)))
        return reply

    monkeypatch.setattr(Wire, "run", pushed_to)
    assert deletion.by_jid("mail", "wanted") is not None
    requests.clear()
    assert deletion.by_class("mail", "b") == 1
    assert raw.lrange(pro.keys.queue("mail"), -1, -1) == [payload("j0", "c")]


def test_a_full_redis_can_be_emptied(pro: App, raw: Any, deletion: Deletion) -> None:
    fill(pro, raw, (payload(f"j{number}.", f"job{number % 2}") for number in range(2000)))
    raw.config_set("maxmemory", 1)
    try:
        assert deletion.by_jid("mail", "j3.") is not None
        assert deletion.by_class("mail", "job0") == 1000
    finally:
        raw.config_set("maxmemory", 0)
    assert raw.llen(pro.keys.queue("mail")) == 999


def test_an_outage_is_told(make_server: Callable[..., Server], make_pro: Callable[..., App]) -> None:
    server = make_server()
    app = make_pro(server.url)
    server.kill()
    with pytest.raises(RedisUnavailable):
        Deletion(app).by_jid("mail", "a")
