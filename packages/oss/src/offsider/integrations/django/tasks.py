"""The backend for Django's tasks: ``django.tasks`` of Django 6, ``django_tasks`` of its backport."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from inspect import iscoroutinefunction
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from django.utils import timezone

from ...errors import JobError
from ...job.context import Context
from .project import project_app
from .taskjobs import ASYNC_TASK, TASK, register

if TYPE_CHECKING:
    from ...app import App

# Before Django 6 there is the backport, under another name.
HOME = "django.tasks" if find_spec("django.tasks") else "django_tasks"
tasks: Any = import_module(f"{HOME}.base")
signals: Any = import_module(f"{HOME}.signals")
Backend: Any = import_module(f"{HOME}.backends.base").BaseTaskBackend


class OffsiderBackend(Backend):  # type: ignore[misc]
    """``TASKS = {"default": {"BACKEND": "offsider.integrations.django.tasks.OffsiderBackend"}}``.

    ``OPTIONS`` are job options: ``{"retry": 5, "timeout": 30}``. A task's queue and time are the job's, its id is the
    job's id, and inside of a transaction it waits for the commit.
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = False
    supports_priority = False

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self._app: App = project_app()
        register(self._app)

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Enqueue a task.

        Raises:
            JobError: A client middleware stopped it.
        """
        self.validate_task(task)
        call = self._call(task, args, kwargs)
        jid = self._job(task).enqueue(*call)
        return self._enqueued(task, jid, call)

    async def aenqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """`enqueue` on an event loop; never blocks it."""
        self.validate_task(task)
        call = self._call(task, args, kwargs)
        jid = await self._job(task).aenqueue(*call)
        return self._enqueued(task, jid, call)

    # -- steps -----------------------------------------------------------------------------------------------

    def _job(self, task: Any) -> Any:
        job = self._app.jobs[ASYNC_TASK if _is_async(task) else TASK]
        return job.using(queue=task.queue_name, at=task.run_after, display_name=task.module_path, **self.options)

    def _call(self, task: Any, args: Any, kwargs: Any) -> tuple[str, list[Any], dict[str, Any], str]:
        return task.module_path, list(args), dict(kwargs), self.alias

    def _enqueued(self, task: Any, jid: str | None, call: tuple[str, list[Any], dict[str, Any], str]) -> Any:
        if jid is None:
            raise JobError(f"the task {task.module_path} was stopped by a client middleware: it is not enqueued")
        result = _result(task, jid, "READY", call[1], call[2], self.alias)
        object.__setattr__(result, "enqueued_at", timezone.now())
        signals.task_enqueued.send(type(self), task_result=result)
        return result


class Attempt:
    """One run of a task: tells Django's signals when it begins and how it ends. The failure itself is the job's."""

    def __init__(self, task: Any, args: list[Any], kwargs: dict[str, Any], backend: str, context: Context) -> None:
        self.task = task
        self.result = _result(task, context.jid, "RUNNING", args, kwargs, backend)
        now = timezone.now()
        for name in ("enqueued_at", "started_at", "last_attempted_at"):
            object.__setattr__(self.result, name, now)
        self.result.worker_ids.extend(["offsider"] * (context.attempt + 1))
        taken = tasks.TaskContext(task_result=self.result) if task.takes_context else None
        self.args = args if taken is None else [taken, *args]

    def end(self, value: Any) -> None:
        """What the task returned; it is told by the signal, and not kept."""
        object.__setattr__(self.result, "_return_value", value)

    def __enter__(self) -> Self:
        signals.task_started.send(OffsiderBackend, task_result=self.result)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status = tasks.TaskResultStatus.SUCCESSFUL if error is None else tasks.TaskResultStatus.FAILED
        object.__setattr__(self.result, "status", status)
        object.__setattr__(self.result, "finished_at", timezone.now())
        signals.task_finished.send(OffsiderBackend, task_result=self.result)


def _is_async(task: Any) -> bool:
    return iscoroutinefunction(task.func)


def _result(task: Any, jid: str, status: str, args: list[Any], kwargs: dict[str, Any], backend: str) -> Any:
    return tasks.TaskResult(
        task=task,
        id=jid,
        status=tasks.TaskResultStatus(status),
        enqueued_at=None,
        started_at=None,
        finished_at=None,
        last_attempted_at=None,
        args=args,
        kwargs=kwargs,
        backend=backend,
        errors=[],
        worker_ids=[],
    )
