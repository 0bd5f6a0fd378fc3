"""What is kept arrives once Redis is back: in order, once, by whoever is there."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from offsider import App, EnqueueUncertain, OptionSpec
from offsider.contract.edition import Edition
from offsider.contract.effects import PUSH, Effect, Move
from offsider.testing.proxy import Proxy
from offsider.worker.worker import Worker
from offsider_pro import ProEdition
from offsider_pro.spool.file import SpoolFile
from offsider_pro.spool.folder import SpoolFolder
from support.server import Server
from support.spool import note, numbers, push
from support.waiting import until

Make = Callable[..., App]
MANY = 10_000


def folder_of(app: App, spool: Path) -> SpoolFolder:
    return SpoolFolder(spool, app.connections.url, app.keys.prefix)


def is_empty(app: App, spool: Path) -> bool:
    return folder_of(app, spool).files() == []


def test_what_is_enqueued_while_redis_is_away_arrives_in_order_once_it_is_back(
    make_spooled: Make, durable: Server, spool: Path
) -> None:
    app = make_spooled(durable.url)
    job = app.job(name="note")(note)
    job.enqueue(0)
    durable.kill()
    jids = [job.enqueue(1), *job.enqueue_many([(2,), (3,)]), job.using(delay=1000).enqueue(4)]

    async def more() -> None:
        jids.append(await job.aenqueue(5))
        jids.extend(await job.aenqueue_many([(6,), (7,)]))
        await app.leave_loop()

    asyncio.run(more())
    assert folder_of(app, spool).depth().jobs == 7
    durable.start()
    until(lambda: is_empty(app, spool), 20, "all was delivered")
    assert numbers(durable) == [0, 1, 2, 3, 5, 6, 7]
    raw = durable.client()
    waiting = [json.loads(one)["jid"] for one in raw.lrange(app.keys.queue("default"), 0, -1)][::-1][1:]
    waiting.insert(3, json.loads(raw.zrange(app.keys.schedule, 0, 0)[0])["jid"])
    assert waiting == jids
    assert job.enqueue(8)
    assert numbers(durable)[-1] == 8


def test_pushes_go_behind_what_is_kept_and_directly_again_when_nothing_is(
    make_spooled: Make, raw: Any, redis_url: str, spool: Path
) -> None:
    proxy = Proxy(redis_url)
    app = make_spooled(proxy.url)
    job = app.job(name="note")(note)
    proxy.cut()
    for number in range(20):
        job.enqueue(number)
    proxy.mend()
    for number in range(20, 40):
        job.enqueue(number)
    until(lambda: is_empty(app, spool), 20)
    job.enqueue(40)
    assert numbers(raw) == list(range(41))
    proxy.close()


@pytest.fixture
def deaf(redis_url: str) -> Iterator[Proxy]:
    """A way to Redis that does everything and answers nothing."""
    proxy = Proxy(redis_url)
    yield proxy
    proxy.close()


def test_a_push_that_was_done_without_an_answer_is_not_done_again(
    make_spooled: Make, deaf: Proxy, raw: Any, spool: Path
) -> None:
    app = make_spooled(deaf.url)
    job = app.job(name="note")(note)
    job.enqueue(0)
    deaf.lose_reply(MANY)
    job.enqueue_many([(1,), (2,)])
    assert numbers(raw) == [0, 1, 2]
    job.enqueue(3)
    deaf.lose_reply(deaf.lost - MANY)
    until(lambda: is_empty(app, spool), 20)
    assert numbers(raw) == [0, 1, 2, 3]


def test_replies_that_are_lost_while_it_is_delivered_put_nothing_twice(
    make_spooled: Make, deaf: Proxy, raw: Any, spool: Path
) -> None:
    app = make_spooled(deaf.url)
    job = app.job(name="note")(note)
    deaf.cut()
    for number in range(10):
        job.enqueue(number)
    deaf.lose_reply(5)
    deaf.mend()
    until(lambda: is_empty(app, spool), 30)
    assert deaf.lost >= 5
    assert numbers(raw) == list(range(10))


def left_behind(app: App, spool: Path, *numbers: int) -> SpoolFile:
    """A file as a process leaves it that dies."""
    folder = folder_of(app, spool)
    folder.make()
    file = SpoolFile.make(folder.path, folder.place)
    for number in numbers:
        file.sync(file.write(push(number)))
    file.close()
    return file


def test_a_worker_delivers_what_dead_processes_of_its_machine_have_left(
    make_spooled: Make, start_worker: Callable[..., Worker], raw: Any, spool: Path
) -> None:
    app = make_spooled()
    ran: list[int] = []

    @app.job(name="note")
    def noted(number: int) -> None:
        ran.append(number)

    left_behind(app, spool, 1, 2)
    left_behind(app, spool, 3)
    start_worker(app, concurrency=1)
    until(lambda: is_empty(app, spool) and len(ran) == 3, 20)
    assert sorted(ran) == [1, 2, 3]
    assert raw.keys("{offsider}:lane:*")


def test_a_process_that_pushes_delivers_them_too(make_spooled: Make, raw: Any, spool: Path) -> None:
    app = make_spooled()
    left_behind(app, spool, 1)
    app.job(name="note")(note).enqueue(2)
    until(lambda: is_empty(app, spool), 20)
    assert sorted(numbers(raw)) == [1, 2]


def test_what_was_delivered_and_not_noted_is_not_delivered_twice(make_spooled: Make, raw: Any, spool: Path) -> None:
    app = make_spooled()
    content = left_behind(app, spool, 1, 2).path.read_bytes()
    job = app.job(name="note")(note)
    job.enqueue(0)
    until(lambda: is_empty(app, spool), 20)
    (folder_of(app, spool).path / "1900000000000-1-00000000.spool").write_bytes(content)
    app.close()
    job.enqueue(3)
    until(lambda: is_empty(app, spool), 20)
    assert sorted(numbers(raw)) == [0, 1, 2, 3]


def test_two_that_deliver_at_once_do_not_disturb_each_other(
    make_spooled: Make, raw: Any, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    apps = [make_spooled() for _ in range(3)]
    for first in range(0, 60, 10):
        left_behind(apps[0], spool, *range(first, first + 10))
    for number, app in enumerate(apps, 100):
        app.job(name="note")(note).enqueue(number)
    until(lambda: is_empty(apps[0], spool), 20)
    assert sorted(numbers(raw)) == [*range(60), 100, 101, 102]
    for first in range(0, 60, 10):
        assert [one for one in numbers(raw) if first <= one < first + 10] == list(range(first, first + 10))
    assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == []


def test_a_push_that_redis_takes_for_wrong_is_put_aside_and_comes_once_it_is_repaired(
    make_spooled: Make, raw: Any, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_spooled()
    raw.set(app.keys.queue("default"), "no queue")
    left_behind(app, spool, 1)
    folder = folder_of(app, spool)
    job = app.job(name="note")(note)
    with caplog.at_level(logging.ERROR, "offsider.pro"):
        job.using(queue="other").enqueue(2)
        until(lambda: is_empty(app, spool), 20)
    assert "cannot be delivered (ResponseError: WRONGTYPE" in caplog.text
    [aside] = folder.files(".refused")
    raw.delete(app.keys.queue("default"))
    aside.rename(aside.with_suffix(".spool"))
    app.close()
    job.using(queue="other").enqueue(3)
    until(lambda: is_empty(app, spool), 20)
    assert numbers(raw) == [1]


def test_a_push_that_redis_takes_for_wrong_is_not_taken_for_done_when_it_could_not_be_put_aside(
    make_spooled: Make, raw: Any, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_spooled()
    raw.set(app.keys.queue("default"), "no queue")
    left_behind(app, spool, 1, 2)
    make, full = SpoolFile.make, [True, False, True, False]  # no room at the first time that it is needed for each

    def refuses(folder: Path, place: dict[str, str], suffix: str = ".spool") -> SpoolFile:
        if suffix == ".refused" and full.pop(0):
            raise OSError("no space")
        return make(folder, place, suffix)

    monkeypatch.setattr(SpoolFile, "make", refuses)
    assert app.client
    until(lambda: is_empty(app, spool), 20)
    raw.delete(app.keys.queue("default"))
    asides = folder_of(app, spool).files(".refused")
    for aside in asides:
        aside.rename(aside.with_suffix(".spool"))
    app.close()
    assert app.client
    until(lambda: is_empty(app, spool), 20)
    assert numbers(raw) == [1, 2]


def test_a_full_redis_is_waited_for(make_spooled: Make, raw: Any, spool: Path) -> None:
    app = make_spooled()
    left_behind(app, spool, 1)
    raw.config_set("maxmemory", 1)
    try:
        job = app.job(name="note")(note)
        assert app.client
        until(lambda: raw.info("stats")["total_error_replies"] > 0, 20)
        assert folder_of(app, spool).depth().jobs == 1
    finally:
        raw.config_set("maxmemory", 0)
    until(lambda: is_empty(app, spool), 20)
    assert numbers(raw) == [1]
    assert job.enqueue(2)


def test_a_push_in_doubt_that_redis_remembers_no_more_is_delivered_with_a_warning(
    make_spooled: Make, raw: Any, spool: Path, caplog: pytest.LogCaptureFixture, step: Callable[[float], None]
) -> None:
    app = make_spooled()
    folder = folder_of(app, spool)
    folder.make()
    step(-90_000)
    file = SpoolFile.make(folder.path, folder.place)
    file.sync(file.write(push(1, in_doubt=True)))
    file.sync(file.write(push(2)))
    file.close()
    step(0)
    with caplog.at_level(logging.WARNING, "offsider.pro"):
        assert app.client
        until(lambda: is_empty(app, spool), 20)
    line = caplog.messages[-1]
    assert line.startswith("the jobs j1 may run twice: their push had no answer 900")
    assert numbers(raw) == [1, 2]


def test_the_file_of_another_namespace_is_left_alone(
    make_spooled: Make, raw: Any, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = make_spooled(), make_spooled(namespace="shop")
    stray = left_behind(theirs, spool, 1)
    folder_of(ours, spool).make()
    stray.path.rename(folder_of(ours, spool).path / stray.path.name)
    with caplog.at_level(logging.ERROR, "offsider.pro"):
        assert ours.client
        until(lambda: "its keys begin with '{shop}:', and those here with '{offsider}:'" in caplog.text, 20)
    assert not is_empty(ours, spool)
    assert numbers(raw) == []


def test_each_shard_has_a_spool_of_its_own_and_holds_up_nobody_else(
    make_spooled: Make, durable: Server, raw: Any, spool: Path
) -> None:
    app = make_spooled(shards={"far": {"url": durable.url, "queues": ["far"]}})
    job = app.job(name="note")(note)
    durable.kill()
    job.using(queue="far").enqueue(1)
    job.enqueue(2)
    job.enqueue_many([(3,), (4,)])
    assert numbers(raw) == [2, 3, 4]
    durable.start()
    far = SpoolFolder(spool, durable.url, app.keys.prefix)
    until(lambda: far.files() == [], 20)
    assert numbers(durable, "far") == [1]


def test_switched_off_it_is_as_in_the_free_edition(make_spooled: Make, spool: Path) -> None:
    app = make_spooled("redis://127.0.0.1:1/0", spool={"enabled": False}, redis={"push_deadline_s": 0.2})
    with pytest.raises(EnqueueUncertain):
        app.job(name="note")(note).enqueue(1)
    assert not spool.exists()


def test_a_full_spool_is_a_clear_error_that_can_be_repeated(make_spooled: Make, raw: Any, redis_url: str) -> None:
    proxy = Proxy(redis_url)
    app = make_spooled(proxy.url, spool={"most_jobs": 1})
    job = app.job(name="note")(note)
    proxy.cut()
    job.enqueue(1)
    with pytest.raises(EnqueueUncertain, match="is full: it has 1 jobs") as caught:
        job.enqueue(2)
    proxy.mend()
    assert caught.value.again() == caught.value.jids
    until(lambda: sorted(numbers(raw)) == [1, 2], 20)
    proxy.close()


class OnlyOnce(Effect):
    """Refuses a job whose ``once`` is taken."""

    fields = frozenset({"once"})
    lua = """
    return {
      admit = function(c) if redis.call('EXISTS', c.keys[1]) == 1 then return 'taken' end end,
      run = function(c) redis.call('SET', c.keys[1], '1') end,
    }
    """

    def ask(self, move: Move) -> Any:
        return ((f"{move.keys.prefix}once",), ()) if move.kind == PUSH else None


class Once(Edition):
    """Has that effect."""

    name = "once"

    def install(self, app: App) -> None:
        app.job_options.add("once", OptionSpec("once", self.name, bool), by=self.name)
        app.effects.add("once", OnlyOnce(), by=self.name)


def test_effects_are_done_when_it_is_delivered_and_what_they_refuse_is_dropped(
    make_app: Make, raw: Any, redis_url: str, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = Proxy(redis_url)
    pro = {"spool": {"folder": str(spool), "after_s": 0.2}}
    app = make_app(proxy.url, editions=[ProEdition(license="evaluation"), Once()], pro=pro)
    job = app.job(name="note", once=True)(note)
    proxy.cut()
    first, second = job.enqueue(1), job.enqueue(2)
    assert first is not None
    app.job(name="plain")(note).enqueue(3)
    proxy.lose_reply(1)
    with caplog.at_level(logging.INFO, "offsider.pro"):
        proxy.mend()
        until(lambda: is_empty(app, spool), 20)
    assert numbers(raw) == [1, 3]
    assert f"1 of the jobs {second} were refused in Redis, and are dropped" in caplog.text
    proxy.close()
