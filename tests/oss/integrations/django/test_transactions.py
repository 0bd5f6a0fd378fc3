"""Inside of a Django transaction a push waits for the commit; a rollback, of a savepoint too, drops it."""

from __future__ import annotations

import asyncio
import contextlib
from types import ModuleType
from typing import Any

import pytest

from offsider import App
from offsider.testing import fake


@pytest.fixture(autouse=True)
def _without_outbox(jobs: ModuleType) -> Any:
    from django.test import override_settings

    with override_settings(OFFSIDER={"outbox": False}):
        yield


def rolled_back(call: Any) -> None:
    """Call something in a transaction, or a savepoint, that fails."""
    from django.db import transaction

    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        call()
        raise ZeroDivisionError


def waiting(app: App, raw: Any) -> int:
    """How many jobs are in the queue."""
    return int(raw.llen(app.keys.queue("site")))


def test_it_waits_for_the_commit_and_has_its_id_at_once(app: App, jobs: ModuleType, raw: Any) -> None:
    from django.db import transaction

    jobs.note.enqueue("outside")
    with transaction.atomic():
        jids = [jobs.note.enqueue("a"), *jobs.note.enqueue_many([("b",), ("c",)])]
        assert all(jids)
        with transaction.atomic():
            jobs.note.enqueue("d")
        assert waiting(app, raw) == 1
    assert waiting(app, raw) == 5


def test_a_rollback_drops_it(app: App, jobs: ModuleType, raw: Any) -> None:
    from django.db import transaction

    with transaction.atomic():
        rolled_back(lambda: jobs.note.enqueue("in the savepoint"))
        jobs.note.enqueue("kept")
    rolled_back(lambda: jobs.note.enqueue("dropped"))
    assert waiting(app, raw) == 1


def test_a_call_may_say_no(app: App, jobs: ModuleType, raw: Any) -> None:
    rolled_back(lambda: jobs.note.using(transaction=False).enqueue("at once"))
    assert waiting(app, raw) == 1


def test_jobs_in_memory_are_there_inside_of_a_transaction(app: App, jobs: ModuleType) -> None:
    from django.db import transaction

    with fake(app) as kept, transaction.atomic():
        jobs.note.enqueue("a")
        assert len(kept) == 1


def test_on_a_loop_there_is_no_transaction_and_it_is_pushed_at_once(app: App, jobs: ModuleType, raw: Any) -> None:
    from asgiref.sync import sync_to_async
    from django.db import transaction

    def in_a_transaction() -> None:
        with transaction.atomic():
            jobs.note.enqueue("on Django's thread")
            assert waiting(app, raw) == 1
        transaction.get_connection().close()

    async def main() -> None:
        await jobs.note.aenqueue("at once")
        await sync_to_async(in_a_transaction)()
        await app.aclose()

    asyncio.run(main())
    assert waiting(app, raw) == 2
