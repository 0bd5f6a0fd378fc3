"""The work side of an app in one process: builds the parts, starts and stops them in order."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import clock
from ..contract.measures import MetricSink
from ..contract.seams import Registry, Slot
from ..contract.work import Fetcher, QueueFilter, Service
from ..errors import StoreError
from ..metrics.profiles import Profiles
from ..metrics.report import Reporter
from ..metrics.sink import RedisSink
from ..metrics.track import Tracker
from .ahead import ReadAheadFetcher
from .around import Around
from .cancelling import Cancelling
from .capsule import Capsule
from .cursors import KeptCursors
from .death import announce
from .execution import Execution
from .fetch import Limits
from .filters import HeldQueues
from .heartbeat import Heartbeat, rss_kb
from .identity import Identity
from .injection import inject
from .joblog import JobLog
from .order import QueueOrder
from .plan import CapsulePlan, plan_capsules
from .processor import Processor
from .profiling import Profiling
from .recovery import lease_recovery
from .results import ResultKeeper
from .resumable import Bodies
from .scheduler import Scheduler
from .stacks import stacks
from .stall import StallWatch
from .startup import check_server
from .tasks import LoopThread
from .timekeeper import Timekeeper

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..app import App
    from ..job.record import Record

log = logging.getLogger("offsider.worker")

HURRY_EVERY_S = 0.1
SERVICE_S = 2.0
AFTER_INTERRUPT_S = 3.0  # for `finally:` blocks of bodies that were stopped


class Worker:
    """Runs an app's jobs in this process.

    * editions and users register fetcher, middleware, services and heartbeat fields before `start`;
    * `start` → `quiet` → `stop` is the only order of life; each may be called twice;
    * the process's signals are not touched: that is `offsider.worker.signals`' part.

    Args:
        app: The app whose jobs to run.
        queues: Queue names, ``"name"`` or ``"name:weight"``; the settings' when None.
        concurrency: Jobs at once; the settings' when None.

    Example:
        >>> worker = Worker(app)            # doctest: +SKIP
        >>> worker.start(); worker.stop()   # doctest: +SKIP
    """

    def __init__(
        self, app: App, *, queues: Sequence[str] | None = None, concurrency: int | None = None, embedded: bool = False
    ) -> None:
        self.app = app
        self.settings = app.settings
        settings = app.settings.worker
        self.identity_record = Identity(tag=settings.tag, labels=settings.labels, embedded=embedded)
        self.failed = threading.Event()
        self.on_signal: Callable[[str], None] = self._obey
        self.tracker = Tracker()
        self.loop_thread = LoopThread(app.leave_loop)
        self.fetcher: Slot[Any] = Slot("fetcher", default=lease_fetcher, default_by="offsider")
        self.scheduler: Slot[Any] = Slot("scheduler", default=Scheduler, default_by="offsider")
        self.recovery: Slot[Any] = Slot("recovery", default=lease_recovery, default_by="offsider")
        self.queue_filters: Registry[QueueFilter] = Registry("queue_filters")
        self.services: Registry[Service] = Registry("services")
        self.heartbeat_fields: Registry[Callable[[], str | int | float]] = Registry("heartbeat_fields")
        self.sinks: Registry[MetricSink] = Registry("sinks")
        self.server_middleware = app.server_middleware.extended()
        self.limits = Limits(
            lease_s=settings.lease_s,
            dead_max=app.settings.jobs.dead_max,
            dead_s=round(app.settings.jobs.dead_days * 86_400),
        )
        self._plans = plan_capsules(settings, queues=queues, concurrency=concurrency)
        self._incarnations = itertools.count(1)
        self._timekeeper = Timekeeper()
        self._state = "new"
        self._state_lock = threading.Lock()
        self._hurry = threading.Event()
        self.heartbeat_fields.add("rss", rss_kb, by="offsider")
        self.sinks.add("redis", RedisSink(app.connections, app.keys, self.identity), by="offsider")
        for edition in app.editions:
            edition.install_worker(self)
        self.server_middleware.add("profile", Profiling(Profiles(app.connections, app.keys)), by="offsider")
        app.server_middleware.close()  # what came now would never run here
        self.queue_filters.close()
        filtered = any(True for _ in self.queue_filters.items())
        self.held_queues: QueueFilter | None = HeldQueues(self.queue_filters) if filtered else None
        self.capsules = self._build_capsules()
        self._register_services()
        self.fetcher.close()
        self.scheduler.close()
        self.recovery.close()

    # -- life --------------------------------------------------------------------------------------------

    @property
    def identity(self) -> str:
        """``host:pid:nonce``, as the process list shows it."""
        return self.identity_record.name

    @property
    def is_running(self) -> bool:
        """True from the beginning of `start` to that of `stop`."""
        return self._state in ("running", "quiet")

    def start(self) -> None:
        """Open the leases, begin to fetch, start the background services.

        Raises:
            StoreError: Redis is away, refuses, or is too old.
        """
        with self._state_lock:
            if self._state != "new":
                return
            self._state = "running"
        for seam in (self.services, self.heartbeat_fields, self.sinks, self.app.events):
            seam.close()
        try:
            check_server(self.app.connections)
            self.app.events.emit("startup")
            self.rewire()
            for capsule in self.capsules.values():
                capsule.open()
        except BaseException:
            self._state = "new"  # nothing runs yet: it may be tried again
            raise
        for capsule in self.capsules.values():
            capsule.start()
        for service in self._ordered_services():
            service.start()
        log.info("worker %s runs %s", self.identity, "; ".join(str(plan) for plan in self._plans))

    def wake(self) -> None:
        """Look at the queues now: a queue filter answers otherwise than before. Without it that is seen within 1 s."""
        for capsule in self.capsules.values():
            capsule.wake()

    def quiet(self) -> None:
        """Fetch no more; jobs that run go on to their end."""
        with self._state_lock:
            if self._state != "running":
                return
            self._state = "quiet"
        log.info("worker %s is quiet: it fetches no more", self.identity)
        for capsule in self.capsules.values():
            capsule.quiet()
        self.app.events.emit("quiet")

    def stop(self, timeout_s: float | None = None) -> None:
        """Quiet, wait for running jobs, stop what is left, hand back what did not end.

        Args:
            timeout_s: The grace for running jobs; the settings' ``shutdown_timeout_s`` when None.
        """
        self.quiet()
        with self._state_lock:
            if self._state in ("new", "stopped"):
                self._state = "stopped"
                return
            self._state = "stopped"
        grace_s = self.settings.worker.shutdown_timeout_s if timeout_s is None else timeout_s
        self.app.events.emit("shutdown")
        self._wait_until_idle(clock.monotonic_s() + grace_s)
        self._hurry.clear()
        self._stop_bodies()
        for service in reversed(self._ordered_services()):
            if service is not self.heartbeat:
                service.stop(SERVICE_S)
        self._timekeeper.stop()
        self.loop_thread.stop()
        # Last of all, when nothing is left to wait for: bodies that do not listen run until the process ends, and
        # other workers take their jobs a few seconds from here.
        self._retire()
        self.app.events.emit("exit")
        log.info("worker %s has stopped", self.identity)

    def hurry(self) -> None:
        """End the grace of a `stop` that is under way."""
        self._hurry.set()

    # -- questions ---------------------------------------------------------------------------------------

    def busy(self) -> int:
        """How many jobs run now."""
        return sum(capsule.busy for capsule in self.capsules.values())

    def running(self) -> list[Execution]:
        """What runs now."""
        return [execution for capsule in self.capsules.values() for execution in capsule.running()]

    def stacks(self) -> str:
        """The stacks of all threads and asyncio tasks, with the job each runs."""
        threads = {
            ident: f"{one.job.name} {one.jid}"
            for capsule in self.capsules.values()
            for ident, one in capsule.threads.running.copy().items()
        }
        loop = self.loop_thread.loop
        tasks = {
            task: f"{one.job.name} {one.jid}"
            for capsule in self.capsules.values()
            for one, task in capsule.tasks.running.copy().items()
        }
        return stacks([] if loop is None else [loop], threads, tasks)

    def healthy(self) -> bool:
        """True while every capsule that has free slots has spoken with Redis lately."""
        deadline_s = clock.monotonic_s() - self.settings.worker.give_up_s
        return not self.failed.is_set() and all(
            capsule.is_heard(deadline_s) or capsule.quieted for capsule in self.capsules.values()
        )

    def check_health(self) -> None:
        """A worker that is alive and deaf gives up, so that a supervisor starts it anew."""
        if not self.healthy() and not self.failed.is_set():
            log.critical("a capsule has not reached Redis for too long: this worker gives up, to be restarted")
            self.failed.set()

    def rewire(self) -> None:
        """Make the middleware anew: a link of it has become idle, or is no longer. Jobs that run keep theirs."""
        self._around.compile()

    # -- building ------------------------------------------------------------------------------------------

    def _build_capsules(self) -> dict[str, Capsule]:
        processor = self._build_processor()
        return {plan.name: self._build_capsule(plan, processor) for plan in self._plans}

    def _build_capsule(self, plan: CapsulePlan, processor: Processor) -> Capsule:
        def make_fetcher() -> Fetcher:
            owner = f"{self.identity}/{plan.name}/{next(self._incarnations)}"
            fetcher: Fetcher = self.fetcher.value(self, plan, owner)
            return fetcher

        return Capsule(
            plan.name,
            plan.concurrency,
            order=QueueOrder(plan.weights),
            make_fetcher=make_fetcher,
            processor=processor,
            loop_thread=self.loop_thread,
            on_fenced=lambda owner: self.app.events.emit("fenced", owner),
            on_outage=self._note_outage,
            measure=self.tracker.add,
            keeper=ResultKeeper(self.app.connections, self.app.keys),
        )

    def _build_processor(self) -> Processor:
        settings = self.settings.worker
        self._cursors = KeptCursors(self.app.connections, self.app.keys)
        bodies = Bodies(self._cursors, every_s=settings.cursor_every_s, grace_s=settings.shutdown_timeout_s)
        self._around = Around(self.server_middleware.compile(), bodies.call, bodies.acall)
        return Processor(
            self.app.jobs,
            around=self._around,
            events=self.app.events,
            injector=inject,
            timekeeper=self._timekeeper,
            joblog=JobLog(),
            retries=self.settings.jobs.retry,
            unknown_window_s=settings.unknown_job_window_s,
            editions=frozenset(edition.name for edition in self.app.editions),
            composer=self.app.composer,
        )

    def _register_services(self) -> None:
        app = self.app
        self.heartbeat = Heartbeat(
            app.connections,
            app.keys,
            self.identity_record,
            self.capsules,
            reporter=Reporter(self.tracker, self.sinks),
            events=app.events,
            fields=self.heartbeat_fields,
            beat_s=self.settings.worker.beat_s,
            lease_s=self.limits.lease_s,
            signal=self._pass_on,
        )
        app.services.close()
        for name, make in app.services.items():
            self.services.add(name, make(self), by=app.services.owner(name))
        self.services.add("heartbeat", self.heartbeat, by="offsider")
        self.services.add("scheduler", self.scheduler.value(app.connections, app.keys), by="offsider")
        self.services.add("recovery", self.recovery.value(self), by="offsider")
        cancelling = Cancelling(app.connections, app.keys, self.identity, self.capsules, lambda: self.loop_thread.loop)
        self.services.add("cancelling", cancelling, by="offsider")
        stall = StallWatch(self.loop_thread, self.running, self.settings.worker.loop_stall_s)
        self.services.add("stall watch", stall, by="offsider")
        self.services.add("cursors", self._cursors, by="offsider")

    def _ordered_services(self) -> list[Service]:
        return [service for _name, service in self.services.items()]

    # -- the end -------------------------------------------------------------------------------------------

    def _wait_until_idle(self, deadline_s: float) -> None:
        for capsule in self.capsules.values():
            while not capsule.wait_until_idle(HURRY_EVERY_S):
                if self._hurry.is_set() or clock.monotonic_s() >= deadline_s:
                    break

    def _stop_bodies(self) -> None:
        left = self.running()
        if not left:
            return
        log.warning("%d jobs did not end in time; they are stopped and handed back", len(left))
        for capsule in self.capsules.values():
            capsule.interrupt()
        self._wait_until_idle(clock.monotonic_s() + AFTER_INTERRUPT_S)

    def _retire(self) -> None:
        for capsule in self.capsules.values():
            try:
                if capsule.end_loop(5.0):
                    capsule.retire()
                else:
                    log.error("capsule %s still waits for Redis; its jobs are recovered by lease", capsule.name)
            except StoreError as error:
                log.error(
                    "capsule %s could not hand back its jobs (%s); they are recovered by lease", capsule.name, error
                )
        self.heartbeat.stop(SERVICE_S)
        try:
            self.heartbeat.forget()
        except StoreError as error:
            log.error("this process could not sign off (%s); it is listed for another minute", error)

    # -- what the parts report -----------------------------------------------------------------------------

    def _pass_on(self, signal: str) -> None:
        self.on_signal(signal)  # looked up now: whoever runs this process may have taken it over

    def _obey(self, signal: str) -> None:
        """A signal through Redis where nobody listens for real ones: an embedded worker."""
        if signal == "TSTP":
            self.quiet()
        elif signal == "TTIN":
            log.warning("%s", self.stacks())
        elif signal == "TERM":
            threading.Thread(target=self.stop, name="offsider-stop", daemon=True).start()

    def _note_outage(self, seconds: float) -> None:
        if seconds > self.settings.worker.give_up_s and not self.failed.is_set():
            log.critical("Redis has been away for %.0f s: this worker gives up, so that it is restarted", seconds)
            self.failed.set()

    def note_recovered(self, owner: str, count: int) -> None:
        """Whoever recovers says so here: so many jobs of an owner were given back."""
        self.app.events.emit("recovered", owner, count)

    def note_died(self, record: Record, error: BaseException) -> None:
        """A job that this process has not run is dead: its hook and the listeners are told."""
        announce(self.app.jobs.get(record["class"]), record, error, self.app.events)


def lease_fetcher(worker: Worker, plan: CapsulePlan, owner: str) -> Fetcher:
    """The free edition's fetcher, as the fetcher slot makes it."""
    app = worker.app
    order = QueueOrder(plan.weights)
    return ReadAheadFetcher(
        app.connections,
        app.keys,
        order,
        owner=owner,
        limits=worker.limits,
        held=worker.held_queues,
        composer=app.composer,
    )
