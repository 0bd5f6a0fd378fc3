"""What must hold is checked on a living system, and mended only where no job can be lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis

from offsider import App, Retry
from offsider.api.fsck import MOST_BREACHES, Checkup, fsck
from offsider.contract.edition import Edition
from offsider.contract.findings import Breach, Invariant, KeyKind
from offsider.errors import SeamClosed, StoreError
from offsider.worker.worker import Worker
from support.waiting import until

LANE = "{offsider}:lane:" + "0" * 18
OWNER = "vm:1:0123456789ab/default/1"


def job(jid: str, **fields: object) -> bytes:
    return json.dumps({"class": "work", "args": [], "jid": jid, "queue": "mail", **fields}).encode()


def says(checkup: Checkup) -> list[str]:
    return [one.breach.says for one in checkup.found]


def rules(checkup: Checkup) -> list[str]:
    return [one.breach.rule for one in checkup.found]


# -- a clean one -------------------------------------------------------------------------------------------------


def test_an_empty_namespace_is_clean(app: App) -> None:
    assert fsck(app) == Checkup((), 0, 0, 0, 0, 0, 0)


def test_everything_that_the_house_writes_is_known(app: App, start_worker: Callable[..., Worker]) -> None:
    """Jobs that ended, failed, died, wait and run; a live process, its bells, metrics and statistics."""
    ended, gate = threading.Semaphore(0), threading.Event()

    @app.job(name="ends", queue="mail")
    def ends() -> None:
        ended.release()

    @app.job(name="fails", queue="mail")
    def fails() -> None:
        ended.release()
        raise ValueError

    @app.job(name="dies", queue="mail", retry=0)
    def dies() -> None:
        ended.release()
        raise ValueError

    @app.job(name="runs", queue="mail")
    def runs() -> None:
        ended.release()
        gate.wait(20)

    worker = start_worker(app, queues=["mail"])
    for one in (ends, fails, dies, runs):
        one.enqueue()
        one.using(delay=3600).enqueue()
    app.metrics.mark("v1")
    for _ in range(4):
        assert ended.acquire(timeout=20)
    until(lambda: len(app.dead) == 1 and len(app.retries) == 1 and app.running.all())
    app.processes.quiet()
    checkup = fsck(app)
    gate.set()
    assert says(checkup) == []
    assert checkup.clean
    assert checkup.jobs == 4 + 3, "scheduled; one retry, one dead, one in flight"
    worker.stop(5)
    assert says(fsck(app)) == []


# -- what is wrong -----------------------------------------------------------------------------------------------

Break = Callable[[Any], object]
BREAKS: dict[str, tuple[Break, str, bool]] = {
    "no lease": (lambda raw: raw.hset("{offsider}:inflight:o", "1:mail", job("a")), "holds 1 jobs without", True),
    "lease": (lambda raw: raw.zadd("{offsider}:owners", {"o": 9e12}), "the longest is 3600 s", True),
    "endless": (lambda raw: raw.set(LANE, 7), "never ends", True),
    "bell": (lambda raw: raw.lpush("{offsider}:bell:mail", 1, 1, 1), "has 3 tokens", True),
    "unlisted": (lambda raw: raw.lpush("{offsider}:queue:mail", job("a")), "is not listed", True),
    "type": (lambda raw: raw.set("{offsider}:retry", 1), "is a string; expected a zset", False),
    "twice": (
        lambda raw: raw.zadd("{offsider}:retry", {job("a"): 1, job("a", x=1): 2}),
        "job a lies in 2 places: retry, retry",
        False,
    ),
}


@pytest.mark.parametrize("rule", BREAKS)
def test_what_is_broken_is_told_and_mended_where_that_is_safe(rule: str, app: App, raw: redis.Redis) -> None:
    break_it, sentence, mendable = BREAKS[rule]
    break_it(raw)
    found = fsck(app)
    assert rules(found) == [rule]
    assert sentence in says(found)[0]
    assert found.found[0].breach.advice
    assert (found.clean, found.breaches, found.mended) == (False, 1, 0)
    assert rules(fsck(app)) == [rule], "looking changes nothing"
    mended = fsck(app, mend=True)
    assert (mended.clean, mended.mended) == (mendable, int(mendable))
    assert rules(fsck(app)) == ([] if mendable else [rule])


def test_no_job_is_lost_by_mending(app: App, raw: redis.Redis, start_worker: Callable[..., Worker]) -> None:
    """Jobs without a lease, and those of a queue that nobody lists, run."""
    done: list[int] = []

    @app.job(name="work", queue="mail")
    def work(number: int) -> None:
        done.append(number)

    raw.hset("{offsider}:inflight:" + OWNER, mapping={f"{n}:mail": job(f"{n}" * 24, args=[n]) for n in range(5)})
    raw.lpush("{offsider}:queue:mail", job("7" * 24, args=[7]))
    assert fsck(app, mend=True).clean
    start_worker(app, queues=["mail"])
    until(lambda: sorted(done) == [0, 1, 2, 3, 4, 7], 20)
    assert not any("crashes" in one.record for one in app.dead)


def test_a_lease_that_nobody_ends_is_told_when_somebody_lives(app: App, raw: redis.Redis) -> None:
    raw.zadd("{offsider}:owners", {OWNER: 1})
    assert fsck(app).clean, "nobody is there who could"
    raw.sadd("{offsider}:processes", "vm:2:0123456789ab")
    raw.hset("{offsider}:vm:2:0123456789ab", mapping={"info": "{}", "busy": 0})
    raw.expire("{offsider}:vm:2:0123456789ab", 60)
    found = fsck(app, mend=True)
    assert (rules(found), found.clean) == (["overdue"], False)
    assert "none of 1 live workers" in says(found)[0]


def test_a_key_of_nobody_is_a_note_and_no_breach(app: App, raw: redis.Redis) -> None:
    raw.set("{offsider}:left-over", 1)
    raw.set("somebody-elses", 1)
    found = fsck(app, mend=True)
    assert says(found) == ["the key 'left-over' is nobody's"]
    assert (found.clean, found.notes, found.breaches) == (True, 1, 0)
    assert raw.exists("somebody-elses", "{offsider}:left-over") == 2


def test_with_an_empty_namespace_keys_of_others_are_left_alone(make_app: Callable[..., App], raw: redis.Redis) -> None:
    app = make_app(namespace="")
    raw.set("session:1", 1)
    raw.lpush("queue:mail", job("a"))
    found = fsck(app, mend=True)
    assert rules(found) == ["unlisted"]
    assert raw.smembers("queues") == {b"mail"}


# -- jobs in several places --------------------------------------------------------------------------------------


def test_every_place_is_compared_with_every_other(app: App, raw: redis.Redis) -> None:
    raw.sadd("{offsider}:queues", "mail", "low")
    raw.lpush("{offsider}:queue:mail", job("a"), job("b"), job("b"))
    raw.lpush("{offsider}:queue:low", job("a"), b"not json", b"[" * 100_000)
    raw.zadd("{offsider}:schedule", {job("c"): 1})
    raw.zadd("{offsider}:quarantine", {b"{}\n" + job("c"): 1})
    raw.zadd("{offsider}:dead", {job("d"): 1})
    raw.zadd("{offsider}:owners", {OWNER: raw.time()[0] * 1000 + 5000})
    raw.hset("{offsider}:inflight:" + OWNER, "1:mail", job("d"))
    found = fsck(app, mend=True)
    assert says(found) == [
        "job a lies in 2 places: queue:low, queue:mail",
        "job b lies in 2 places: queue:mail, queue:mail",
        "job c lies in 2 places: quarantine, schedule",
        f"job d lies in 2 places: dead, inflight:{OWNER}",
    ]
    assert (found.jobs, found.unread, found.clean) == (8, 2, False)


def test_a_job_that_moves_while_it_is_counted_is_no_breach(
    app: App, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is met in its queue, goes to the retries, and is met there again."""
    from offsider.api.census import Census, Place

    raw.sadd("{offsider}:queues", "mail")
    raw.lpush("{offsider}:queue:mail", job("a"))
    original = Census._ids

    def moving(self: Census, number: int, place: Place) -> Any:
        yield from original(self, number, place)
        if place.key.endswith("schedule"):
            yield b"a", number  # what was met there just before it moved

    monkeypatch.setattr(Census, "_ids", moving)
    assert says(fsck(app)) == []


