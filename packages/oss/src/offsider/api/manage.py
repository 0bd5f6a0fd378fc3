"""What an app offers to those who look and act by hand. `App` inherits it: one attribute for each thing there is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .. import clock
from ..store.composer import Composer
from .cancel import Cancellation, cancel
from .dead import DeadSet
from .desk import Desk
from .info import JobInfo, job_info
from .processes import Processes
from .quarantine import Quarantine
from .queues import Queues
from .results import LONGEST_WAIT_S, Result, checked_timeout, result, wait_for, where_it_is
from .running import Running
from .stats import Stats
from .waiting import RetrySet, ScheduledSet
from .why import LIMIT, Why, why

if TYPE_CHECKING:
    from ..config.model import Settings
    from ..contract.effects import Effect
    from ..contract.seams import Events, Registry
    from ..job.define import Job
    from ..store.connection import Connections
    from ..store.keys import Keys
    from ..store.scripts import Script


class Management:
    """The read-and-manage side of an app. What it returns may be used by several threads, and costs nothing to make.

    For an event loop the questions about one job have a twin with an ``a``; all else is called by
    ``await asyncio.to_thread(…)``.
    """

    if TYPE_CHECKING:
        keys: Keys
        settings: Settings
        scripts: Registry[Script]
        events: Events
        effects: Registry[Effect]
        jobs: dict[str, Job[..., Any]]

        @property
        def connections(self) -> Connections:
            """The ways to Redis."""

    _desk: Desk | None = None

    @property
    def desk(self) -> Desk:
        """The connections of these questions."""
        if self._desk is None:
            self._desk = Desk(self.connections)
        return self._desk

    @property
    def composer(self) -> Composer:
        """The effects of all editions in this Redis; they are all known once the editions are installed."""
        return Composer(self.effects, self.keys)

    def leave_desk(self) -> None:
        """Drop those connections; the next question opens others."""
        desk, self._desk = self._desk, None
        if desk is not None:
            desk.close()

    # -- what there is -------------------------------------------------------------------------------------

    @property
    def queues(self) -> Queues:
        """The queues: iterate them, or take one by its name."""
        return Queues(self)

    @property
    def scheduled(self) -> ScheduledSet:
        """The jobs that wait for their time."""
        return ScheduledSet(self, self.keys.schedule)

    @property
    def retries(self) -> RetrySet:
        """The jobs that have failed and are tried again."""
        return RetrySet(self, self.keys.retry)

    @property
    def dead(self) -> DeadSet:
        """The jobs that have no retries left."""
        return DeadSet(self, self.keys.dead)

    @property
    def quarantine(self) -> Quarantine:
        """What no worker could run."""
        return Quarantine(self)

    @property
    def processes(self) -> Processes:
        """The processes that work."""
        return Processes(self)

    @property
    def running(self) -> Running:
        """The jobs that run now."""
        return Running(self)

    @property
    def stats(self) -> Stats:
        """Figures of everything."""
        return Stats(self)

    # -- one job -------------------------------------------------------------------------------------------

    def job_info(self, jid: str, *, limit: int = LIMIT) -> JobInfo | None:
        """Where a job is, and how far; None when it is not found: it has ended, or was never there.

        Args:
            jid: What ``enqueue`` returned.
            limit: How many entries of queues and sets to look at, at most.

        Raises:
            InvalidOption: ``jid`` is no id, or ``limit`` no such number.
            StoreError: Redis is away or refuses.
        """
        return job_info(self, jid, limit=limit)

    async def ajob_info(self, jid: str, *, limit: int = LIMIT) -> JobInfo | None:
        """`job_info` on an event loop."""
        return await asyncio.to_thread(self.job_info, jid, limit=limit)

    def cancel(self, jid: str, *, limit: int = LIMIT) -> Cancellation:
        """End a job, wherever it is: one that waits is removed; the process of one that runs is asked to end it.

        An ``async def`` job is cancelled at its next ``await``; a ``def`` job ends when it asks: ``ctx.cancelled``,
        ``ctx.stopping``, ``ctx.check()``. It has not failed and is not tried again; whoever listens to ``cancelled``
        is told.

        Args:
            jid: What ``enqueue`` returned.
            limit: How many entries of queues and sets to look at, at most.

        Returns:
            What was done; false when nothing was: the job has ended, is dead, or was not found.

        Raises:
            InvalidOption: ``jid`` is no id, or ``limit`` no such number.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        return cancel(self, jid, limit=limit)

    async def acancel(self, jid: str, *, limit: int = LIMIT) -> Cancellation:
        """`cancel` on an event loop."""
        return await asyncio.to_thread(self.cancel, jid, limit=limit)

    def result(self, jid: str, *, timeout: float = 0.0, limit: int = LIMIT) -> Result:
        """What a job with the option ``result_ttl`` has returned, or how far it is.

        Args:
            jid: What ``enqueue`` returned.
            timeout: How long to wait for its end, in seconds; 0 to look only. Waiting costs Redis nothing.
            limit: Without a result the job is looked for: how many entries to look at, at most.

        Raises:
            InvalidOption: One of them cannot be.
            InvalidArguments: What is kept does not fit the annotation any more.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        return result(self, jid, checked_timeout(timeout), limit=limit)

    async def aresult(self, jid: str, *, timeout: float = 0.0, limit: int = LIMIT) -> Result:  # noqa: ASYNC109 - a twin
        """`result` on an event loop. A wait that is cancelled frees its thread within five seconds."""
        until_s = clock.monotonic_s() + checked_timeout(timeout)
        while True:
            left_s = max(0.0, until_s - clock.monotonic_s())
            found = await asyncio.to_thread(wait_for, self, jid, left_s)
            if found is not None:
                return found
            if left_s <= LONGEST_WAIT_S:
                return await asyncio.to_thread(where_it_is, self, jid, limit=limit)

    def why(self, jid: str, *, limit: int = LIMIT) -> Why:
        """Where a job is, and why it does not run.

        Args:
            jid: What ``enqueue`` returned.
            limit: How many entries of queues and sets to look at, at most.

        Raises:
            InvalidOption: ``jid`` is no id, or ``limit`` no such number.
            StoreError: Redis is away or refuses.
        """
        app: Any = self
        return why(app, jid, limit=limit)
