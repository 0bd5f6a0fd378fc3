"""The quarantine by hand: found by its id or its job's, put back as if it had never been there, repaired, deleted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App, Where
from offsider.errors import InvalidArguments, InvalidOption, RedisRefused
from offsider.worker.putback import quarantine_entry
from offsider.worker.worker import Worker
from support.seats import House, Theatre
from support.waiting import until

KEY = "{offsider}:quarantine"
Start = Callable[..., Worker]
Keep = Callable[..., bytes]


@pytest.fixture
def keep(raw: Any) -> Keep:
    """Puts bytes into the quarantine, taken from a queue at some second."""

    def put(payload: bytes, at_s: float = 1_755_432_000.123456, queue: str = "mail", reason: str = "unknown") -> bytes:
        member = quarantine_entry(queue, reason, payload)
        raw.zadd(KEY, {member: f"{at_s:.6f}"})
        return member

    return put


def job(number: int, **fields: Any) -> bytes:
    record = {"class": "paint", "args": [number], "jid": f"{number:024x}", "queue": "mail", "retry": True, **fields}
    return json.dumps(record, separators=(",", ":")).encode()


def test_entries_are_listed_the_newest_first_with_what_they_are(app: App, keep: Keep) -> None:
    keep(job(1), 1_755_432_001.5, reason="no worker knew it")
    keep(b"\xff not JSON", 1_755_432_002.0)
    first, second = app.quarantine.entries()
    assert (first.jid, first.name, first.job, first.text) == ("", "", None, "\\xff not JSON")
    assert (second.reason, second.queue, second.at_s, second.name) == (
        "no worker knew it",
        "mail",
        1755432001.5,
        "paint",
    )
    assert second.payload == job(1)
    assert app.quarantine.entries(count=1, skip=1) == [second]
    assert app.quarantine.entries(newest=False) == [second, first]
    assert {one.id for one in app.quarantine} == {first.id, second.id}
    assert len(app.quarantine) == 2
    with pytest.raises(InvalidOption, match="count"):
        app.quarantine.entries(count=0)


def test_one_is_found_by_its_id_and_by_its_jobs(app: App, keep: Keep) -> None:
    for number in range(3):
        keep(job(number), 1_755_432_000.123456 + number / 1e6)
    keep(b"at the same time")
    entries = app.quarantine.entries()
    assert len({entry.id for entry in entries}) == 4
    for entry in entries:
        assert app.quarantine.find(entry.id) == entry
        if entry.jid:
            assert app.quarantine.find(entry.jid) == entry
    assert app.quarantine.find("1755432000123456-00000000") is None
    assert app.quarantine.find("f" * 24) is None
    with pytest.raises(InvalidOption, match="id is 7"):
        app.quarantine.find(7)  # type: ignore[arg-type]


def test_what_a_worker_did_not_know_runs_once_it_is_put_back_to_one_that_does(
    make_app: Callable[..., App], start_worker: Start, raw: Any
) -> None:
    old = make_app(worker={"unknown_job_window_s": 0.001, "queues": ["mail"]})
    raw.lpush("{offsider}:queue:mail", job(7, put_back={"since": 1, "count": 9, "reason": "unknown"}, crashes=2))
    worker = start_worker(old)
    until(lambda: len(old.quarantine) == 1)
    worker.stop(1.0)
    new = make_app(worker={"queues": ["mail"]})
    ran: list[int] = []

    @new.job(name="paint", queue="mail")
    def paint(number: int) -> None:
        ran.append(number)

    assert new.quarantine.retry(f"{7:024x}")
    record = json.loads(raw.lindex("{offsider}:queue:mail", 0))
    assert record.pop("enqueued_at") > (time.time() - 60) * 1000
    assert record == json.loads(job(7)), "as if no worker had met it"
    start_worker(new)
    until(lambda: ran == [7])
    assert not new.quarantine.retry(f"{7:024x}")


def test_bytes_that_are_no_job_go_back_only_when_they_are_repaired(app: App, keep: Keep, raw: Any) -> None:
    keep(b'{"class":"paint","args":[1],"jid":"b4a5"', queue="mail")
    (entry,) = app.quarantine
    with pytest.raises(InvalidArguments, match="these bytes are no job: not JSON"):
        app.quarantine.retry(entry.id)
    with pytest.raises(InvalidArguments, match="no job"):
        app.quarantine.retry(entry.id, repaired=b"[]")
    assert (len(app.quarantine), raw.llen("{offsider}:queue:mail")) == (1, 0)
    assert app.quarantine.retry(entry.id, repaired=entry.payload + b"}")
    assert json.loads(raw.lindex("{offsider}:queue:mail", 0))["jid"] == "b4a5"
    assert raw.smembers("{offsider}:queues") == {b"mail"}
    assert raw.llen("{offsider}:bell:mail") == 1, "a worker is woken"


def test_what_came_out_of_the_schedule_goes_into_its_own_queue(app: App, keep: Keep, raw: Any) -> None:
    keep(job(1, queue="low"), queue="")
    keep(b"no job", queue="")
    assert sorted(entry.queue for entry in app.quarantine) == ["default", "low"]
    assert app.quarantine.retry_all() == 1, "what is no job stays"
    assert raw.llen("{offsider}:queue:low") == 1
    assert len(app.quarantine) == 1


def test_conditions_choose_which(app: App, keep: Keep, raw: Any) -> None:
    for number in range(4):
        keep(job(number, tags=["vip"] if number else []), queue="mail" if number % 2 else "low", reason=f"no. {number}")
    garbage = keep(b"garbage")
    count = lambda **given: len(list(app.quarantine.matching(Where(**given))))  # noqa: E731
    assert [count(queue="low"), count(name="paint"), count(tag="vip"), count(text="NO. 3")] == [2, 4, 3, 1]
    (chosen,) = app.quarantine.matching(Where(text="garbage"))
    assert chosen.raw == garbage
    assert count(jids=[chosen.id, f"{2:024x}", "unknown"]) == 2
    assert app.quarantine.retry_all(Where(queue="low", jids=[f"{2:024x}"])) == 1
    assert app.quarantine.delete_all(Where(name="paint")) == 3
    assert [entry.id for entry in app.quarantine] == [chosen.id]


def test_deleting_a_job_is_told_and_deleting_all_is_one_step_where_nobody_listens(
    app: App, make_app: Callable[..., App], keep: Keep
) -> None:
    quiet = make_app()
    for number in range(250):
        keep(job(number))
    assert quiet.quarantine.delete_all() == 250
    told: list[str] = []
    app.on("deleted")(lambda record: told.append(record["jid"]))
    for number in range(250):
        keep(job(number))
    keep(b"garbage")
    assert app.quarantine.delete(f"{9:024x}")
    assert not app.quarantine.delete(f"{9:024x}")
    assert app.quarantine.delete_all() == 250
    assert sorted(told) == sorted(f"{number:024x}" for number in range(250))
    assert (len(app.quarantine), bool(app.quarantine)) == (0, True)


def test_of_many_who_put_all_back_at_once_each_job_is_put_back_by_one(
    make_app: Callable[..., App], keep: Keep, raw: Any
) -> None:
    for number in range(600):
        keep(job(number))
    together, done = threading.Barrier(4), []

    def retry(app: App) -> None:
        together.wait(10)
        done.append(app.quarantine.retry_all())

    threads = [threading.Thread(target=retry, args=(make_app(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(done) == 600
    assert raw.llen("{offsider}:queue:mail") == 600


def test_effects_of_editions_are_part_of_the_move(make_app: Callable[..., App], keep: Keep, raw: Any) -> None:
    app = make_app(editions=[Theatre()])
    for number in range(3):
        keep(job(number, seat=f"A{number}"))
    keep(b"no job")
    house = House(app, raw)
    assert app.quarantine.retry(f"{0:024x}")
    (broken,) = [entry for entry in app.quarantine if entry.job is None]
    assert app.quarantine.retry(broken.id, repaired=job(9, seat="A9"))
    assert app.quarantine.delete_all() == 2
    assert house.seated() == ["queued", "queued", "deleted", "deleted"]


def test_a_queue_of_another_type_leaves_it_where_it_is(app: App, keep: Keep, raw: Any) -> None:
    keep(job(1))
    raw.set("{offsider}:queue:mail", "mine")
    with pytest.raises(RedisRefused, match="another type"):
        app.quarantine.retry_all()
    assert len(app.quarantine) == 1


def test_all_of_it_is_json_and_its_bytes_when_they_are_asked_for(app: App, keep: Keep) -> None:
    keep(b"\xff")
    (entry,) = app.quarantine
    assert json.loads(json.dumps(entry.to_dict(whole=True)))["base64"] == "/w=="
    assert "base64" not in entry.to_dict()
    assert entry.to_dict()["is_job"] is False


def test_bytes_of_somebody_else_are_shown_as_they_are(app: App, raw: Any) -> None:
    raw.zadd(KEY, {b"no header": 5, b'{"queue":3}\n': float("inf"), b"[]\nlist": -1})
    entries = app.quarantine.entries()
    assert sorted(entry.payload for entry in entries) == [b"", b"[]\nlist", b"no header"]
    assert app.quarantine.delete_all(Where(text="no header")) == 1
