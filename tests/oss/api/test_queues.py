"""The queues by hand: sizes, latencies, pages in both directions; deleting and clearing while others push and take."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.errors import InvalidName, InvalidOption, RedisRefused
from offsider.worker.worker import Worker


def push(app: App, raw: Any, count: int, queue: str = "mail", **fields: Any) -> list[bytes]:
    """Jobs j0, j1, … in a queue, j0 taken first; their bytes."""
    text = json.dumps({"queue": queue, "class": "welcome", "args": [], "retry": True, **fields})[:-1]
    payloads = [f'{text},"jid":"j{k}"}}'.encode() for k in range(count)]
    for first in range(0, count, 5000):
        raw.lpush(app.keys.queue(queue), *payloads[first : first + 5000])
    raw.sadd(app.keys.queues, queue)
    return payloads


@pytest.fixture(params=["offsider", ""], ids=["namespace", "sidekiqs layout"])
def both(request: pytest.FixtureRequest, make_app: Callable[..., App]) -> App:
    return make_app(namespace=request.param)


def test_each_queue_is_listed_with_size_and_latency(both: App, raw: Any) -> None:
    push(both, raw, 3, "mail", enqueued_at=int((time.time() - 50) * 1000))
    push(both, raw, 1, "low", created_at=time.time() - 20)
    raw.sadd(both.keys.queues, "empty")
    found = {queue.name: queue for queue in both.queues}
    assert list(found) == both.queues.names() == ["empty", "low", "mail"]
    assert [queue.size for queue in found.values()] == [0, 1, 3]
    assert [round(queue.latency_s) for queue in found.values()] == [0, 20, 50]
    assert (len(both.queues), bool(both.queues), "mail" in both.queues, "x" in both.queues) == (3, True, True, False)
    mail = both.queues["mail"]
    assert (mail.size, len(mail), bool(both.queues["empty"]), round(mail.latency_s)) == (3, 3, True, 50)
    assert found["mail"].to_dict()["size"] == 3


def test_a_queue_that_cannot_be_is_refused(app: App) -> None:
    with pytest.raises(InvalidName):
        app.queues["a b"]


def test_pages_from_both_ends_say_the_place(app: App, raw: Any) -> None:
    push(app, raw, 5)
    mail = app.queues["mail"]

    def page(**given: Any) -> list[tuple[str, int | None]]:
        return [(job.jid, job.position) for job in mail.jobs(**given)]

    assert page(count=2) == [("j0", 1), ("j1", 2)]
    assert page(count=2, skip=3) == [("j3", 4), ("j4", 5)]
    assert page(count=2, newest=True) == [("j4", 5), ("j3", 4)]
    assert page(count=9, skip=3, newest=True) == [("j1", 2), ("j0", 1)]
    assert page(skip=5) == page(skip=5, newest=True) == []
    with pytest.raises(InvalidOption, match="count is 0: expected"):
        mail.jobs(count=0)


def test_all_are_met_page_by_page_while_others_push_and_take(app: App, raw: Any) -> None:
    push(app, raw, 1700)
    jids = []
    for number, job in enumerate(app.queues["mail"]):
        jids.append(job.jid)
        if number % 300 == 0:
            raw.lpush(app.keys.queue("mail"), b'{"class":"new","args":[],"jid":"new"}')
            raw.rpop(app.keys.queue("mail"))
    assert len(jids) == len(set(jids))
    assert {f"j{k}" for k in range(6, 1700)} <= set(jids)


@pytest.mark.parametrize("number", [0, 1, 700, 1998, 1999])
def test_a_job_is_deleted_from_anywhere_by_its_bytes(both: App, raw: Any, number: int) -> None:
    payloads = push(both, raw, 2000)
    told: list[str] = []
    both.events.on("deleted", lambda record: told.append(record["jid"]))
    mail = both.queues["mail"]
    found = mail.find(f"j{number}")
    assert found is not None
    assert found.position == number + 1
    assert [mail.delete(f"j{number}"), mail.delete(f"j{number}")] == [True, False]
    left = [one for k, one in enumerate(payloads) if k != number]
    assert raw.lrange(both.keys.queue("mail"), 0, -1)[::-1] == left
    assert told == [f"j{number}"]


def test_who_only_names_the_id_is_not_deleted(app: App, raw: Any) -> None:
    raw.lpush(app.keys.queue("mail"), b'{"class":"a","args":["j1"],"jid":"j2"}')
    assert not app.queues["mail"].delete("j1")
    assert app.queues["mail"].size == 1


def test_a_job_is_deleted_or_taken_never_both(app: App, raw: Any) -> None:
    payloads = push(app, raw, 300)
    taken: list[bytes] = []

    def take() -> None:
        while (one := raw.rpop(app.keys.queue("mail"))) is not None:
            taken.append(one)

    thread = threading.Thread(target=take)
    thread.start()
    deleted = [jid for jid in (f"j{k}" for k in range(299, 0, -7)) if app.queues["mail"].delete(jid)]
    thread.join(10)
    gone = {json.loads(one)["jid"] for one in taken}
    assert not gone & set(deleted)
    assert len(taken) + len(deleted) == len(payloads)


def test_a_search_goes_from_the_next_on_part_by_part(app: App, raw: Any) -> None:
    push(app, raw, 1200, tags=["vip"])
    raw.lpush(app.keys.queue("mail"), b"\xff", b'{"class":"bye","args":["Tea"],"jid":"last"}')
    mail = app.queues["mail"]
    found, cursor, parts = [], None, 0
    while cursor is not None or not parts:
        page = mail.search(tag="vip", limit=10, cursor=cursor)
        found += [(job.jid, job.position) for job in page.jobs]
        cursor, parts = page.cursor, parts + 1
    assert found == [(f"j{k}", k + 1) for k in range(1200)]
    assert parts == 3
    short = mail.search(tag="vip", limit=1000, within_s=0.0)
    assert (short.looked_at, short.cursor, len(short.jobs)) == (500, "500", 500), "it had no more time"
    assert [(job.jid, job.position) for job in mail.search("tEA").jobs] == [("last", 1202)]
    assert mail.search(name="nobody").jobs == ()
    with pytest.raises(InvalidOption, match="cursor is 'x'"):
        mail.search(cursor="x")


def test_clearing_leaves_what_is_in_flight(both: App, start_worker: Callable[..., Worker], raw: Any) -> None:
    began, gate, done = threading.Event(), threading.Event(), threading.Event()

    @both.job(name="hold", queue="mail")
    def hold() -> None:
        began.set()
        gate.wait(10)
        done.set()

    start_worker(both, queues=["mail"], concurrency=1)
    hold.enqueue()
    assert began.wait(10)
    for _ in range(3):
        hold.enqueue()
    assert both.queues["mail"].clear() == 3
    assert "mail" not in both.queues
    gate.set()
    assert done.wait(10)
    assert both.queues["mail"].clear() == 0


def test_what_is_no_job_and_keys_of_another_type_do_no_harm(app: App, raw: Any) -> None:
    raw.lpush(app.keys.queue("mail"), b"\xff", b'{"class":"a","args":[],"jid":"j1"}', b"[]")
    raw.sadd(app.keys.queues, "mail", "odd", "with space")
    raw.set(app.keys.queue("odd"), "mine")
    found = [(queue.name, queue.size, queue.latency_s) for queue in app.queues]
    assert found == [("mail", 3, 0.0), ("odd", 0, 0.0), ("with space", 0, 0.0)]
    assert [(job.jid, job.position) for job in app.queues["mail"].jobs()] == [("j1", 2)]
    assert [job.jid for job in app.queues["mail"]] == ["j1"]
    odd = app.queues["odd"]
    assert (odd.jobs(), odd.jobs(newest=True), list(odd), odd.find("j1"), odd.delete("j1")) == ([], [], [], None, False)
    with pytest.raises(RedisRefused, match="another type"):
        odd.clear()
    assert raw.get(app.keys.queue("odd")) == b"mine"


def test_a_hundred_thousand_are_searched_in_bounded_time(app: App, raw: Any) -> None:
    push(app, raw, 100_000)
    raw.config_set("slowlog-log-slower-than", 50_000)
    raw.slowlog_reset()
    began_s = time.monotonic()
    assert app.queues["mail"].delete("j50000")
    assert time.monotonic() - began_s < 20
    assert len(raw.slowlog_get()) < 5, "of hundreds of requests none holds up Redis, but on a machine that is busy"
    assert app.queues["mail"].size == 99_999
