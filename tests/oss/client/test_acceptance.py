"""Client middleware around every push: asked once for each job, and not trusted with what it changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

from offsider import App
from offsider.contract.middleware import ClientMiddleware, NextPush
from offsider.errors import InvalidName, NotJson, SeamClosed
from offsider.job.push import PushRequest
from support.loops import on_loop

Make = Callable[..., App]
NOWHERE = "redis://127.0.0.1:1/0"


def add(a: int) -> None:
    """A body that never runs here."""


def waiting(raw: redis.Redis) -> list[dict[str, Any]]:
    """The jobs of the queue, the next one first."""
    found: Any = raw.lrange("{offsider}:queue:default", 0, -1)
    return [json.loads(payload) for payload in reversed(found)]


class Stamp(ClientMiddleware):
    """Notes who was asked, and stops what it is told to."""

    def __init__(self, name: str, stop: Callable[[Any], bool] = lambda args: False) -> None:
        self.name, self.stop = name, stop

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        if self.stop(request.record["args"]):
            return None
        request.record.setdefault("path", []).append(self.name)
        return next(request)


def test_middleware_is_asked_once_for_each_job_in_its_order_whatever_the_verb(make_app: Make, raw: redis.Redis) -> None:
    app = make_app()
    app.client_middleware.add("b", Stamp("b"))
    app.client_middleware.add("a", Stamp("a"), before="b")
    job = app.job(name="add")(add)
    job.enqueue(1)
    job.enqueue_many([(2,), (3,)], batch_size=1)
    job.using(delay=100).enqueue(4)
    on_loop(app, job.aenqueue(5))
    on_loop(app, job.aenqueue_many([(6,)]))
    everything = waiting(raw) + [json.loads(one) for one in raw.zrange("{offsider}:schedule", 0, -1)]  # type: ignore[union-attr]
    assert len(everything) == 6
    assert all(one["path"] == ["a", "b"] for one in everything)


def test_a_stopped_job_has_no_jid_and_the_others_keep_their_places(make_app: Make, raw: redis.Redis) -> None:
    app = make_app()
    app.client_middleware.add("odd", Stamp("odd", stop=lambda args: args[0] % 2 == 1))
    job = app.job(name="add")(add)
    jids = job.enqueue_many([(number,) for number in range(5)], batch_size=2)
    assert [jid is None for jid in jids] == [False, True, False, True, False]
    assert [one["jid"] for one in waiting(raw)] == [jid for jid in jids if jid]
    assert job.enqueue(1) is None
    assert on_loop(app, job.aenqueue(1)) is None


def test_what_middleware_stops_needs_no_redis(make_app: Make) -> None:
    app = make_app(NOWHERE, redis={"push_deadline_s": 0.1})
    app.client_middleware.add("all", Stamp("all", stop=lambda args: True))
    job = app.job(name="add")(add)
    assert job.enqueue_many([(1,), (2,)]) == [None, None]


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [("queue", "a b", InvalidName), ("tenant", ("a",), NotJson), ("x", float("nan"), NotJson)],
)
def test_what_middleware_breaks_is_refused_and_nothing_is_put(
    make_app: Make, raw: redis.Redis, field: str, value: Any, error: type[Exception]
) -> None:
    class Break(ClientMiddleware):
        def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
            if request.record["args"] == [2]:
                request.record[field] = value
            return next(request)

    app = make_app()
    app.client_middleware.add("break", Break())
    with pytest.raises(error):
        app.job(name="add")(add).enqueue_many([(1,), (2,)])
    assert raw.dbsize() == 0


def test_nothing_more_can_be_added_once_a_job_was_pushed(make_app: Make) -> None:
    app = make_app()
    app.job(name="add")(add).enqueue(1)
    with pytest.raises(SeamClosed, match="registers the link 'late' at 'client_middleware'"):
        app.client_middleware.add("late", Stamp("late"))


def test_a_link_with_fields_stands_around_jobs_that_have_one_of_them(app: App, raw: Any) -> None:
    class OfTenants(ClientMiddleware):
        fields = frozenset({"tags"})

        def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
            request.record["seen"] = True
            return next(request)

    app.client_middleware.add("of tenants", OfTenants())
    job = app.job(name="job")(lambda: None)
    job.enqueue_many([()])
    job.using(tags=["acme"]).enqueue_many([()])
    found = [json.loads(payload) for payload in raw.lrange(app.keys.queue("default"), 0, -1)]
    assert [("tags" in one, "seen" in one) for one in found] == [(True, True), (False, False)]
