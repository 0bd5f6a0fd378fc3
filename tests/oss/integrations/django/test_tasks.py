"""Django's own tasks are jobs: enqueued, delayed, retried, inside of a transaction, ``def`` and ``async def``."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from offsider import App
from offsider.testing import assert_enqueued, fake

pytest.importorskip("django")
try:
    from django import tasks as django_tasks
except ImportError:
    django_tasks = pytest.importorskip("django_tasks")

ran: list[Any] = []


@pytest.fixture
def made(app: App) -> Any:
    """The tasks of this module, made when the project is there."""
    ran.clear()
    if "add" not in globals():
        globals()["add"] = django_tasks.task(_add)
        globals()["aadd"] = django_tasks.task(queue_name="site")(_aadd)
        globals()["told"] = django_tasks.task(takes_context=True)(_told)
    return globals()


def _add(a: int, b: int = 0) -> int:
    ran.append(a + b)
    return a + b


async def _aadd(a: int) -> None:
    await asyncio.sleep(0)
    ran.append(a)


def _told(context: Any, a: int) -> None:
    ran.append((context.attempt, context.task_result.id, a))
    if context.attempt == 1:
        raise ValueError("the first time")


for name in ("add", "aadd", "told"):
    globals()[f"_{name}"].__qualname__ = name  # where the task itself is found


def test_a_task_is_a_job_with_its_queue_time_and_options(app: App, made: Any) -> None:
    with fake(app) as jobs:
        result = made["add"].enqueue(1, b=2)
        job = assert_enqueued(app.jobs["django.task"], queue="default", at=None)
        assert (result.id, result.status.value) == (job.jid, "READY")
        assert (job.record["retry"], job.record["display_class"]) == (3, result.task.module_path)
        from django.utils import timezone

        made["aadd"].using(run_after=timezone.now() + timedelta(hours=1)).enqueue(5)
        assert_enqueued(app.jobs["django.atask"], queue="site", at=timedelta(hours=1))
        assert jobs.drain() == 2
    assert ran == [3, 5]


def test_on_a_loop(app: App, made: Any) -> None:
    with fake(app) as jobs:
        assert asyncio.run(made["aadd"].aenqueue(7)).id == jobs.jobs[0].jid
        jobs.drain()
    assert ran == [7]


def test_a_task_knows_its_attempt_and_signals_tell_its_end(app: App, made: Any) -> None:
    from offsider.integrations.django.tasks import signals

    said: list[str] = []

    def note(sender: Any, task_result: Any, **_more: Any) -> None:
        said.append(task_result.status.value)

    for signal in (signals.task_enqueued, signals.task_started, signals.task_finished):
        signal.connect(note, dispatch_uid="test")
    with fake(app) as jobs:
        jid = made["told"].enqueue(5).id
        jobs.drain(raises=False)
    for signal in (signals.task_enqueued, signals.task_started, signals.task_finished):
        signal.disconnect(dispatch_uid="test")
    assert ran == [(1, jid, 5), (2, jid, 5)]
    assert said == ["READY", "RUNNING", "FAILED", "RUNNING", "SUCCESSFUL"]


def test_what_offsider_cannot_do_is_refused_by_django(made: Any) -> None:
    with pytest.raises(Exception, match="priority"):
        made["add"].using(priority=5)
    with pytest.raises(Exception, match="Queue 'other'"):
        made["add"].using(queue_name="other")


def test_it_waits_for_the_commit(app: App, made: Any, jobs: ModuleType, raw: Any) -> None:
    from django.db import transaction
    from django.test import override_settings

    with override_settings(OFFSIDER={"outbox": False}), transaction.atomic():
        made["add"].enqueue(1)
        assert raw.llen(app.keys.queue("default")) == 0
    assert raw.llen(app.keys.queue("default")) == 1


def test_a_path_that_is_no_task_any_more_is_told(app: App) -> None:
    from offsider.errors import InvalidArguments

    with pytest.raises(InvalidArguments, match="no task of Django any more"):
        app.jobs["django.task"].inline("os.path.join", [], {}, "default")