def test_while_workers_run_nothing_is_found(app: App, start_worker: Callable[..., Worker]) -> None:
    """Jobs go from queues in flight, to the retries and back, die and are run again, while each look is taken."""
    ran = threading.Semaphore(0)

    @app.job(name="work", queue="mail", retry=Retry(max=2, delay=0.05))
    def work(number: int) -> None:
        ran.release()
        if number % 3 == 0:
            raise ValueError(number)

    start_worker(app, queues=["mail"], concurrency=5)
    start_worker(app, queues=["mail"], concurrency=5)
    for _ in range(8):
        work.enqueue_many([(number,) for number in range(200)])
        assert ran.acquire(timeout=20)
        app.dead.retry_all()
        assert says(fsck(app)) == []
    assert len(app.processes) == 2


def test_twenty_thousand_jobs_are_counted_in_pages(app: App, raw: redis.Redis) -> None:
    raw.sadd("{offsider}:queues", "mail")
    for start in range(0, 20_000, 10_000):
        raw.lpush("{offsider}:queue:mail", *(job(f"{n:024d}") for n in range(start, start + 10_000)))
    raw.zadd("{offsider}:retry", {job(f"{13_000:024d}"): 1})
    raw.config_resetstat()
    found = fsck(app)
    assert found.jobs == 20_001
    assert says(found) == [f"job {13_000:024d} lies in 2 places: queue:mail, retry"]
    commands = raw.info("commandstats")
    assert commands["cmdstat_lrange"]["calls"] >= 40, "both looks at the queue are in pages"
    assert "cmdstat_lpos" not in commands, "and nothing searches all of it"


