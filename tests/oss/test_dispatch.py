"""A job that runs where it is called goes the whole way but Redis: arguments, client and server middleware."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from offsider import CONTEXT, App, Context
from offsider.contract.middleware import ClientMiddleware, NextAsync, NextPush, NextSync, ServerMiddleware
from offsider.contract.work import Hold
from offsider.errors import InvalidArguments, JobError, JobHeld, NotJson
from offsider.job.push import PushRequest


@pytest.fixture
def app() -> App:
    """An app whose Redis nobody runs: nothing here may need it."""
    return App("redis://127.0.0.1:1/0", editions=[], redis={"push_deadline_s": 0.05})


class Client(ClientMiddleware):
    """Calls a function with each record; stops when that returns False."""

    def __init__(self, change: Callable[[dict[str, Any]], object]) -> None:
        self._change = change

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        return None if self._change(request.record) is False else next(request)


class Server(ServerMiddleware):
    """Notes what it sees."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def call(self, execution: Any, next: NextSync) -> Any:
        self.seen.append(execution)
        return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        self.seen.append(execution)
        return await next(execution)


def run(app: App, kind: str, **options: Any) -> Any:
    """Run a job of one kind inline with the arguments ``2, b=3``."""

    def add(a: int, *, b: int = 0) -> int:
        return a + b

    async def aadd(a: int, *, b: int = 0) -> int:
        return a + b

    if kind == "def":
        return app.job(name="add", **options)(add).inline(2, b=3)

    async def whole() -> Any:
        waiting: Any = app.job(name="add", **options)(aadd).inline(2, b=3)
        assert inspect.isawaitable(waiting)
        return await waiting

    return asyncio.run(whole())


KINDS = pytest.mark.parametrize("kind", ["def", "async def"])


@KINDS
def test_the_result_of_the_body_is_returned_without_any_server(kind: str, app: App) -> None:
    assert run(app, kind) == 5


@KINDS
def test_client_middleware_may_change_what_runs(kind: str, app: App) -> None:
    app.client_middleware.add("double", Client(lambda record: record.update(args=[record["args"][0] * 10])))
    assert run(app, kind) == 23


@KINDS
def test_a_job_that_client_middleware_stops_does_not_run(kind: str, app: App) -> None:
    server = Server()
    app.client_middleware.add("stop", Client(lambda record: False))
    app.server_middleware.add("see", server)
    assert run(app, kind) is None
    assert server.seen == []


@KINDS
def test_server_middleware_sees_the_job_as_a_worker_would_show_it(kind: str, app: App) -> None:
    server = Server()
    app.server_middleware.add("see", server)
    run(app, kind, queue="mail", tags=["x"])
    (execution,) = server.seen
    assert (execution.queue, execution.job.name) == ("mail", "add")
    assert (execution.args, execution.kwargs) == ([2], {"b": 3})
    assert execution.jid == execution.record["jid"]
    assert len(execution.jid) == 24
    assert execution.record["tags"] == ["x"]


@KINDS
def test_server_middleware_is_nested_with_the_first_outermost(kind: str, app: App) -> None:
    way: list[str] = []

    class Step(ServerMiddleware):
        """Notes when it is entered."""

        def __init__(self, name: str) -> None:
            self._name = name

        def call(self, execution: Any, next: NextSync) -> Any:
            way.append(self._name)
            return next(execution) * 2

        async def acall(self, execution: Any, next: NextAsync) -> Any:
            way.append(self._name)
            return await next(execution) * 2

    app.server_middleware.add("a", Step("a"))
    app.server_middleware.add("b", Step("b"))
    assert run(app, kind) == 20
    assert way == ["a", "b"]


@KINDS
def test_a_job_that_is_held_cannot_wait_here_and_its_caller_is_told(kind: str, app: App) -> None:
    class Closed(ServerMiddleware):
        """Lets nothing through."""

        def call(self, execution: Any, next: NextSync) -> Any:
            raise Hold("the shop is closed", delay_s=600)

        async def acall(self, execution: Any, next: NextAsync) -> Any:
            raise Hold("the shop is closed", delay_s=600)

    app.server_middleware.add("closed", Closed())
    with pytest.raises(JobHeld, match=r"job 'add' was called inline .* the shop is closed\. Enqueue it"):
        run(app, kind)


@KINDS
def test_a_job_that_needs_an_edition_does_not_run_inline_without_it(kind: str, app: App) -> None:
    app.client_middleware.add("needs", Client(lambda record: record.update(needs=["acme"])))
    with pytest.raises(JobHeld, match=r"the edition 'acme', which is not installed in this process"):
        run(app, kind)


