"""The sets by hand: pages, searches, and acts that happen once, move exact bytes and lose nothing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offsider import App
from offsider.api.page import SLICE
from offsider.api.sets import SetOfJobs
from offsider.api.where import Where
from offsider.errors import InvalidOption, JobKilled, RedisRefused, RedisUnavailable
from offsider.store.scripts import load
from offsider.testing.proxy import Proxy
from support.waiting import until

Put = Callable[..., bytes]
FAR_S = 4e9


def sets(app: App) -> list[SetOfJobs]:
    return [app.scheduled, app.retries, app.dead]


def fill(raw: Any, key: str, count: int, size: int = 5000) -> None:
    """Many entries, quickly."""
    text = '{"queue":"q%d","class":"job","args":[%d],"jid":"%024d","retry":true}'
    for first in range(0, count, size):
        entries = {text % (k % 3, k, k): FAR_S + k for k in range(first, min(first + size, count))}
        raw.zadd(key, entries)


# -- looking -----------------------------------------------------------------------------------------------------


def test_a_page_is_by_time_and_both_directions_have_pages(both: App, put: Put) -> None:
    for one in sets(both):
        for k in range(5):
            put(one._key, f"j{k}", 1000.0 + k)
        assert (len(one), bool(one)) == (5, True)
        assert [job.jid for job in one.jobs(newest=False, count=2)] == ["j0", "j1"]
        assert [job.jid for job in one.jobs(newest=True, count=2, skip=1)] == ["j3", "j2"]
        assert sorted(job.jid for job in one) == ["j0", "j1", "j2", "j3", "j4"]
        assert one.jobs(skip=100) == []
    assert [job.jid for job in both.scheduled.jobs(count=1)] == ["j0"], "what is due first"
    assert [job.jid for job in both.dead.jobs(count=1)] == ["j4"], "the newest"


def test_an_entry_tells_what_is_in_it(app: App, put: Put) -> None:
    error = {"error_class": "shop.OutOfStock", "error_message": "no tea", "retry_count": 2}
    put(app.keys.retry, "j1", 1000.5, kwargs={"a": 1}, tags=["vip"], created_at=1500, display_class="Hello", **error)
    (job,) = app.retries.jobs()
    assert (job.jid, job.name, job.queue, job.at_s, job.position) == ("j1", "Hello", "mail", 1000.5, None)
    assert (job.args, job.kwargs, job.tags, job.failures) == ([7], {"a": 1}, ("vip",), 3)
    assert (job.error, job.created_s, job.enqueued_s) == ("shop.OutOfStock: no tea", 1.5, None)
    assert json.loads(json.dumps(job.to_dict()))["record"]["jid"] == "j1"


def test_one_is_found_by_its_id_and_by_nothing_else(app: App, put: Put) -> None:
    put(app.keys.schedule, "j1", FAR_S, args=["j2"])
    found = app.scheduled.find("j1")
    assert found is not None
    assert found.args == ["j2"]
    assert app.scheduled.find("j2") is None
    assert app.scheduled.find("j*") is None
    assert app.retries.find("j1") is None


def test_a_search_finds_by_text_name_queue_error_and_tag(app: App, put: Put) -> None:
    put(app.keys.dead, "j1", 1.0, args=["Tea [for] two*"], tags=["vip"])
    put(app.keys.dead, "j2", 2.0, **{"class": "bye", "error_class": "shop.OutOfStock", "error_message": "é"})
    put(app.keys.dead, "j3", 3.0, queue="default", args=['a "b"'])

    def found(*text: str, **conditions: str) -> list[str]:
        page = app.dead.search(*text, **conditions)  # type: ignore[arg-type]
        assert page.cursor is None
        return [job.jid for job in page.jobs]

    assert found() == ["j3", "j2", "j1"]
    assert found("tEA [FOR] Two*") == found(tag="vip") == ["j1"]
    assert found("tea ?for? two") == []
    assert found("é") == found(name="bye") == found(error="OutOfStock") == found(error="shop.OutOfStock") == ["j2"]
    assert found('A "B"') == found(queue="default") == ["j3"]
    assert found("two", name="bye") == found(name="by") == found(tag="VIP") == []


def test_a_search_that_has_no_more_time_goes_on_with_the_next_part(app: App, raw: Any) -> None:
    fill(raw, app.keys.schedule, 3000)
    jids: list[str] = []
    page = app.scheduled.search(queue="q1", limit=1000, within_s=0.0)
    while page.cursor is not None:
        assert page.looked_at == 500
        jids += [job.jid for job in page.jobs]
        page = app.scheduled.search(queue="q1", limit=1000, within_s=0.0, cursor=page.cursor)
    jids += [job.jid for job in page.jobs]
    assert sorted(jids) == [f"{k:024}" for k in range(1, 3000, 3)]


def test_a_search_goes_on_where_it_was_and_ends(app: App, raw: Any) -> None:
    fill(raw, app.keys.schedule, 3000)
    jids: list[str] = []
    cursor, calls = None, 0
    while cursor is not None or not calls:
        page = app.scheduled.search(queue="q1", limit=100, cursor=cursor)
        jids += [job.jid for job in page.jobs]
        cursor, calls = page.cursor, calls + 1
        assert page.looked_at <= 10_000
    assert sorted(jids) == [f"{k:024}" for k in range(1, 3000, 3)]
    assert 3 <= calls <= 11


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 2000}, {"cursor": "x"}, {"text": ""}, {"tag": 7}])
def test_a_search_that_cannot_be_is_refused_with_its_value(app: App, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match="expected"):
        app.dead.search(**wrong)


# -- one ---------------------------------------------------------------------------------------------------------


def test_a_job_is_deleted_once_and_listeners_are_told(both: App, put: Put, raw: Any) -> None:
    told: list[str] = []
    both.events.on("deleted", lambda record: told.append(record["jid"]))
    for one in sets(both):
        put(one._key, "j1", FAR_S)
        put(one._key, "j2", FAR_S)
        assert [one.delete("j1"), one.delete("j1")] == [True, False]
        assert [job.jid for job in one] == ["j2"]
    assert told == ["j1"] * 3


def test_a_job_is_run_now_with_its_bell_and_a_failed_one_uses_no_retry(both: App, put: Put, raw: Any) -> None:
    put(both.keys.schedule, "j1", FAR_S, put_back={"since": 1, "count": 1, "reason": "unknown"})
    put(both.keys.retry, "j2", FAR_S, retry_count=3, error_class="E", error_message="m", crashes=2)
    before_ms = int(time.time() * 1000)
    assert both.scheduled.run_now("j1")
    assert raw.llen(both.keys.bell("mail")) == 1
    assert both.retries.retry("j2")
    assert not both.retries.run_now("j2")
    first, second = (json.loads(one) for one in raw.lrange(both.keys.queue("mail"), 0, -1)[::-1])
    assert (first["jid"], second["jid"], second["retry_count"]) == ("j1", "j2", 2)
    assert "retry_count" not in first
    assert "crashes" not in second
    assert before_ms <= first["enqueued_at"] <= time.time() * 1000
    assert raw.smembers(both.keys.queues) == {b"mail"}
    assert (len(both.scheduled), len(both.retries)) == (0, 0)


def test_a_killed_job_keeps_its_bytes_and_listeners_are_told(both: App, put: Put, raw: Any) -> None:
    died: list[tuple[str, type]] = []
    both.events.on("death", lambda record, error: died.append((record["jid"], type(error))))
    payloads = [put(both.keys.schedule, "j1", FAR_S, args=[1.50]), put(both.keys.retry, "j2", FAR_S)]
    assert (both.scheduled.kill("j1"), both.retries.kill("j2"), both.retries.kill("j2")) == (True, True, False)
    assert raw.zrange(both.keys.dead, 0, -1) == payloads
    assert died == [("j1", JobKilled), ("j2", JobKilled)]


def test_another_time_leaves_the_bytes_and_wakes_the_scheduler(both: App, raw: Any) -> None:
    odd = b'{ "class":"welcome", "args":[1.0], "jid":"j1", "queue":"mail" }'  # not as we would write it
    raw.zadd(both.keys.schedule, {odd: FAR_S})
    at = datetime.now(UTC) + timedelta(hours=1)
    assert both.scheduled.reschedule("j1", at)
    assert raw.zrange(both.keys.schedule, 0, -1, withscores=True) == [(odd, pytest.approx(at.timestamp(), abs=0.001))]
    assert raw.llen(both.keys.schedule_bell) == 1
    assert not both.retries.reschedule("j1", at)
    with pytest.raises(InvalidOption, match="no time zone"):
        both.scheduled.reschedule("j1", datetime(2027, 1, 1))  # noqa: DTZ001 - that is what is wrong with it


def test_of_many_at_once_one_moves_it(app: App, put: Put, raw: Any) -> None:
    put(app.keys.retry, "j1", FAR_S)
    acts: list[Callable[[str], bool]] = [app.retries.run_now, app.retries.kill, app.retries.delete] * 4
    done: list[bool] = []
    threads = [threading.Thread(target=lambda act=act: done.append(act("j1"))) for act in acts]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(done) == [False] * 11 + [True]
    assert raw.llen(app.keys.queue("mail")) + raw.zcard(app.keys.dead) <= 1


# -- many --------------------------------------------------------------------------------------------------------


def test_all_are_acted_on_or_those_that_fit(both: App, put: Put, raw: Any) -> None:
    for k in range(10):
        put(both.keys.retry, f"j{k}", FAR_S + k, tags=["odd" if k % 2 else "even"])
    assert both.retries.run_all_now(Where(tag="odd")) == 5
    assert both.retries.reschedule_all(FAR_S - 5, Where(jids=["j0", "j2", "nobody"])) == 2
    assert [job.jid for job in both.retries.jobs()] == ["j0", "j2", "j4", "j6", "j8"]
    assert both.retries.delete_all(Where(jids=["j0"])) == 1
    assert both.retries.kill_all(Where(text="even")) == 4
    assert both.dead.delete_all(Where(jids=["j8"])) == 1
    assert both.dead.retry_all() == 3
    assert [len(one) for one in sets(both)] == [0, 0, 0]
    order = [json.loads(one)["jid"] for one in raw.lrange(both.keys.queue("mail"), 0, -1)[::-1]]
    assert order == ["j1", "j3", "j5", "j7", "j9", "j2", "j4", "j6"], "by their time, the next first"


@pytest.mark.alone
def test_all_go_in_one_step_garbage_too_unless_somebody_listens(app: App, put: Put, raw: Any) -> None:
    put(app.keys.dead, "j1", 1.0)
    raw.zadd(app.keys.dead, {b"\xff not a job": 2.0})
    assert app.dead.delete_all() == 2
    assert not raw.exists(app.keys.dead)
    told: list[str] = []
    app.events.on("deleted", lambda record: told.append(record["jid"]))
    put(app.keys.dead, "j2", 1.0)
    assert (app.dead.delete_all(), told) == (1, ["j2"])


def test_a_hundred_thousand_move_in_bounded_requests_and_in_bounded_time(app: App, raw: Any) -> None:
    fill(raw, app.keys.schedule, 100_000)
    raw.config_set("slowlog-log-slower-than", 50_000)
    raw.slowlog_reset()
    began_s = time.monotonic()
    assert app.scheduled.find(f"{99_999:024}") is not None
    found_s, began_s = time.monotonic() - began_s, time.monotonic()
    assert app.scheduled.run_all_now(Where(queue="q1")) == 33_333
    moved_s = time.monotonic() - began_s
    assert len(app.scheduled) == 66_667
    assert app.queues["q1"].size == 33_333
    assert app.scheduled.delete_all() == 66_667
    assert len(raw.slowlog_get()) < 10, "of hundreds of requests none holds up Redis, but on a machine that is busy"
    assert (found_s < 10, moved_s < 50) == (True, True), (found_s, moved_s)


def everywhere(raw: Any, app: App) -> list[str]:
    """The ids in set and queues."""
    payloads = [*raw.zrange(app.keys.schedule, 0, -1)]
    for k in range(3):
        payloads += raw.lrange(app.keys.queue(f"q{k}"), 0, -1)
    return sorted(json.loads(one)["jid"] for one in payloads)


@pytest.mark.parametrize("what", ["the reply is lost", "the connection is cut"])
def test_stopped_between_slices_nothing_is_lost_or_twice_and_it_goes_on(
    app: App, make_app: Callable[..., App], raw: Any, what: str
) -> None:
    fill(raw, app.keys.schedule, 3 * SLICE)
    proxy = Proxy(app.url)
    through = make_app(proxy.url)
    whole = everywhere(raw, app)

    def stop(*_: Any) -> None:
        proxy.lose_reply() if what == "the reply is lost" else proxy.cut()

    try:
        slices = through.scheduled._slices(Where())
        entries, _looked_at = next(slices)
        moved = through.scheduled._do_apart(entries, ("queue", 0.0, lambda entry: entry.raw))
        assert moved == len(entries) > 0
        stop()
        with pytest.raises(RedisUnavailable):
            through.scheduled.run_all_now()
        assert everywhere(raw, app) == whole, "each is in one place"
        proxy.mend()
        left = len(app.scheduled)
        assert through.scheduled.run_all_now() == left
    finally:
        proxy.close()
    assert len(app.scheduled) == 0
    assert everywhere(raw, app) == whole


def test_a_lost_reply_to_a_slice_is_done_once(app: App, make_app: Callable[..., App], put: Put, raw: Any) -> None:
    put(app.keys.retry, "j1", FAR_S)
    proxy = Proxy(app.url)
    through = make_app(proxy.url)
    try:
        entry = through.retries.find("j1")
        raw.script_load(load("act").text)
        proxy.lose_reply()
        with pytest.raises(RedisUnavailable):
            through.retries._do_apart([entry], ("queue", 0.0, lambda one: one.raw))  # type: ignore[list-item]
        until(lambda: proxy.lost == 1)
        assert not through.retries.run_now("j1"), "it was done"
    finally:
        proxy.close()
    assert raw.llen(app.keys.queue("mail")) == 1


# -- hostile -----------------------------------------------------------------------------------------------------

GARBAGE = [b"", b"\xff\xfe", b"[]", b"{}", b'{"class":"a","args":[],"jid":7}', b"[" * 5000, b'{"jid":"j1"}']


def test_what_is_no_job_is_neither_listed_nor_moved(both: App, put: Put, raw: Any) -> None:
    for one in sets(both):
        raw.zadd(one._key, dict.fromkeys(GARBAGE, FAR_S))
        put(one._key, "j1", FAR_S)
        assert [job.jid for job in one.jobs()] == [job.jid for job in one] == ["j1"]
        assert one.run_all_now() == 1
        assert len(one) == len(GARBAGE)


def test_a_key_of_another_type_is_refused_and_stays(app: App, put: Put, raw: Any) -> None:
    raw.set(app.keys.dead, "mine")
    for act in (lambda: len(app.dead), app.dead.jobs, app.dead.retry_all, app.dead.delete_all):
        with pytest.raises(RedisRefused, match="another type"):
            act()  # type: ignore[operator]
    assert raw.get(app.keys.dead) == b"mine"
    put(app.keys.retry, "j1", FAR_S)
    raw.set(app.keys.queue("mail"), "mine")
    with pytest.raises(RedisRefused, match="another type"):
        app.retries.run_now("j1")
    with pytest.raises(RedisRefused, match="another type"):
        app.retries.kill("j1")
    assert len(app.retries) == 1
