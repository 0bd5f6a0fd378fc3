"""A job on its way to Redis, as client middleware sees it."""

from __future__ import annotations

from typing import Any

import pytest

from offsider import App
from offsider.contract.middleware import ClientMiddleware, NextPush
from offsider.dispatch import Dispatch
from offsider.job.push import Pusher, PushRequest
from support.wire import RECORD, Kept, make_job, taking


def test_a_middleware_may_change_the_record_and_the_time_but_add_nothing_to_the_request() -> None:
    request = PushRequest(dict(RECORD), None, make_job(taking(int), Kept()))
    request.record["tenant"] = "acme"
    request.at_s = 5.0
    with pytest.raises(AttributeError):
        request.tenant = "acme"  # type: ignore[attr-defined]


def test_a_request_says_which_job_it_is_of_and_when_it_is_due() -> None:
    kept = Kept()
    job = make_job(taking(int), kept)
    job.enqueue(5)
    job.using(at=7.5).enqueue(5)
    assert [(one.job, one.at_s) for one in kept.requests] == [(job, None), (job, 7.5)]
    assert all("enqueued_at" not in one.record for one in kept.requests)


def test_an_app_and_what_tests_put_in_its_place_have_every_verb_of_a_push_side() -> None:
    verbs = {name for name in vars(Pusher) if not name.startswith("_")}
    assert verbs == {"push", "apush", "push_many", "apush_many", "inline", "ainline"}
    for side in (Dispatch(App("redis://127.0.0.1:1", editions=[])), Kept()):
        assert all(callable(getattr(side, verb)) for verb in verbs)


def test_what_a_middleware_sees_is_what_the_job_is_pushed_with() -> None:
    seen: list[Any] = []

    class Look(ClientMiddleware):
        def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
            seen.append((request.record["args"], request.job.name))
            return None

    app = App("redis://127.0.0.1:1", editions=[])
    app.client_middleware.add("look", Look())
    job = app.job(name="look")(taking(int))
    assert job.enqueue(5) is None
    assert job.enqueue_many([(6,), {"a": 7}]) == [None, None]
    assert seen == [([5], "look"), ([6], "look"), ([7], "look")]