def test_many_breaches_are_counted_and_the_first_are_kept(app: App, raw: redis.Redis) -> None:
    pipe = raw.pipeline()
    for number in range(MOST_BREACHES + 5):
        pipe.set(f"{{offsider}}:lane:{number:018x}", 1)
    pipe.execute()
    found = fsck(app, mend=True)
    assert (found.breaches, found.mended, len(found.found)) == (MOST_BREACHES + 5, MOST_BREACHES + 5, MOST_BREACHES)
    assert fsck(app).clean


# -- editions ------------------------------------------------------------------------------------------------------


class Tenants(Invariant):
    """The invariants of an edition that keeps a set of tenants."""

    def kinds(self, keys: Any) -> list[KeyKind]:
        return [KeyKind("tenants", f"{keys.prefix}tenants".replace("{", r"\{").replace("}", r"\}"), "set")]

    def breaches(self, app: Any) -> list[Breach]:
        return [Breach("tenant", "a tenant has no name", mend=lambda: True)]


class Acme(Edition):
    name = "acme"
    contract = 1

    def install(self, app: App) -> None:
        app.invariants.add("acme.tenants", Tenants(), by=self.name)


def test_an_edition_names_its_keys_and_adds_its_rules(make_app: Callable[..., App], raw: redis.Redis) -> None:
    raw.sadd("{offsider}:tenants", "a")
    found = fsck(make_app(editions=[Acme()]), mend=True)
    assert (rules(found), found.clean) == (["tenant"], True)
    with pytest.raises(SeamClosed):
        make_app().invariants.add("late", Tenants(), by="somebody")


def test_all_of_it_is_json(app: App, raw: redis.Redis) -> None:
    raw.lpush("{offsider}:bell:mail", 1, 1)
    found = json.loads(json.dumps(fsck(app, mend=True).to_dict()))
    assert (found["clean"], found["mended"], found["found"][0]["rule"]) == (True, 1, "bell")


def test_a_server_that_is_away_is_an_error(make_app: Callable[..., App]) -> None:
    with pytest.raises(StoreError):
        fsck(make_app("redis://127.0.0.1:1/0"))