def test_an_error_of_the_body_is_the_callers(app: App) -> None:
    @app.job(name="fail")
    def fail() -> None:
        raise LookupError("no such user")

    @app.job(name="afail")
    async def afail() -> None:
        raise LookupError("no such user")

    async def whole() -> None:
        await afail.inline()

    with pytest.raises(LookupError, match="no such user"):
        fail.inline()
    with pytest.raises(LookupError, match="no such user"):
        asyncio.run(whole())


def test_arguments_make_the_round_trip_of_a_queue(app: App) -> None:
    seen: list[Any] = []

    @app.job(name="typed")
    def typed(user: UUID, price: Decimal, when: datetime, names: list[str]) -> None:
        seen.extend((user, price, when, names))

    given = (uuid4(), Decimal("1.10"), datetime(2026, 1, 2, 3, 4, tzinfo=UTC), ["a"])
    typed.inline(*given)
    assert tuple(seen) == given
    assert [type(one) for one in seen] == [UUID, Decimal, datetime, list]
    assert seen[3] is not given[3], "what a job changes is its own, as it would be in a worker"


def test_a_call_that_no_queue_would_take_is_refused(app: App) -> None:
    @app.job(name="anything")
    def anything(value: Any) -> None:
        """Takes what JSON can carry."""

    with pytest.raises(NotJson):
        anything.inline({1, 2})
    with pytest.raises(InvalidArguments):
        anything.inline()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "value",
    [(1, 2), datetime(2026, 1, 1, tzinfo=UTC), {1}, float("nan"), UUID(int=1)],
    ids=["tuple", "datetime", "set", "nan", "uuid"],
)
def test_what_client_middleware_breaks_is_refused_as_a_push_would_refuse_it(value: object, app: App) -> None:
    app.client_middleware.add("break", Client(lambda record: record.update(meta=[value])))

    @app.job(name="nothing")
    def nothing() -> None:
        """Enqueued or run here, the same is refused."""

    with pytest.raises(NotJson, match=r"job\.meta\[0\] is "):
        nothing.enqueue()
    with pytest.raises(NotJson, match=r"job\.meta\[0\] is "):
        nothing.inline()


def test_a_name_that_no_queue_has_is_refused_as_a_push_would_refuse_it(app: App) -> None:
    app.client_middleware.add("route", Client(lambda record: record.update(queue="a b")))

    @app.job(name="nothing")
    def nothing() -> None:
        """Has no queue."""

    with pytest.raises(JobError):
        nothing.inline()


def test_a_context_is_filled_in(app: App) -> None:
    @app.job(name="resize", queue="images")
    def resize(path: str, ctx: Context = CONTEXT) -> Context:
        ctx.progress(1, 2, "reading")
        ctx.check()
        return ctx

    context = resize.using(tags=["a", "b"]).inline("x.png")
    assert context is not CONTEXT
    assert (context.name, context.queue, context.attempt) == ("resize", "images", 0)
    assert len(context.jid) == 24
    assert not context.stopping
    assert context.still_ours()


def test_a_context_has_the_tags_of_the_call(app: App) -> None:
    @app.job(name="resize", tags=["a"])
    def resize(ctx: Context = CONTEXT) -> tuple[str, ...]:
        return ctx.tags

    assert resize.inline() == ("a",)
    assert resize.using(tags=["a", "b"]).inline() == ("a", "b")


def test_a_context_is_filled_in_for_a_job_of_the_loop(app: App) -> None:
    @app.job(name="resize", queue="images")
    async def resize(path: str, *, ctx: Context = CONTEXT) -> tuple[str, str]:
        return ctx.name, ctx.queue

    async def whole() -> tuple[str, str]:
        return await resize.inline("x.png")

    assert asyncio.run(whole()) == ("resize", "images")


def test_a_job_with_a_delay_runs_at_once(app: App) -> None:
    @app.job(name="now")
    def now() -> str:
        return "ran"

    assert now.using(delay=timedelta(days=1)).inline() == "ran"


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_pushes_of_both_kinds_reach_the_server(many: bool, redis_url: str, raw: redis.Redis) -> None:
    app = App(redis_url, editions=[])

    @app.job(name="add")
    def add(a: int) -> None:
        """Enqueued from both sides."""

    async def whole() -> Any:
        found = await (add.aenqueue_many([(1,), (2,)]) if many else add.aenqueue(1))
        await app.aclose()
        return found

    jids: Any = add.enqueue_many([(1,), (2,)]) if many else add.enqueue(1)
    ajids = asyncio.run(whole())
    expected = 4 if many else 2
    assert raw.llen("{offsider}:queue:default") == expected
    assert len({*(jids if many else [jids]), *(ajids if many else [ajids])}) == expected
    app.close()
