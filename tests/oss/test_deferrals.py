"""Pushes that wait for a transaction: who is asked, what is checked before, and what reaches Redis afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from offsider import App
from offsider.contract.middleware import ClientMiddleware, NextPush
from offsider.errors import InvalidArguments, InvalidOption, NotJson, SeamClosed
from offsider.job.push import PushRequest


class Transaction:
    """One that is open or not, and what waits for it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.is_open = False
        self.waiting: list[PushRequest] = []
        app.deferrals.add("test", lambda: self.take if self.is_open else None, by="the test")

    def take(self, requests: Sequence[PushRequest]) -> None:
        self.waiting += requests

    def commit(self) -> None:
        self.is_open = False
        self._app.pusher.push_many(self.waiting, 1000)
        self.waiting = []


class Count(ClientMiddleware):
    """Counts, and stops what it is told to."""

    def __init__(self) -> None:
        self.count = 0

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        self.count += 1
        request.record["seen"] = self.count
        return None if request.record["args"] == [13] else next(request)


@pytest.fixture
def transaction(app: App) -> Transaction:
    """The transaction of the app."""
    return Transaction(app)


def test_a_push_waits_and_its_id_is_there_at_once(app: App, transaction: Transaction, raw: Any) -> None:
    @app.job
    def add(n: int) -> None: ...

    queue = app.keys.queue("default")
    first = add.enqueue(1)
    assert raw.llen(queue) == 1, "none is open"
    transaction.is_open = True
    jids = [add.enqueue(2), *add.enqueue_many([(3,), (4,)])]
    later = add.using(delay=60).enqueue(5)
    assert raw.llen(queue) == 1
    transaction.commit()
    found = raw.lrange(queue, 0, -1)[::-1]
    assert [jid.encode() in entry for jid, entry in zip([first, *jids], found, strict=True) if jid] == [True] * 4
    assert later is not None
    assert later.encode() in raw.zrange(app.keys.schedule, 0, -1)[0]
    assert b"transaction" not in b"".join(found)


def test_on_a_loop_too(app: App, transaction: Transaction, raw: Any) -> None:
    @app.job
    async def add(n: int) -> None: ...

    async def main() -> None:
        transaction.is_open = True
        assert await add.aenqueue(1)
        assert len(await add.aenqueue_many([(2,), (3,)])) == 2
        assert await add.aenqueue_many([]) == []
        await add.using(transaction=False).aenqueue(4)
        await add.using(transaction=False).aenqueue_many([(5,)])
        assert raw.llen(app.keys.queue("default")) == 2
        await app.aclose()

    asyncio.run(main())
    assert len(transaction.waiting) == 3


def test_a_call_and_a_job_may_say_no(app: App, transaction: Transaction, raw: Any) -> None:
    @app.job
    def add(n: int) -> None: ...

    @app.job(transaction=False)
    def now() -> None: ...

    transaction.is_open = True
    add.using(transaction=False).enqueue(1)
    now.enqueue()
    now.enqueue_many([()])
    now.using(transaction=True).enqueue()
    assert raw.llen(app.keys.queue("default")) == 3
    assert len(transaction.waiting) == 1
    with pytest.raises(InvalidOption):
        add.using(transaction=1)  # type: ignore[arg-type]


def test_middleware_has_seen_it_once_and_may_stop_it(app: App, transaction: Transaction, raw: Any) -> None:
    count = Count()
    app.client_middleware.add("count", count)

    @app.job
    def add(n: int) -> None: ...

    transaction.is_open = True
    assert add.enqueue(13) is None
    assert [jid is None for jid in add.enqueue_many([(1,), (13,), (2,)])] == [False, True, False]
    transaction.commit()
    assert count.count == 4
    assert raw.llen(app.keys.queue("default")) == 2


def test_what_is_wrong_is_told_before_the_commit(app: App, transaction: Transaction) -> None:
    @app.job
    def add(n: Any, m: int = 0) -> None: ...

    transaction.is_open = True
    for bad, error in ((({1},), NotJson), ((1, "x"), InvalidArguments)):
        with pytest.raises(error):
            add.enqueue(*bad)
    assert transaction.waiting == []


def test_the_seam_is_closed_by_the_first_push(make_app: Callable[..., App]) -> None:
    app = make_app()

    @app.job
    def add() -> None: ...

    add.enqueue()
    with pytest.raises(SeamClosed):
        app.deferrals.add("late", lambda: None, by="the test")
