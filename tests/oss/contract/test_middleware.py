"""Middleware around pushing and around running: order, what it may change, what it may stop, what is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import redis

from offsider import App, Retry
from offsider.contract.middleware import ClientMiddleware, NextAsync, NextPush, NextSync, ServerMiddleware
from offsider.errors import InvalidName, NotJson, SeamError
from offsider.job.push import PushRequest
from offsider.worker.worker import Worker
from support.waiting import until

Start = Callable[..., Worker]
QUEUE = "{offsider}:queue:default"
RETRY = "{offsider}:retry"


class Changing(ClientMiddleware):
    """Calls a function with each record; stops the push when that returns False."""

    def __init__(self, change: Callable[[dict[str, Any]], object]) -> None:
        self._change = change

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        return None if self._change(request.record) is False else next(request)


class Noting(ServerMiddleware):
    """Notes when it is entered and left, around jobs of both kinds."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self._name = name
        self._seen = seen

    def call(self, execution: Any, next: NextSync) -> Any:
        self._seen.append(f"{self._name}+")
        try:
            return next(execution)
        finally:
            self._seen.append(f"{self._name}-")

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        self._seen.append(f"{self._name}+")
        try:
            return await next(execution)
        finally:
            self._seen.append(f"{self._name}-")


class Skipping(ServerMiddleware):
    """Never calls what follows."""

    def call(self, execution: Any, next: NextSync) -> Any:
        return None

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        return None


class Failing(ServerMiddleware):
    """Fails before each run."""

    def call(self, execution: Any, next: NextSync) -> Any:
        raise ConnectionError("no tenant")

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        raise ConnectionError("no tenant")


class OnlySync(ServerMiddleware):
    """Around ``def`` jobs, and says so."""

    only: ClassVar[str | None] = "sync"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def call(self, execution: Any, next: NextSync) -> Any:
        self.seen.append(execution.job.name)
        return next(execution)


class OnlyAsync(ServerMiddleware):
    """Around ``async def`` jobs, and says so."""

    only: ClassVar[str | None] = "async"

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        self.seen.append(execution.job.name)
        return await next(execution)


class HalfSync(ServerMiddleware):
    """Forgets the other kind."""

    def call(self, execution: Any, next: NextSync) -> Any:
        return next(execution)


class HalfAsync(ServerMiddleware):
    """Forgets the other kind."""

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        return await next(execution)


def two_jobs(app: App, ran: list[str], **options: Any) -> tuple[Any, Any]:
    """A ``def`` and an ``async def`` job that note that they ran."""

    @app.job(name="plain", **options)
    def plain() -> None:
        ran.append("plain")

    @app.job(name="loop", **options)
    async def loop() -> None:
        ran.append("loop")

    return plain, loop


def payloads(raw: redis.Redis) -> list[dict[str, Any]]:
    """What lies in the queue, the oldest first."""
    found: Any = raw.lrange(QUEUE, 0, -1)
    return [json.loads(one) for one in found[::-1]]


def all_settled(raw: redis.Redis, worker: Worker) -> bool:
    """Nothing waits, nothing is in flight."""
    return not raw.exists(QUEUE) and not raw.exists(f"{{offsider}}:inflight:{worker.identity}/default/1")


# -- around pushing --------------------------------------------------------------------------------------------------


def test_the_first_client_middleware_is_the_outermost(app: App, raw: redis.Redis) -> None:
    def stamp(name: str) -> Changing:
        return Changing(lambda record: record.setdefault("way", []).append(name))

    for name in "abc":
        app.client_middleware.add(name, stamp(name))
    plain, _loop = two_jobs(app, [])
    plain.enqueue()
    assert [one["way"] for one in payloads(raw)] == [["a", "b", "c"]]


def test_client_middleware_may_change_the_record_of_every_kind_of_push(app: App, raw: redis.Redis) -> None:
    app.client_middleware.add("tenant", Changing(lambda record: record.update(tenant="acme")))
    plain, loop = two_jobs(app, [])
    plain.enqueue()
    loop.enqueue_many([(), ()])
    plain.using(delay=60).enqueue()
    scheduled: Any = raw.zrange("{offsider}:schedule", 0, -1)
    assert [one["tenant"] for one in [*payloads(raw), *map(json.loads, scheduled)]] == ["acme"] * 4


