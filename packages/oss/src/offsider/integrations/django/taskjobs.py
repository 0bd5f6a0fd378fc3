"""The two jobs that Django's own tasks are: one for ``def``, one for ``async def``. Knows tasks only by their path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from ...errors import InvalidArguments
from ...job.context import CONTEXT, Context

if TYPE_CHECKING:
    from ...app import App

TASK = "django.task"
ASYNC_TASK = "django.atask"


def register(app: App) -> None:
    """Add them to an app; a second time does nothing."""
    if TASK not in app.jobs:
        app.job(name=TASK)(run_task)
        app.job(name=ASYNC_TASK)(arun_task)


def run_task(path: str, args: list[Any], kwargs: dict[str, Any], backend: str, ctx: Context = CONTEXT) -> Any:
    """Run a ``def`` task."""
    from .tasks import Attempt

    with Attempt(_task(path), args, kwargs, backend, ctx) as attempt:
        return attempt.end(attempt.task.func(*attempt.args, **kwargs))


async def arun_task(path: str, args: list[Any], kwargs: dict[str, Any], backend: str, ctx: Context = CONTEXT) -> Any:
    """Run an ``async def`` task."""
    from .tasks import Attempt

    with Attempt(_task(path), args, kwargs, backend, ctx) as attempt:
        return attempt.end(await attempt.task.func(*attempt.args, **kwargs))


def _task(path: str) -> Any:
    found = import_string(path)
    if not hasattr(found, "func") or not hasattr(found, "takes_context"):
        raise InvalidArguments(f"{path} is no task of Django any more: expected what its decorator `task` makes")
    return found
