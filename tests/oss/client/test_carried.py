"""Context variables travel with a job: through inline runs, Redis, retries, and from job to job."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import pytest

from offsider import App, Retry
from offsider.contract.middleware import ServerMiddleware
from offsider.errors import DuplicateName, InvalidArguments, InvalidName, InvalidOption, NotJson, SeamClosed
from offsider.testing import fake
from offsider.worker.worker import Worker

tenant: ContextVar[Any] = ContextVar("tenant", default="nobody")
user: ContextVar[Any] = ContextVar("user")
locale: ContextVar[str] = ContextVar("locale", default="en")


@pytest.fixture
def app() -> App:
    """An app whose Redis nobody runs."""
    return App("redis://127.0.0.1:1/0", editions=[])


def within(call: Callable[[], Any], **values: Any) -> Any:
    """Call something in a context of its own with these values."""
    context = contextvars.Context()
    variables: dict[str, ContextVar[Any]] = {"tenant": tenant, "user": user, "locale": locale}
    for name, value in values.items():
        context.run(variables[name].set, value)
    return context.run(call)


def test_a_value_is_written_at_enqueue_and_set_in_the_run(app: App) -> None:
    app.context.add("tenant", tenant)
    seen: list[Any] = []

    @app.job
    def look() -> None:
        seen.append(tenant.get())

    @app.job
    async def alook() -> None:
        seen.append(tenant.get())

    with fake(app) as jobs:
        within(look.enqueue, tenant={"id": 7})
        within(alook.enqueue, tenant="acme")
        assert [job.record["context"] for job in jobs] == [{"tenant": {"id": 7}}, {"tenant": "acme"}]
        jobs.drain()
    assert seen == [{"id": 7}, "acme"]
    assert tenant.get() == "nobody"


def test_what_is_not_set_is_not_written(app: App) -> None:
    app.context.add("tenant", tenant)
    app.context.add("user", user)

    @app.job
    def look() -> None: ...

    with fake(app) as jobs:
        within(look.enqueue)
        within(look.enqueue, user=None)
        assert "context" not in jobs.jobs[0].record
        assert jobs.jobs[1].record["context"] == {"user": None}


def test_the_locale_has_sidekiqs_field(app: App) -> None:
    app.context.add("locale", locale)
    seen: list[str] = []

    @app.job
    def look() -> None:
        seen.append(locale.get())

    with fake(app) as jobs:
        within(look.enqueue, locale="de")
        assert jobs.jobs[0].record["locale"] == "de"
        assert "context" not in jobs.jobs[0].record
        jobs.drain()
    assert seen == ["de"]


def test_a_type_comes_back(app: App) -> None:
    app.context.add("user", user, type=UUID)
    seen: list[Any] = []

    @app.job
    def look() -> None:
        seen.append(user.get())

    with fake(app) as jobs:
        within(look.enqueue, user=UUID(int=7))
        jobs.drain()
        with pytest.raises(InvalidArguments, match=r"context\.user"):
            within(look.enqueue, user="seven")
    assert seen == [UUID(int=7)]


def test_a_value_that_json_cannot_carry_is_told_with_its_path(app: App) -> None:
    app.context.add("user", user)

    @app.job
    def look() -> None: ...

    with fake(app), pytest.raises(NotJson, match=r"job\.context\.user"):
        within(look.enqueue, user={1})


def test_a_job_that_is_enqueued_by_a_job_has_its_values(app: App) -> None:
    app.context.add("tenant", tenant)
    seen: list[Any] = []

    @app.job
    def outer() -> None:
        inner.enqueue()
        token = tenant.set("beta")
        inner.enqueue()
        tenant.reset(token)

    @app.job
    def inner() -> None:
        seen.append(tenant.get())

    with fake(app) as jobs:
        within(outer.enqueue, tenant="acme")
        jobs.drain()
    assert seen == ["acme", "beta"]


def test_fields_of_others_pass_and_unknown_names_are_ignored(app: App) -> None:
    app.context.add("tenant", tenant)
    seen: list[Any] = []

    class Ruby(ServerMiddleware):
        only = "sync"

        def call(self, execution: Any, next: Any) -> Any:
            seen.append((tenant.get(), execution.record["cattr"], execution.record["traceparent"]))
            return next(execution)

    app.server_middleware.add("ruby", Ruby())

    @app.job(name="look")
    def look() -> None:
        raise ValueError

    record = {
        "class": "look", "args": [], "jid": "1", "queue": "default", "retry": True, "created_at": 1,
        "cattr": {"user": {"_aj_globalid": "gid://app/User/1"}}, "traceparent": "00-1-2-01",
        "context": {"tenant": "acme", "gone": 1},
    }  # fmt: skip
    with fake(app) as jobs:
        request = look.request()
        request.record.clear()
        request.record.update(record)
        app.pusher.push(request)
        jobs.run_one()
        (retry,) = jobs.retries
        assert {key: retry.record[key] for key in ("cattr", "traceparent", "context")} == {
            key: record[key] for key in ("cattr", "traceparent", "context")
        }
    assert seen == [("acme", record["cattr"], record["traceparent"])]


def test_an_inline_run_leaves_the_callers_values(app: App) -> None:
    app.context.add("tenant", tenant)

    @app.job
    def change() -> str:
        found = str(tenant.get())
        tenant.set("changed")
        return found

    def both() -> tuple[str, str]:
        return change.inline(), tenant.get()

    assert within(both, tenant="acme") == ("acme", "acme")


def test_nothing_is_registered_until_there_is_a_variable(app: App) -> None:
    assert app.client_middleware.extended().compile() == []
    app.context.add("tenant", tenant)
    app.context.add("user", user)
    assert len(app.client_middleware.extended().compile()) == 1
    assert app.context.names == ["tenant", "user"]


def test_what_cannot_travel_is_refused(app: App) -> None:
    app.context.add("tenant", tenant)
    with pytest.raises(DuplicateName):
        app.context.add("tenant", user)
    with pytest.raises(InvalidOption, match="expected a ContextVar"):
        app.context.add("user", "user")  # type: ignore[arg-type]
    with pytest.raises(InvalidName):
        app.context.add("the user", user)
    late = App(editions=[])
    late.client_middleware.close()
    with pytest.raises(SeamClosed):
        late.context.add("tenant", tenant)


def test_a_retry_in_a_worker_has_the_first_value(
    make_app: Callable[..., App], start_worker: Callable[..., Worker], raw: Any
) -> None:
    app = make_app()
    app.context.add("tenant", tenant)
    seen: list[tuple[str, Any]] = []
    done = threading.Event()

    @app.job(name="plain")
    def plain() -> None:
        seen.append(("plain", tenant.get()))

    @app.job(name="slow", retry=Retry(delay=0.01))
    async def slow() -> None:
        await asyncio.sleep(0)
        seen.append(("slow", tenant.get()))
        if len(seen) < 3:
            raise ValueError
        done.set()

    contextvars.Context().run(plain.enqueue)
    within(slow.enqueue, tenant="acme")
    waiting = [json.loads(one) for one in raw.lrange(app.keys.queue("default"), 0, -1)]
    assert [one.get("context") for one in waiting] == [{"tenant": "acme"}, None]
    start_worker(app)
    assert done.wait(30)
    assert sorted(seen) == [("plain", "nobody"), ("slow", "acme"), ("slow", "acme")]


def test_what_does_not_fit_leaves_nothing_of_the_job_behind(app: App) -> None:
    app.context.add("tenant", tenant)
    app.context.add("user", user, type=UUID)
    record = {"context": {"tenant": "acme", "user": "nobody"}}
    with pytest.raises(InvalidArguments, match=r"context\.user"), app.context.restored(record):
        pass
    assert tenant.get() == "nobody"
