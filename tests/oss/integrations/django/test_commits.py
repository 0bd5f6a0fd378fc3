"""After a commit: one push for all of a transaction, whatever becomes of other hooks, and none of them lost by ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from offsider import App, EnqueueUncertain


@pytest.fixture(autouse=True)
def _without_outbox(jobs: ModuleType) -> Iterator[None]:
    from django.test import override_settings

    with override_settings(OFFSIDER={"outbox": False}):
        yield


def waiting(app: App, raw: Any) -> int:
    """How many jobs are in the queue."""
    return int(raw.llen(app.keys.queue("site")))


class Pushes:
    """A pusher that notes each push, and fails when it is to."""

    def __init__(self, pusher: Any, failure: Exception | None = None) -> None:
        self.pusher = pusher
        self.failure = failure
        self.sizes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pusher, name)

    def push_many(self, requests: Any, batch_size: int) -> Any:
        """Note how many."""
        if self.failure is not None:
            raise self.failure
        self.sizes.append(len(requests))
        return self.pusher.push_many(requests, batch_size)


def fail() -> None:
    raise ZeroDivisionError("somebody else's hook")


def in_a_transaction(*steps: Callable[[], object]) -> None:
    """Do these, and commit."""
    from django.db import transaction

    with transaction.atomic():
        for step in steps:
            step()


def on_commit(hook: Callable[[], object]) -> Callable[[], object]:
    """A step: register somebody else's hook."""
    from django.db import transaction

    return lambda: transaction.on_commit(hook)


def note(jobs: ModuleType, *texts: str) -> Callable[[], object]:
    """A step: enqueue jobs, one by one."""
    return lambda: [jobs.note.enqueue(text) for text in texts]


def test_a_hook_of_somebody_else_that_fails_loses_no_job(app: App, jobs: ModuleType, raw: Any) -> None:
    many = lambda: jobs.note.enqueue_many([("c",), ("d",)])  # noqa: E731
    with pytest.raises(ZeroDivisionError):
        in_a_transaction(note(jobs, "a"), on_commit(fail), note(jobs, "b"), many)
    assert waiting(app, raw) == 4


def test_a_push_in_doubt_loses_no_hook_of_others_and_is_raised_to_who_commits(app: App, jobs: ModuleType) -> None:
    async def aagain() -> list[str | None]:
        return []

    ran: list[str] = []
    doubt = EnqueueUncertain("no answer", ["a", "b"], again=list, aagain=aagain)
    with app.divert(lambda pusher: Pushes(pusher, doubt)):
        before, after = (on_commit(partial(ran.append, name)) for name in ("before", "after"))
        with pytest.raises(EnqueueUncertain, match="no answer"):
            in_a_transaction(before, note(jobs, "a"), after, note(jobs, "b"))
    assert ran == ["before", "after"]


def test_all_that_a_transaction_has_enqueued_is_one_push_without_what_a_savepoint_has_dropped(
    app: App, jobs: ModuleType, raw: Any
) -> None:
    from django.db import transaction

    with app.divert(Pushes) as pushes, transaction.atomic():
        jobs.note.enqueue("a")
        with pytest.raises(ZeroDivisionError):
            in_a_transaction(note(jobs, "dropped"), fail)
        with transaction.atomic():
            jobs.note.enqueue("b")
        jobs.note.enqueue("c")
    noted: Any = pushes
    assert noted.sizes == [3]
    assert waiting(app, raw) == 3


def test_the_next_transaction_of_a_connection_begins_with_nothing(app: App, jobs: ModuleType, raw: Any) -> None:
    for count in (1, 2):
        with pytest.raises(ZeroDivisionError):
            in_a_transaction(note(jobs, "a"), on_commit(fail))
        assert waiting(app, raw) == count
    with pytest.raises(ZeroDivisionError):
        in_a_transaction(note(jobs, "dropped"), fail)
    in_a_transaction(on_commit(list))
    assert waiting(app, raw) == 2


def test_a_job_that_a_hook_enqueues_is_pushed_at_once_or_with_its_own_transaction(
    app: App, jobs: ModuleType, raw: Any
) -> None:
    from django.db import transaction

    seen: list[int] = []

    def hook() -> None:
        jobs.note.enqueue("at once")
        seen.append(waiting(app, raw))
        with transaction.atomic():
            jobs.note.enqueue("in its own")
        seen.append(waiting(app, raw))

    with transaction.atomic():
        jobs.note.enqueue("outer")
        transaction.on_commit(hook)
    assert (seen, waiting(app, raw)) == ([1, 2], 3)


def test_tests_that_never_commit_run_our_hooks_one_by_one(app: App, jobs: ModuleType, raw: Any) -> None:
    from django.test import TestCase

    def capture() -> None:
        with TestCase.captureOnCommitCallbacks(execute=True) as hooks:
            note(jobs, "a", "b")()
        assert (len(hooks), waiting(app, raw)) == (2, 2)

    with pytest.raises(ZeroDivisionError):
        in_a_transaction(capture, fail)
