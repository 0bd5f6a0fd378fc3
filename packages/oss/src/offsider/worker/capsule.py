"""One group of queues with a concurrency of its own: one fetcher, threads, tasks, and what is in hand.

It decides how much to fetch and when. How a job runs is the processor's, how Redis is asked the fetcher's.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from .. import clock
from ..contract.work import Fenced, Fetcher, ReadsAhead, Settlement, UnitOfWork
from ..errors import Shutdown, StoreError
from .execution import Execution
from .hand import Hand
from .order import QueueOrder
from .pace import Pace
from .patience import Patience
from .tasks import LoopThread, TaskExecutor
from .threads import ThreadExecutor

if TYPE_CHECKING:
    from collections.abc import Callable

    from .processor import Processor

log = logging.getLogger("offsider.worker")

LEAST_AHEAD = 16  # jobs; for fewer a request of its own is not worth it
BELL_S = 2.0  # a lost ring costs at most this much
SURPLUS_CHECK_S = 0.005


class Capsule:
    """The fetch loop of one group of queues.

    * one thread owns the fetcher: it sends what is settled and takes what there are free slots for;
    * a second one waits for the bell, so that an idle capsule costs nothing and wakes at once;
    * ``def`` jobs go to threads, ``async def`` jobs to the loop, both under one ``concurrency``;
    * an error of Redis is not an error of a job: the loop waits and goes on where it was.
    """

    def __init__(
        self,
        name: str,
        concurrency: int,
        *,
        order: QueueOrder,
        make_fetcher: Callable[[], Fetcher],
        processor: Processor,
        loop_thread: LoopThread,
        on_fenced: Callable[[str], None],
        on_outage: Callable[[float], None],
    ) -> None:
        self.name = name
        self.concurrency = concurrency
        self.order = order
        self._stop = threading.Event()
        self._retired = False
        self.interrupting = False  # bodies are being stopped: a cancellation is not the body's own failure
        self.quieted = False
        self.last_trip_s = clock.monotonic_s()
        self._make_fetcher = make_fetcher
        self.fetcher: Fetcher
        self._reader: ReadsAhead | None  # the same fetcher, when it can do that
        self._use(make_fetcher())
        self._processor = processor
        self._on_fenced = on_fenced
        self._patience = Patience(f"capsule {name}", on_outage)
        self._pace = Pace(concurrency)
        self.threads = ThreadExecutor(name, concurrency, run=processor.run, settled=self._settled)
        self.tasks = TaskExecutor(loop_thread, concurrency, run=processor.arun, settled=self._settled)
        self._ended: deque[Execution] = deque()
        self._hand = Hand(concurrency, self.threads, self.tasks)
        self._unsent: list[Settlement] = []
        self._undispatched: deque[UnitOfWork] = deque()  # empty, unless there was no memory for the last batch
        self._stopped_bodies: list[Execution] = []
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._asleep = False
        self._wake_at = 1
        self._listen = threading.Event()
        self._asked_ahead = 0
        self._starved = False  # something failed: jobs in hand may wait for a thread that could not start
        self._rung = False  # the bell has woken us and nothing was fetched for it yet
        self._lost: Fetcher | None = None  # whose lease is gone, as the heartbeat has found
        self._finished = threading.Event()
        self._thread: threading.Thread | None = None
        self._listener: threading.Thread | None = None

    # -- from outside ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the lease.

        Raises:
            StoreError: Redis is away.
        """
        self.fetcher.open()

    def start(self) -> None:
        """Begin to fetch."""
        self.last_trip_s = clock.monotonic_s()
        self._thread = threading.Thread(target=self._loop, name=f"offsider-fetch-{self.name}", daemon=True)
        self._listener = threading.Thread(target=self._hear, name=f"offsider-bell-{self.name}", daemon=True)
        self._thread.start()
        self._listener.start()

    @property
    def stopping(self) -> bool:
        """True once the fetch loop is to end."""
        return self._stop.is_set()

    def quiet(self) -> None:
        """Fetch no more; what runs goes on, what has not begun is handed back."""
        self.quieted = True
        self._wake.put(None)

    def running(self) -> list[Execution]:
        """What runs now."""
        return [*self.threads.running.copy().values(), *self.tasks.running.copy()]

    @property
    def busy(self) -> int:
        """How many bodies run now."""
        return len(self.threads.running) + len(self.tasks.running)

    def is_heard(self, since_s: float) -> bool:
        """True when the fetch loop lives and has had a round trip since then, or has no slot to fetch for."""
        alive = self._thread is None or self._thread.is_alive()
        return alive and (self.last_trip_s >= since_s or self.busy >= self.concurrency)

    def wait_until_idle(self, timeout_s: float) -> bool:
        """After `quiet`: True once every job in hand has ended and is acknowledged."""
        return self._thread is None or self._finished.wait(timeout_s)

    def interrupt(self) -> None:
        """Stop the bodies that run: `Shutdown` in threads, cancellation of tasks."""
        self.interrupting = True
        self.threads.interrupt_all(Shutdown)
        self.tasks.cancel_all()

    def end_loop(self, timeout_s: float) -> bool:
        """End the fetch loop; False when it still waits for Redis after ``timeout_s``."""
        self._stop.set()
        self._listen.set()
        self._wake.put(None)
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def hand_back(self, execution: Execution) -> None:
        """The body was stopped for the shutdown: its job goes back to its queue, unchanged, at the end."""
        self._stopped_bodies.append(execution)

    def fence(self) -> None:
        """Nothing in hand is ours any more: refuse its outcomes, begin anew under a new owner."""
        for execution in self._hand:
            execution.lost = True
        self._hand.take_back()
        self._unsent.clear()
        self._undispatched.clear()
        self._lost = None
        fresh, old = self._make_fetcher(), self.fetcher
        try:
            fresh.open()
        except BaseException:
            fresh.close()  # with the old one the next exchange finds itself fenced again
            raise
        self._use(fresh)  # now that its lease is open, or a beat would take it for lost, too
        old.close()
        self._on_fenced(old.owner)

    def renew(self) -> None:
        """Prolong the lease, until the end; called from the heartbeat."""
        fetcher = self.fetcher
        if not self._retired and not fetcher.renew() and fetcher is self.fetcher:
            # The fetch loop is told now: a long job that asks whether it is still ours has a right to the truth.
            log.error("the lease of %s was lost: its jobs run elsewhere; a new owner takes over", fetcher.owner)
            self._lost = fetcher
            self._wake.put(None)

    def retire(self) -> None:
        """Hand back what is not running, leave the rest to the others, and let go of Redis."""
        self._retired = True
        back = [*(execution.unit for execution in self._hand.take_back()), *self._undispatched]
        back += [execution.unit for execution in self._stopped_bodies if not execution.lost]
        self._drain()
        try:
            if self._unsent:
                self.fetcher.exchange(self._unsent, 0)
                self._unsent = []
            left = [execution for execution in self.running() if not execution.lost]
            self.fetcher.retire(back, [execution.unit for execution in left])
            for execution in left:  # in a program that lives on, a body that did not listen runs on
                execution.lost = True
        except Fenced:
            log.error("the lease of %s was lost before its end: its jobs run elsewhere", self.fetcher.owner)
        finally:
            self.threads.stop()
            self.fetcher.close()

    # -- from the executors --------------------------------------------------------------------------------

    def _settled(self, execution: Execution, settlement: Settlement | None) -> None:
        """An execution has ended; called on the thread or the loop that ran it."""
        execution.settlement = settlement
        self._ended.append(execution)
        # Signals cost more than jobs: one when half of what is in hand is done, or when nobody has work left.
        if self._asleep and self._worth_a_trip():
            self._asleep = False
            self._wake.put(None)

    # -- the fetch loop --------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while not self.stopping:
            try:
                self._round()
                self._patience.recovered()
            except Fenced:
                self._begin_anew()
                continue
            except Exception as error:  # noqa: BLE001 - a worker that is alive and deaf is worse than a long log
                self._patience.pause(error, self._wake)
                self._starved = True
                continue
            if self.quieted and not (len(self._hand) or self._unsent or self._is_ahead):
                self._finished.set()
            self._sleep()

    def _begin_anew(self) -> None:
        try:
            self.fence()
        except StoreError as error:  # the new lease is not open yet: the next exchange finds itself fenced again
            self._patience.pause(error, self._wake)

    def _round(self) -> None:
        """Send what is settled and take what is wanted, in one trip."""
        if self._lost is not None and self._lost is self.fetcher:
            raise Fenced(self.fetcher.owner)
        if self._starved:
            self._hand.urge()
            self._starved = False
        ended = self._drain()
        self._pace.done(ended, clock.monotonic_s())
        want = self._want()
        if self._rung:
            self._rung = False
            if want == 0 or self.quieted:
                self.fetcher.pass_on()
        if self._is_ahead or want > 0 or self._unsent or self._undispatched:
            self._fetch(want)
            self.last_trip_s = clock.monotonic_s()
            self._dispatch()

    @property
    def _is_ahead(self) -> bool:
        return self._reader is not None and self._reader.ahead

    def _use(self, fetcher: Fetcher) -> None:
        self.fetcher = fetcher
        self._reader = fetcher if isinstance(fetcher, ReadsAhead) else None

    def _fetch(self, want: int) -> None:
        """Take what was asked for ahead, or else ask now; and ask ahead while jobs are short."""
        reader = self._reader
        ahead = reader is not None and want - self.concurrency >= LEAST_AHEAD
        if reader is not None and reader.ahead:
            units, asked = reader.finish(), self._asked_ahead
        else:
            asked = want - want // 2 if ahead else want
            units, self._unsent = self.fetcher.exchange(self._unsent, asked), []
        self._undispatched.extend(units[:want])
        # Jobs turned out long meanwhile, or we are quiet: what has no slot is not ours.
        self._unsent += [Settlement(unit, "back", 0.0, None) for unit in units[want:]]
        if len(units) < asked:
            self._listen.set()
        elif ahead and reader is not None:
            self._asked_ahead = want - len(units)
            if reader.begin(self._unsent, self._asked_ahead):
                self._unsent = []

    def _want(self) -> int:
        if self.quieted:
            self._return_unbegun()
            return 0
        allowed = self.concurrency if self._hand.is_mixed else self._pace.allowed
        return max(0, allowed - len(self._hand) - len(self._undispatched))

    def _drain(self) -> int:
        """Take over what the executors have ended; returns how many.

        `fence` runs on this thread, too: what it marked as lost is not sent under the new owner.
        """
        take = self._ended.popleft
        ended = [take() for _ in range(len(self._ended))]
        self._hand.drop(ended)
        self._unsent += [one.settlement for one in ended if one.settlement is not None and not one.lost]
        self._hand.fill()
        return len(ended)

    def _dispatch(self) -> None:
        undispatched, executions = self._undispatched, []
        while undispatched:
            made = self._processor.prepare(undispatched[0], self)
            if isinstance(made, Settlement):
                self._unsent.append(made)
            else:
                executions.append(made)
            undispatched.popleft()
        self._hand.take(executions)

    def _return_unbegun(self) -> None:
        units = [*(execution.unit for execution in self._hand.take_back()), *self._undispatched]
        self._undispatched.clear()
        self._unsent += [Settlement(unit, "back", 0.0, None) for unit in units]

    def _sleep(self) -> None:
        """Until a job's end, the bell, or `quiet` is a reason for another round."""
        self._wake_at = 1 if self._hand.holds_back else max(1, len(self._hand) // 2)
        self._asleep = True
        # Looked at after `_asleep` is set: who ends a job from here on sends the signal.
        ahead = self._is_ahead
        if self._unsent or (self._ended and self._worth_a_trip()) or (ahead and not len(self._hand)):
            self._asleep = False
            return
        unbegun = self._hand.waiting > 0 or self._hand.holds_back
        surplus = ahead or (unbegun and len(self._hand) > self.concurrency)
        try:
            self._wake.get(timeout=SURPLUS_CHECK_S if surplus else None)
        except Empty:
            if not self._ended:
                # Nothing has ended for several milliseconds: these jobs are not short. Others may have a free slot.
                self._pace.forget()
                self._return_unbegun()
        self._asleep = False

    def _worth_a_trip(self) -> bool:
        """Half of what is in hand is done, or nobody has work left."""
        return len(self._ended) >= self._wake_at or not self._hand.waiting

    def _hear(self) -> None:
        """Wait for the bell while the queues are empty."""
        while not self._stop.is_set():
            self._listen.wait()
            self._listen.clear()
            if self._stop.is_set():
                return
            try:
                self._rung = self.fetcher.wait(BELL_S) or self._rung
            except Exception as error:  # noqa: BLE001 - without a bell this capsule only polls
                if self._stop.is_set():
                    return
                self._patience.hold(error)
            self._wake.put(None)
