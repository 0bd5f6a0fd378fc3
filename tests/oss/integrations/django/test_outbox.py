"""The outbox in Django's database: rows of a transaction, brought into Redis once, whenever the relay dies."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from offsider import App
from offsider.integrations.outbox import Relay
from offsider.testing import Crash
from offsider.worker.worker import Worker
from support.relays import DEATHS, dying
from support.waiting import until


def table() -> Any:
    """A new one, as a new process would make it."""
    from offsider.integrations.django.outbox.table import DjangoTable

    return DjangoTable("default")


def rows() -> int:
    """How many are left."""
    from offsider.integrations.django.outbox.models import OutboxJob

    return int(OutboxJob.objects.count())


def write(jobs: ModuleType, *texts: str) -> None:
    """Enqueue in one transaction."""
    from django.db import transaction

    with transaction.atomic():
        for text in texts:
            jobs.note.enqueue(text)


def test_a_transaction_writes_rows_and_a_rollback_none(app: App, jobs: ModuleType, raw: Any) -> None:
    write(jobs, "a", "b")
    with pytest.raises(ZeroDivisionError):
        write_and_fail(jobs)
    assert (rows(), raw.llen(app.keys.queue("site"))) == (2, 0)


def write_and_fail(jobs: ModuleType) -> None:
    """A transaction that is rolled back."""
    from django.db import transaction

    with transaction.atomic():
        jobs.note.enqueue("never")
        raise ZeroDivisionError


def test_the_relay_brings_them_in_order_with_their_times(app: App, jobs: ModuleType, raw: Any) -> None:
    from django.db import transaction

    write(jobs, "a", "b")
    with transaction.atomic():
        jobs.note.using(delay=60).enqueue("later")
    relay = Relay(app, table())
    assert relay.bring() == 3
    assert relay.bring() == 0
    entries = raw.lrange(app.keys.queue("site"), 0, -1)[::-1]
    assert [text in entry for text, entry in zip((b'"a"', b'"b"'), entries, strict=True)] == [True, True]
    assert b"enqueued_at" in entries[0]
    assert raw.zcard(app.keys.schedule) == 1
    assert rows() == 0


@pytest.mark.parametrize("death", DEATHS)
def test_whenever_it_dies_each_job_is_put_once(app: App, jobs: ModuleType, raw: Any, death: str) -> None:
    write(jobs, "a", "b")
    with pytest.raises(Crash):
        Relay(*dying(app, table(), death)).bring()
    write(jobs, "c")
    successor = Relay(app, table())
    while successor.bring():
        pass
    entries = raw.lrange(app.keys.queue("site"), 0, -1)[::-1]
    assert [entry.split(b'"args":["')[1][:1] for entry in entries] == [b"a", b"b", b"c"]
    assert rows() == 0


def test_two_relays_repeat_each_other_harmlessly(app: App, jobs: ModuleType, raw: Any) -> None:
    write(jobs, "a", "b")
    first, second = table(), table()
    name, taken = first.take(None, "1" * 18, 500)
    other, again = second.take(None, "2" * 18, 500)
    assert (name, taken) == (other, again)
    for one in (first, second):
        assert Relay(app, one).bring() in (0, 2)
    assert raw.llen(app.keys.queue("site")) == 2


def test_a_worker_runs_a_relay(app: App, jobs: ModuleType, start_worker: Callable[..., Worker]) -> None:
    write(jobs, "by the worker")
    start_worker(app)
    until(lambda: jobs.ran == ["by the worker"], 20)
    write(jobs, "and another")
    until(lambda: len(jobs.ran) == 2, 20)
    until(lambda: rows() == 0, 20)
