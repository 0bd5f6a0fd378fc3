"""Celery's queues are drained: each message once, in order, whatever dies in between; what cannot move is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offsider import App, OptionSpec
from offsider.contract.edition import Edition
from offsider.contract.middleware import ClientMiddleware
from offsider.errors import InvalidArguments
from offsider.integrations.celery import Drain
from offsider.testing import Crash

from .test_messages import HEADERS, message

ASIDE, LEFT = "celery.offsider", "celery.offsider-left"


def task(number: int, name: str = "shop.add", **headers: Any) -> bytes:
    return message([[number], {}, {}], {**HEADERS, "task": name, "id": f"id{number}", **headers})


@pytest.fixture
def shop(app: App) -> App:
    @app.job(name="shop.add", queue="sums")
    def add(number: int) -> None:
        """Never run here."""

    return app


@pytest.fixture
def drain(shop: App, redis_url: str) -> Iterator[Drain]:
    one = Drain(shop, redis_url, names={"old.add": "shop.add"})
    yield one
    one.close()


def numbers(raw: Any) -> list[int]:
    """The arguments of the jobs in our queue, what is taken next first."""
    return [json.loads(one)["args"][0] for one in raw.lrange("{offsider}:queue:sums", 0, -1)[::-1]]


def test_messages_become_jobs_in_their_order_the_urgent_ones_first(drain: Drain, raw: Any) -> None:
    raw.lpush("celery", *(task(number) for number in range(3)))
    raw.lpush("celery\x06\x163", task(3))
    raw.lpush("celery\x06\x169", task(4, "old.add"))
    raw.hset("unacked", "tag", "held")
    done = drain.look("celery")
    assert (done.moved, done.unacked, raw.llen("celery"), numbers(raw)) == ({"shop.add": 4, "old.add": 1}, 1, 3, [])
    assert drain.move("celery").to_dict() == done.to_dict()
    assert numbers(raw) == [0, 1, 2, 3, 4]
    assert raw.exists("celery", "celery\x06\x163", ASIDE, LEFT) == 0


def test_times_are_kept_and_what_has_expired_is_not_run(drain: Drain, raw: Any) -> None:
    raw.lpush("celery", task(1, eta="2040-01-01T00:00:00+00:00"), task(2, expires="2020-01-01T00:00:00+00:00"))
    assert drain.move("celery").left == {("shop.add", "it has expired"): 1}
    ((_member, score),) = raw.zrange("{offsider}:schedule", 0, -1, withscores=True)
    assert score == 2208988800.0


def test_what_expires_later_does_so_as_a_job_where_jobs_can(
    make_app: Callable[..., App], redis_url: str, raw: Any
) -> None:
    class Expiry(Edition):
        name = "expiry"
        contract = 1

        def install(self, app: App) -> None:
            app.job_options.add("expires_in", OptionSpec("expires_in", self.name, float), by=self.name)

    hour = datetime.now(UTC) + timedelta(hours=1)
    messages = [
        task(1),
        task(2, expires=hour.isoformat()),
        task(3, expires=(hour + timedelta(minutes=1)).isoformat(), eta=hour.isoformat()),
        task(4, expires=hour.isoformat(), eta=(hour + timedelta(minutes=1)).isoformat()),
    ]
    for editions, expiries in (([Expiry()], [None, 3600, 60]), ([], [None, None, None])):
        app = make_app(editions=editions)
        app.job(name="shop.add", queue="sums")(lambda number: None)
        raw.lpush("celery", *messages)
        drain = Drain(app, redis_url)
        assert drain.move("celery").left == {("shop.add", "it expires before its eta"): 1}
        drain.close()
        jobs = [*raw.lrange("{offsider}:queue:sums", 0, -1), *raw.zrange("{offsider}:schedule", 0, -1)]
        records = sorted(map(json.loads, jobs), key=lambda one: one["args"][0])
        assert [one["args"] for one in records] == [[1], [2], [3]]
        assert [one.get("expires_in") for one in records] == [one and pytest.approx(one, abs=30) for one in expiries]
        raw.flushdb()  # with what Redis knows of these messages


def test_what_a_push_refuses_is_kept_and_holds_up_no_other(shop: App, drain: Drain, raw: Any) -> None:
    class NoOdd(ClientMiddleware):
        """Refuses odd numbers."""

        def push(self, request: Any, next: Any) -> Any:
            if request.record["args"][0] % 2:
                raise InvalidArguments("odd")
            return next(request)

    shop.client_middleware.add("no odd", NoOdd())
    raw.lpush("celery", *(task(number) for number in range(4)))
    done = drain.move("celery")
    assert (done.moved, done.left) == ({"shop.add": 2}, {("shop.add", "odd"): 2})
    assert raw.lrange(LEFT, 0, -1)[::-1] == [task(1), task(3)]
    assert numbers(raw) == [0, 2]
    assert not raw.exists(ASIDE)


def test_what_cannot_become_a_job_is_kept_with_its_bytes_and_told_with_its_reason(drain: Drain, raw: Any) -> None:
    wrong = [task(1, "shop.gone"), b"garbage", message([["one"], {}, {}])]
    raw.lpush("celery", *wrong, task(2))
    done = drain.move("celery")
    reasons = sorted((name, reason.partition(":")[0]) for name, reason in done.left)
    assert reasons == [
        ("?", "it is no JSON"),
        ("shop.add", "job 'shop.add'"),
        ("shop.gone", "the app has no job 'shop.gone'"),
    ]
    assert sorted(raw.lrange(LEFT, 0, -1)) == sorted(wrong)
    assert numbers(raw) == [2]


@pytest.mark.parametrize("command", ["RPOPLPUSH", "push", "LREM", "LPUSH"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_whenever_it_dies_the_next_run_goes_on_and_puts_nothing_twice(
    shop: App, redis_url: str, raw: Any, monkeypatch: pytest.MonkeyPatch, command: str, when: str
) -> None:
    raw.lpush("celery", task(1), b"garbage", task(2))
    dying = Drain(shop, redis_url)
    client: Any = shop.client
    owner: Any = client if command == "push" else dying._wire
    name = "push_once" if command == "push" else "command"
    call = getattr(owner, name)

    def fatal(*words: Any, **given: Any) -> Any:
        if command not in ("push", words[0]):
            return call(*words, **given)
        if when == "after":
            call(*words, **given)
        raise Crash(command)

    monkeypatch.setattr(owner, name, fatal)
    with pytest.raises(Crash):
        dying.move("celery")
    monkeypatch.undo()
    dying.close()
    again = Drain(shop, redis_url)
    again.move("celery")
    again.close()
    assert numbers(raw) == [1, 2]
    assert set(raw.lrange(LEFT, 0, -1)) == {b"garbage"}
    assert raw.exists("celery", ASIDE) == 0


def test_a_task_that_celery_has_tried_again_under_its_id_is_another_message(drain: Drain, raw: Any) -> None:
    raw.lpush("celery", task(1))
    drain.move("celery")
    raw.lpush("celery", task(1, retries=1))
    drain.move("celery")
    assert numbers(raw) == [1, 1]


def test_celerys_redis_may_be_another_one_and_ours_may_have_shards(
    make_app: Callable[..., App], make_server: Callable[..., Any], raw: Any
) -> None:
    server = make_server("--appendonly", "no")
    celery = server.client()
    celery.lpush("celery", task(1))
    app = make_app(shards={"eu": {"namespace": "eu", "queues": ["sums"]}})
    app.job(name="shop.add", queue="sums")(lambda number: None)
    drain = Drain(app, server.url)
    assert drain.move("celery").moved == {"shop.add": 1}
    drain.close()
    celery.close()
    assert raw.llen("{eu}:queue:sums") == 1
