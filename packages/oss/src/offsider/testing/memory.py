"""Jobs that are kept in memory instead of being pushed: what a test enqueues, looks at, and runs. Without Redis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import InvalidOption
from ..job.define import Enqueuer
from ..job.push import Pusher, PushRequest
from ..job.record import dumps
from .fakejob import FakeJob
from .modes import TestMode, diverted
from .runner import Ran
from .shelf import Shelf

if TYPE_CHECKING:
    from ..app import App

MOST_RUNS = 10_000

Which = str | Enqueuer[..., Any] | None


class FakeJobs(TestMode):
    """The pusher of an app while `fake` lasts; for any number of threads and tasks at once.

    Attributes:
        ran: What became of each run, in order.

    Example:
        >>> from offsider import App
        >>> app = App(editions=[])
        >>> @app.job(queue="mail")
        ... def welcome(user: str) -> None:
        ...     print("welcome,", user)
        >>> with fake(app) as jobs:
        ...     jid = welcome.enqueue("Ada")
        ...     [(job.queue, job.args) for job in jobs]
        ...     jobs.drain()
        [('mail', ['Ada'])]
        welcome, Ada
        1
    """

    kind = "fake"

    def __init__(self, app: App, inner: Pusher) -> None:
        super().__init__(app, inner)
        self.ran: list[Ran] = []
        self._shelf = Shelf(app)

    # -- looking ---------------------------------------------------------------------------------------------

    @property
    def jobs(self) -> list[FakeJob]:
        """What waits: first what is due now, in the order of enqueuing, then what is due later, by its time."""
        return self._shelf.waiting()

    @property
    def retries(self) -> list[FakeJob]:
        """What has failed and is to be tried again."""
        return self._shelf.retries.copy()

    @property
    def dead(self) -> list[FakeJob]:
        """What has failed for the last time."""
        return self._shelf.dead.copy()

    @property
    def quarantine(self) -> list[bytes]:
        """What could not be run at all, with the reason."""
        return self._shelf.quarantine.copy()

    def of(self, job: Which = None, *, queue: str | None = None) -> list[FakeJob]:
        """What waits of one job, or in one queue.

        Args:
            job: The job, or its name.
            queue: The queue's name.
        """
        return [one for one in self.jobs if _is(one, job, queue)]

    def __iter__(self) -> Iterator[FakeJob]:
        return iter(self.jobs)

    def __len__(self) -> int:
        return len(self.jobs)

    def __bool__(self) -> bool:
        return True  # it is there, also when nothing waits

    def clear(self) -> None:
        """Forget everything: what waits, retries, the dead, and what has run."""
        self._shelf.clear()
        self.ran.clear()

    # -- running ---------------------------------------------------------------------------------------------

    def run_one(self, job: Which = None, *, queue: str | None = None) -> Ran:
        """Run the next job that waits, whenever it is due; a failure is recorded, not raised.

        Raises:
            InvalidOption: None waits.
        """
        taken = self._shelf.take(lambda one: _is(one, job, queue))
        if taken is None:
            raise InvalidOption(_none_waits(self.jobs, job, queue))
        return self._keep(taken, self.runner.run(taken.payload, taken.queue))

    async def arun_one(self, job: Which = None, *, queue: str | None = None) -> Ran:
        """`run_one` on an event loop."""
        taken = self._shelf.take(lambda one: _is(one, job, queue))
        if taken is None:
            raise InvalidOption(_none_waits(self.jobs, job, queue))
        return self._keep(taken, await self.runner.arun(taken.payload, taken.queue))

    def drain(self, job: Which = None, *, queue: str | None = None, raises: bool = True) -> int:
        """Run what waits, and what that enqueues, until nothing is left; also what is due later.

        A job that returns `Snooze`, or is held, waits on; so does one whose process has died (`crash_at`).

        Args:
            job: Only this job, or its name.
            queue: Only this queue.
            raises: True: the first failure is raised, and the job is among the `retries`. False: retries are run,
                too, at once, until each job has ended or is `dead`.

        Returns:
            How many times a job was run.
        """
        later: list[FakeJob] = []
        count = 0
        while (taken := self._next(job, queue, later, raises)) is not None:
            count = _counted(count)
            self._note(taken, self.runner.run(taken.payload, taken.queue), later, raises)
        return count

    async def adrain(self, job: Which = None, *, queue: str | None = None, raises: bool = True) -> int:
        """`drain` on an event loop."""
        later: list[FakeJob] = []
        count = 0
        while (taken := self._next(job, queue, later, raises)) is not None:
            count = _counted(count)
            self._note(taken, await self.runner.arun(taken.payload, taken.queue), later, raises)
        return count

    # -- the pusher ------------------------------------------------------------------------------------------

    def push(self, request: PushRequest) -> str | None:
        """Keep one."""
        accepted = self.app.accept(request)
        if accepted is None:
            return None
        accepted.record.setdefault("enqueued_at", accepted.record["created_at"])
        if accepted.at_s is not None:
            del accepted.record["enqueued_at"]
        self._shelf.put(FakeJob(dumps(accepted.record), accepted.at_s, accepted.job))
        return str(accepted.record["jid"])

    async def apush(self, request: PushRequest) -> str | None:
        """Keep one."""
        return self.push(request)

    def push_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:  # noqa: ARG002 - one job at a time
        """Keep many."""
        return [self.push(request) for request in requests]

    async def apush_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:  # noqa: ARG002 - one job at a time
        """Keep many."""
        return [self.push(request) for request in requests]

    # -- steps -------------------------------------------------------------------------------------------------

    def _next(self, job: Which, queue: str | None, later: list[FakeJob], raises: bool) -> FakeJob | None:
        return self._shelf.take(lambda one: one not in later and _is(one, job, queue), retries=not raises)

    def _note(self, taken: FakeJob, ran: Ran, later: list[FakeJob], raises: bool) -> None:
        waiting = self._settle(taken, ran)
        if waiting is not None and ran.kind not in ("retry", "dead"):
            later.append(waiting)
        elif ran.error is not None and raises:
            raise ran.error

    def _keep(self, taken: FakeJob, ran: Ran) -> Ran:
        self._settle(taken, ran)
        return ran

    def _settle(self, taken: FakeJob, ran: Ran) -> FakeJob | None:
        self.ran.append(ran)
        return self._shelf.settle(taken, ran)


@contextmanager
def fake(app: App) -> Iterator[FakeJobs]:
    """Keep every push of an app in memory, from all threads and tasks, for as long as this lasts.

    Arguments are checked and written as always, client middleware runs, and nothing needs Redis.

    Args:
        app: The app.

    Raises:
        InvalidOption: The app is in a test mode already.

    Example:
        >>> from offsider import App
        >>> app = App(editions=[])
        >>> @app.job
        ... def welcome(user: str) -> None: ...
        >>> with fake(app) as jobs:
        ...     jid = welcome.enqueue("Ada")
        ...     len(jobs.of(welcome)), jobs.jobs[0].jid == jid
        (1, True)
    """
    with diverted(app, FakeJobs) as jobs:
        yield jobs


def _is(one: FakeJob, job: Which, queue: str | None) -> bool:
    name = job if isinstance(job, str) or job is None else job.job_name
    return name in (None, one.name) and queue in (None, one.queue)


def _none_waits(jobs: list[FakeJob], job: Which, queue: str | None) -> str:
    wanted = "no job" if job is None else f"no {job if isinstance(job, str) else job.job_name!r}"
    there = ", ".join(sorted({f"{one.name} in {one.queue}" for one in jobs})) or "nothing at all"
    return f"{wanted} waits{f' in queue {queue!r}' if queue else ''}; there is {there}. Enqueue one before run_one()"


def _counted(count: int) -> int:
    if count >= MOST_RUNS:
        raise InvalidOption(
            f"drain() has run {MOST_RUNS:,} jobs and more wait: do they enqueue each other for ever? Use run_one()"
        )
    return count + 1
