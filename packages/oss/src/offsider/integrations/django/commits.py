"""What a transaction has enqueued is pushed after its commit, when all other hooks have run: in one push.

Django runs the hooks of a commit one after the other, and drops the rest after one that raises. So ours are taken out,
and pushed at the end, whatever became of the others: their failure loses no job, and ours drops none of them. Where
hooks are called one by one, as tests do that never commit, each of ours pushes for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction

from ...job.push import PushRequest
from ..pushes import Pushes

if TYPE_CHECKING:
    from ...app import App

_OURS = "_offsider_commits"


class AtCommit:
    """A hook of ours, for what one call has enqueued."""

    def __init__(self, app: App, requests: Sequence[PushRequest]) -> None:
        self.app = app
        self.requests = requests

    def __call__(self) -> None:
        """Push it."""
        Pushes([(self.app, self.requests)]).go()


def at_commit(app: App, alias: str, requests: Sequence[PushRequest]) -> None:
    """Push requests once the transaction that is open is committed.

    Args:
        app: Whose.
        alias: Of the database.
        requests: What client middleware has accepted.
    """
    connection = connections[alias]
    if not hasattr(connection, _OURS):
        setattr(connection, _OURS, True)
        connection.run_and_clear_commit_hooks = _ours_last(connection, connection.run_and_clear_commit_hooks)
    transaction.on_commit(AtCommit(app, requests), using=alias)


def _ours_last(connection: Any, run_hooks: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        hooks: list[Any] = []
        ours: list[Any] = []
        for hook in connection.run_on_commit:  # (savepoints, function, …)
            (ours if isinstance(hook[1], AtCommit) else hooks).append(hook)
        connection.run_on_commit = hooks
        try:
            run_hooks()
        finally:
            Pushes((hook[1].app, hook[1].requests) for hook in ours).go()

    return run