def test_client_middleware_may_send_a_job_to_another_queue(app: App, raw: redis.Redis) -> None:
    app.client_middleware.add("route", Changing(lambda record: record.update(queue="slow")))
    plain, _loop = two_jobs(app, [])
    plain.enqueue()
    assert raw.llen("{offsider}:queue:slow") == 1
    assert raw.smembers("{offsider}:queues") == {b"slow"}


def test_client_middleware_may_stop_a_push_and_what_follows_does_not_see_it(app: App, raw: redis.Redis) -> None:
    inner: list[Any] = []
    app.client_middleware.add("even", Changing(lambda record: record["args"][0] % 2 == 0))
    app.client_middleware.add("inner", Changing(inner.append))

    @app.job(name="count")
    def count(n: int) -> None:
        """Only the even ones are pushed."""

    assert count.enqueue(1) is None
    jids = count.enqueue_many([(n,) for n in range(4)])
    assert [jid is not None for jid in jids] == [True, False, True, False]
    assert [one["jid"] for one in payloads(raw)] == [jids[0], jids[2]]
    assert [record["args"] for record in inner] == [[0], [2]]


def test_a_push_that_was_stopped_needs_no_server() -> None:
    app = App("redis://127.0.0.1:1/0", editions=[], redis={"push_deadline_s": 0.05})
    app.client_middleware.add("never", Changing(lambda record: False))
    plain, _loop = two_jobs(app, [])
    assert plain.enqueue() is None
    assert plain.enqueue_many([(), ()]) == [None, None]


@pytest.mark.parametrize(
    ("change", "error", "path"),
    [
        ({"tenant": {"ids": [1, {2}]}}, NotJson, r"job\.tenant\.ids\[1\] is \{2\} \(set\)"),
        ({"tenant": (1, 2)}, NotJson, r"job\.tenant is \(1, 2\) \(tuple\)"),
        ({"args": [float("nan")]}, NotJson, r"job\.args\[0\] is nan"),
        ({"meta": {1: 2}}, NotJson, r"job\.meta has the key 1"),
        ({"queue": "a b"}, InvalidName, "'a b' is no queue"),
    ],
)
def test_what_client_middleware_breaks_is_refused_with_its_path_before_any_request(
    change: dict[str, Any], error: type[Exception], path: str
) -> None:
    app = App("redis://127.0.0.1:1/0", editions=[], redis={"push_deadline_s": 0.05})  # nobody listens there
    app.client_middleware.add("break", Changing(lambda record: record.update(change)))
    plain, _loop = two_jobs(app, [])
    with pytest.raises(error, match=path):
        plain.enqueue()


def test_an_error_of_client_middleware_is_the_callers_and_nothing_is_pushed(app: App, raw: redis.Redis) -> None:
    def refuse(record: dict[str, Any]) -> None:
        if record["args"] == [2]:
            raise PermissionError("no tenant")

    app.client_middleware.add("refuse", Changing(refuse))

    @app.job(name="count")
    def count(n: int) -> None:
        """The third of the batch is refused."""

    with pytest.raises(PermissionError, match="no tenant"):
        count.enqueue_many([(0,), (1,), (2,)])
    assert raw.keys("*queue*") == [], "a trip is all or nothing"


# -- around running --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [0, 1], ids=["def", "async def"])
def test_the_first_server_middleware_is_the_outermost(
    kind: int, app: App, start_worker: Start, raw: redis.Redis
) -> None:
    seen: list[str] = []
    app.server_middleware.add("b", Noting("b", seen))
    app.server_middleware.add("c", Noting("c", seen))
    app.server_middleware.add("a", Noting("a", seen), before="b")
    job = two_jobs(app, seen)[kind]
    job.enqueue()
    worker = start_worker(app)
    until(lambda: all_settled(raw, worker))
    assert seen == ["a+", "b+", "c+", job.name, "c-", "b-", "a-"]


def test_not_calling_next_ends_a_job_without_running_it(app: App, start_worker: Start, raw: redis.Redis) -> None:
    ran: list[str] = []
    app.server_middleware.add("skip", Skipping())
    for job in two_jobs(app, ran):
        job.enqueue()
    worker = start_worker(app)
    until(lambda: all_settled(raw, worker))
    worker.stop()
    assert ran == []
    assert raw.zcard(RETRY) == raw.zcard("{offsider}:dead") == 0
    assert (raw.get("{offsider}:stat:processed"), raw.get("{offsider}:stat:failed")) == (b"2", None)


