"""Whoever dies, at any request, before or after it took effect: each instant has one job, and the entry goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import pytest

from offsider import App
from offsider.errors import StoreError
from offsider.worker.worker import Worker
from offsider_enterprise.cron import Crontab
from offsider_enterprise.cron.effect import CronEffect
from offsider_enterprise.cron.fire import Fire
from offsider_enterprise.cron.table import Table
from offsider_enterprise.parts import parts_of
from support.proxy import Act, Fault, FaultyProxy, number
from support.waiting import until

from .conftest import MONTHLY, YEARLY, YEARS_S, CronBench, month, new_year

NAMES = {"once": (YEARLY, "once", [new_year()]), "all": (MONTHLY, "all", [month(2), month(1), month()])}


def look(app: App) -> bool:
    """What a worker does in one look; False when it did not come to its end."""
    fire, table = parts_of(app).fire, Table(app)
    wire = app.connections.wire("look", read_timeout_s=5)
    try:
        now_s, _later_s, due = table.due(wire, 0)
        for kept in table.read(wire, [name for name, _due_s in due]):
            assert kept.entry is not None
            assert kept.due_s is not None
            fire.due(wire, kept.entry, kept.due_s, now_s)
    except StoreError:
        return False
    finally:
        wire.close()
        fire.close()
    return True


@pytest.mark.parametrize("act", [Act.CUT, Act.LOSE], ids=["before", "after"])
def test_a_process_that_dies_at_any_request_of_a_look_leaves_nothing_undone_and_nothing_twice(
    act: Act, make_bench: Callable[..., CronBench], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline = {"push_deadline_s": 0.3}  # whoever dies repeats nothing
    points = 0
    for point in count(1):
        bench = make_bench(namespace=f"{act.value}{point}")
        for name, (cron, missed, instants) in NAMES.items():
            bench.crontab.add(name, "report", cron, missed=missed, window=YEARS_S)
            bench.put_back(name, instants[0])
        proxy = FaultyProxy.before(redis_url)
        try:
            dying = make_bench(proxy.url, namespace=f"{act.value}{point}", redis=deadline)
            fault = proxy.add(Fault(number(point), act, then=partial(cut_off, proxy)))
            ended = look(dying.app)
        finally:
            proxy.close()
        assert look(bench.app)
        assert look(bench.app)
        assert placed(bench) == expected(), f"{act.value} request {point}"
        assert [bench.due_s(name) for name in NAMES] == [new_year(-1), month(-1)]
        if ended and not fault.hit:
            break
        points += 1
    assert points >= 8, "connections, due, read, four pushes, and what is left out"


def cut_off(proxy: FaultyProxy, _request: object) -> None:
    proxy.refuse()


def placed(bench: CronBench) -> list[tuple[str, int]]:
    return sorted((job["cron"]["name"], int(job["cron"]["at"])) for job in bench.enqueued())


def expected() -> list[tuple[str, int]]:
    return sorted((name, instant) for name, (_cron, _missed, instants) in NAMES.items() for instant in instants)


@pytest.mark.parametrize("act", [Act.LOSE, Act.TEAR, Act.RESET], ids=lambda act: act.value)
def test_lost_replies_make_no_second_job_and_no_second_note(
    act: Act, bench: CronBench, make_bench: Callable[..., CronBench], redis_url: str
) -> None:
    bench.crontab.add("once", "report", YEARLY, window=YEARS_S)
    bench.put_back("once", new_year())
    proxy = FaultyProxy.before(redis_url)
    try:
        faulty = make_bench(proxy.url)
        pushes = Fault(lambda request: any(b'"class":"report"' in word for word in request.words), act, times=2)
        proxy.add(pushes)
        assert look(faulty.app)
        assert len(pushes.hit) == 2
    finally:
        proxy.close()
    assert len(bench.enqueued()) == 1
    (run,) = bench.crontab.history("once")
    assert run.jid == bench.enqueued()[0]["jid"]


def test_a_process_that_was_frozen_with_a_run_in_its_hands_enqueues_nothing_late(bench: CronBench) -> None:
    """It has read that the entry is due; hours pass, and others have gone on, paused, edited or deleted it."""
    fire = Fire(bench.app, parts_of(bench.app).cron)
    wire = bench.app.connections.wire("frozen", read_timeout_s=5)
    changes: dict[str, Callable[[Crontab], Any]] = {
        "gone on": lambda _crontab: look(bench.app),
        "paused": lambda crontab: crontab.pause("gone"),
        "edited": lambda crontab: crontab.edit("gone", kwargs={"kind": "x"}),
        "deleted": lambda crontab: crontab.delete("gone"),
        "made anew": lambda crontab: (crontab.delete("gone"), crontab.add("gone", "report", YEARLY, window=YEARS_S)),
    }
    for what, change in changes.items():
        bench.crontab.delete("gone")
        bench.crontab.add("gone", "report", YEARLY, window=YEARS_S)
        bench.put_back("gone", new_year())
        (kept,) = Table(bench.app).read(wire, ["gone"])
        change(bench.crontab)
        before = bench.enqueued()
        assert kept.entry is not None
        assert fire.due(wire, kept.entry, new_year(), time.time()) == 0, what
        assert bench.enqueued() == before, what
    wire.close()


def test_an_instant_that_had_a_run_is_passed_over(bench: CronBench) -> None:
    """What a clock leaves that was ahead and was set back."""
    bench.crontab.add("once", "report", YEARLY, window=YEARS_S)
    bench.put_back("once", new_year())
    bench.raw.zadd(bench.keys.cron_runs("once"), {b'["enqueued",1,1.0,"j",""]': new_year()})
    assert look(bench.app)
    assert bench.enqueued() == []
    assert bench.due_s("once") == new_year(-1)


def test_a_key_of_another_type_holds_up_no_other_entry(bench: CronBench, start_worker: Callable[..., Worker]) -> None:
    """Whoever else has written it."""
    places = {"queue": bench.app.keys.queue("taken"), "runs": bench.keys.cron_runs("runs")}
    for name in (*places, "fine"):
        bench.crontab.add(name, "report", YEARLY, window=YEARS_S, options={"queue": "taken"} if name == "queue" else {})
        bench.put_back(name, new_year())
    for key in places.values():
        bench.raw.set(key, "mine")
    start_worker(bench.app)
    until(bench.enqueued)
    until(lambda: bench.due_s("queue") == new_year(-1), what="it goes on")
    assert [job["cron"]["name"] for job in bench.enqueued()] == ["fine"]
    assert [(run.what, "WRONGTYPE" in run.said) for run in bench.crontab.history("queue")] == [("refused", True)]
    assert {bench.raw.get(key) for key in places.values()} == {b"mine"}
    assert bench.due_s("runs") == new_year(), "what cannot be noted is not done"


def test_a_full_redis_refuses_and_an_entry_is_enqueued_once_there_is_room(bench: CronBench) -> None:
    bench.crontab.add("once", "report", YEARLY, window=YEARS_S)
    bench.put_back("once", new_year())
    bench.raw.config_set("maxmemory", 1)
    try:
        assert not look(bench.app)
    finally:
        bench.raw.config_set("maxmemory", 0)
    assert bench.due_s("once") == new_year()
    assert look(bench.app)
    assert placed(bench) == [("once", new_year())]


def test_a_job_that_is_no_run_is_not_asked_about() -> None:
    from offsider.contract.effects import Move
    from offsider.store.keys import Keys

    effect = CronEffect()
    assert effect.ask(Move("push", {"jid": "j", "cron": {}}, Keys("shop"))) is None
    assert effect.ask(Move("done", {"jid": "j", "cron": {}}, Keys("shop"))) is None
