"""One group of queues with a concurrency of its own: threads, tasks, one fetcher, and who makes its rounds.

It decides when Redis is asked, and by which thread. What is asked for is `Rounds`' part, how a job runs the
processor's.
"""

from __future__ import annotations

import logging
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from .. import clock
from ..contract.work import Fenced, Fetcher, Settlement
from ..errors import Shutdown, StoreError
from .execution import Execution
from .hand import Hand
from .order import QueueOrder
from .patience import Patience
from .rounds import Rounds
from .tasks import LoopThread, TaskExecutor
from .threads import ThreadExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .processor import Processor
    from .results import KeptResult, ResultKeeper

log = logging.getLogger("offsider.worker")

BELL_S = 2.0  # a lost ring costs at most this much
SURPLUS_CHECK_S = 0.005
MOST_IN_A_ROW = 4  # rounds that a job's thread makes before it calls the loop


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
        measure: Callable[[Sequence[Execution]], None],
        keeper: ResultKeeper | None = None,
    ) -> None:
        self.name = name
        self.concurrency = concurrency
        self.order = order
        self.interrupting = False  # bodies are being stopped: a cancellation is not the body's own failure
        self.quieted = False
        self.threads = ThreadExecutor(name, concurrency, run=processor.run, settled=self._settled_on_thread)
        self.tasks = TaskExecutor(loop_thread, concurrency, run=processor.arun, settled=self._settled)
        self._make_fetcher = make_fetcher
        self._rounds = Rounds(
            concurrency,
            Hand(concurrency, self.threads, self.tasks),
            fetcher=make_fetcher(),
            prepare=lambda unit: processor.prepare(unit, self),
            measure=measure,
            keeper=keeper,
        )
        self._on_fenced = on_fenced
        self._patience = Patience(f"capsule {name}", on_outage)
        self._stop = threading.Event()
        self._retired = False
        self._stopped_bodies: list[Execution] = []
        self._turn = threading.Lock()  # whoever makes a round has it
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._asleep = False
        self._ticking = False  # asleep, and looks after us every few milliseconds
        self._trouble: Exception | None = None  # what a job's thread has met in a round
        self._listen = threading.Event()
        self._starved = False  # something failed: jobs in hand may wait for a thread that could not start
        self._rung = False  # the bell has woken us and nothing was fetched for it yet
        self._lost: Fetcher | None = None  # whose lease is gone, as the heartbeat has found
        self._finished = threading.Event()
        self._thread: threading.Thread | None = None
        self._listener: threading.Thread | None = None

    @property
    def fetcher(self) -> Fetcher:
        """The one in use; another one after a lost lease."""
        return self._rounds.fetcher

    # -- from outside ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the lease.

        Raises:
            StoreError: Redis is away.
        """
        self.fetcher.open()

    def start(self) -> None:
        """Begin to fetch."""
        self._rounds.last_s = clock.monotonic_s()
        self._thread = threading.Thread(target=self._loop, name=f"offsider-fetch-{self.name}", daemon=True)
        self._listener = threading.Thread(target=self._hear, name=f"offsider-bell-{self.name}", daemon=True)
        self._thread.start()
        self._listener.start()

    @property
    def stopping(self) -> bool:
        """True once the fetch loop is to end."""
        return self._stop.is_set()

    def wake(self) -> None:
        """Make a round now, whatever this capsule waits for."""
        self._wake.put(None)

    def quiet(self) -> None:
        """Fetch no more; what runs goes on, what has not begun is handed back."""
        self.quieted = True
        self._wake.put(None)

    def running(self) -> list[Execution]:
        """What runs now."""
        return [*self.threads.running.copy().values(), *self.tasks.running.copy()]

    def in_hand(self) -> set[Execution]:
        """What is taken and not settled, begun or not; from any thread."""
        return self._rounds.hand.copy()

    def keep_result(self, result: KeptResult) -> None:
        """Keep what a job has returned, before it is acknowledged; from any thread, before the job has ended."""
        self._rounds.results.append(result)

    @property
    def busy(self) -> int:
        """How many bodies run now."""
        return len(self.threads.running) + len(self.tasks.running)

    def is_heard(self, since_s: float) -> bool:
        """True when the fetch loop lives and has had a round trip since then, or has no slot to fetch for."""
        alive = self._thread is None or self._thread.is_alive()
        return alive and (self._rounds.last_s >= since_s or self.busy >= self.concurrency)

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
        self._rounds.lose()
        self._lost = None
        fresh, old = self._make_fetcher(), self.fetcher
        try:
            fresh.open()
        except BaseException:
            fresh.close()  # with the old one the next exchange finds itself fenced again
            raise
        self._rounds.use(fresh)  # now that its lease is open, or a beat would take it for lost, too
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
        back = self._rounds.take_unbegun()
        back += [execution.unit for execution in self._stopped_bodies if not execution.lost]
        try:
            self._rounds.send_the_rest()
            left = [execution for execution in self.running() if not execution.lost]
            self.fetcher.retire(back, [execution.unit for execution in left])
            for execution in left:  # in a program that lives on, a body that did not listen runs on
                execution.lost = True
        except Fenced:
            log.error("the lease of %s was lost before its end: its jobs run elsewhere", self.fetcher.owner)
        finally:
            self.threads.stop()
            self.fetcher.close()
            self._rounds.close()

    # -- from the executors --------------------------------------------------------------------------------

    def _settled(self, execution: Execution, settlement: Settlement | None) -> None:
        """An execution has ended; called on the thread or the loop that ran it."""
        execution.settlement = settlement
        self._rounds.ended.append(execution)
        # Signals cost more than jobs: one when half of what is in hand is done, or when nobody has work left.
        if self._asleep and self._rounds.worth_a_trip():
            self._asleep = False
            self._wake.put(None)

    def _settled_on_thread(self, execution: Execution, settlement: Settlement | None) -> None:
        """The same on a job's thread: while jobs are short it makes the round itself, and nobody is woken for it."""
        execution.settlement = settlement
        self._rounds.ended.append(execution)
        if self._asleep and self._rounds.worth_a_trip():
            self._asleep = False
            if not (self._ticking and self._stand_in()):
                self._wake.put(None)

    def _stand_in(self) -> bool:
        """A round in place of the fetch loop; False when the loop has to wake up all the same."""
        if not self._turn.acquire(blocking=False):
            return False
        try:
            if not self._ticking or self.quieted or self.stopping:
                return False
            for _ in range(MOST_IN_A_ROW):
                if not self._rounds.is_brisk:
                    break
                self._round(on_job_thread=True)
                if self._rest():
                    return True
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the loop meets it
            self._trouble = error
            return False
        finally:
            self._turn.release()

    # -- the fetch loop --------------------------------------------------------------------------------------

    def _loop(self) -> None:
        with self._turn:
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
                if self.quieted and self._rounds.is_over:
                    self._finished.set()
                if self._rest():
                    self._sleep()

    def _begin_anew(self) -> None:
        try:
            self.fence()
        except StoreError as error:  # the new lease is not open yet: the next exchange finds itself fenced again
            self._patience.pause(error, self._wake)

    def _round(self, *, on_job_thread: bool = False) -> None:
        """One round of whoever has the turn."""
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble
        if self._lost is not None and self._lost is self.fetcher:
            raise Fenced(self.fetcher.owner)
        if self._starved:
            self._rounds.hand.urge()
            self._starved = False
        rung, self._rung = self._rung, False
        if self._rounds.turn(fetching=not self.quieted, rung=rung, on_job_thread=on_job_thread):
            self._listen.set()

    def _rest(self) -> bool:
        """From here on who ends a job sends the signal; False when another round is due at once."""
        self._asleep = True
        if self._rounds.is_urgent:  # looked at after `_asleep` is set
            self._asleep = False
        return self._asleep

    def _sleep(self) -> None:
        """Until a job's end, the bell, or `quiet` is a reason for another round; whoever has one may make it."""
        rounds = self._rounds
        self._ticking, made = rounds.is_watched, rounds.made
        self._turn.release()
        try:
            while not (woken := self._is_woken()) and rounds.made != made:
                made = rounds.made  # by jobs' threads, which need no help
        finally:
            self._turn.acquire()
        if not woken and rounds.made == made:
            rounds.slow_down()  # for several milliseconds too little has ended to be worth a trip
        self._asleep = self._ticking = False

    def _is_woken(self) -> bool:
        """Wait until somebody wakes us (True) or, while there is work in hand to look after, a moment is over."""
        try:
            self._wake.get(timeout=SURPLUS_CHECK_S if self._ticking else None)
            return True
        except Empty:
            return False

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