def test_an_error_of_server_middleware_is_the_jobs_and_it_is_retried(
    app: App, start_worker: Start, raw: redis.Redis
) -> None:
    ran: list[str] = []
    app.server_middleware.add("fail", Failing())
    for job in two_jobs(app, ran, retry=Retry(max=3, delay=3600)):
        job.enqueue()
    start_worker(app)
    until(lambda: raw.zcard(RETRY) == 2)
    found: Any = raw.zrange(RETRY, 0, -1)
    kept = [json.loads(one) for one in found]
    assert {(one["error_class"], one["error_message"], one["retry_count"]) for one in kept} == {
        ("ConnectionError", "no tenant", 0)
    }
    assert ran == []


def test_what_server_middleware_changes_in_the_record_is_not_kept(
    app: App, start_worker: Start, raw: redis.Redis
) -> None:
    class Changes(ServerMiddleware):
        """Puts something into the record, then the body fails."""

        only = "sync"

        def call(self, execution: Any, next: NextSync) -> Any:
            execution.record["secret"] = "plain"
            execution.record["args"] = [1]
            return next(execution)

    app.server_middleware.add("changes", Changes())

    @app.job(name="fail", retry=Retry(max=1, delay=3600))
    def fail() -> None:
        raise ValueError("no")

    fail.enqueue()
    start_worker(app)
    until(lambda: raw.zcard(RETRY) == 1)
    found: Any = raw.zrange(RETRY, 0, -1)
    record = json.loads(found[0])
    assert "secret" not in record
    assert record["args"] == []


def test_middleware_for_one_kind_of_job_leaves_the_other_alone(app: App, start_worker: Start, raw: redis.Redis) -> None:
    ran: list[str] = []
    sync, loop = OnlySync(), OnlyAsync()
    app.server_middleware.add("sync", sync)
    app.server_middleware.add("loop", loop)
    for job in two_jobs(app, ran):
        job.enqueue()
    worker = start_worker(app)
    until(lambda: all_settled(raw, worker))
    assert sorted(ran) == ["loop", "plain"]
    assert (sync.seen, loop.seen) == (["plain"], ["loop"])


def test_middleware_runs_where_its_job_runs(app: App, start_worker: Start) -> None:
    threads: dict[str, list[int]] = {"plain": [], "loop": []}
    done = threading.Barrier(3)

    class Where(ServerMiddleware):
        """Notes its thread."""

        def call(self, execution: Any, next: NextSync) -> Any:
            threads["plain"].append(threading.get_ident())
            return next(execution)

        async def acall(self, execution: Any, next: NextAsync) -> Any:
            threads["loop"].append(threading.get_ident())
            return await next(execution)

    app.server_middleware.add("where", Where())

    @app.job(name="plain")
    def plain() -> None:
        threads["plain"].append(threading.get_ident())
        done.wait(10)

    @app.job(name="loop")
    async def loop() -> None:
        import asyncio

        threads["loop"].append(threading.get_ident())
        await asyncio.to_thread(done.wait, 10)

    start_worker(app)
    plain.enqueue()
    loop.enqueue()
    done.wait(10)
    assert len(set(threads["plain"])) == len(set(threads["loop"])) == 1
    assert threads["plain"] != threads["loop"]


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (HalfSync(), "HalfSync defines call but not acall: define both, or set only = 'sync'"),
        (HalfAsync(), "HalfAsync defines acall but not call: define both, or set only = 'async'"),
    ],
)
def test_middleware_that_is_half_defined_is_refused_when_the_worker_is_built(
    link: ServerMiddleware, words: str, app: App
) -> None:
    app.server_middleware.add("half", link)
    with pytest.raises(SeamError, match=words):
        Worker(app)


def test_middleware_that_defines_nothing_passes_everything(app: App, start_worker: Start, raw: redis.Redis) -> None:
    ran: list[str] = []
    app.server_middleware.add("nothing", ServerMiddleware())
    app.client_middleware.add("nothing", ClientMiddleware())
    for job in two_jobs(app, ran):
        assert job.enqueue()
    worker = start_worker(app)
    until(lambda: all_settled(raw, worker))
    assert sorted(ran) == ["loop", "plain"]
