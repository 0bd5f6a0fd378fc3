"""The rounds of a capsule: what it has in hand, and the trips to Redis that change it.

It decides how much to take and what to give back. When a round is made, and by whom, is the capsule's part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .. import clock
from ..contract.work import Fetcher, ReadsAhead, Settlement, UnitOfWork
from .execution import Execution
from .hand import Hand
from .pace import SHORT_S, Pace

if TYPE_CHECKING:
    from .results import KeptResult, ResultKeeper

LEAST_AHEAD = 16  # jobs; for fewer a request of its own is not worth it


class Rounds:
    """Takes jobs for free slots, and a little more while they are short; sends what has ended. One thread at a time.

    `ended` is what executors append to, from any thread; `worth_a_trip` may be asked by any thread, too.

    Attributes:
        ended: Executions that were not taken over yet.
        made: How many rounds there were.
        last_s: When Redis answered last, on the clock of `offsider.clock.monotonic_s`.
        hand: Taken, not settled.
        fetcher: The one in use.
    """

    def __init__(
        self,
        concurrency: int,
        hand: Hand,
        *,
        fetcher: Fetcher,
        prepare: Callable[[UnitOfWork], Execution | Settlement],
        measure: Callable[[Sequence[Execution]], None],
        keeper: ResultKeeper | None = None,
    ) -> None:
        self.ended: deque[Execution] = deque()
        self.results: deque[KeptResult] = deque()  # each is here before its job is among the ended
        self._measure = measure
        self._keeper = keeper
        self.last_s = clock.monotonic_s()
        self.made = 0
        self.hand = hand
        self._thread_line, self._task_line = hand.lines  # looked at with each job's end
        self.fetcher: Fetcher
        self._reader: ReadsAhead | None  # the same fetcher, when it can do that
        self.use(fetcher)
        self._concurrency = concurrency
        self._prepare = prepare
        self._pace = Pace(concurrency)
        self._unsent: list[Settlement] = []
        self._undispatched: list[UnitOfWork] = []  # empty, unless there was no memory for the last batch
        self._asked_ahead = 0
        self._wake_at = 1

    # -- questions -----------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """True when nothing is in hand, unsent or on its way."""
        return not (len(self.hand) or self._unsent or self._is_ahead)

    @property
    def is_urgent(self) -> bool:
        """True when another round is due at once."""
        if self._unsent or (self._is_ahead and not len(self.hand)):
            return True
        return bool(self.ended) and self.worth_a_trip()

    @property
    def is_watched(self) -> bool:
        """True when jobs in hand rely on others being short: not all have a slot, or one thread has them all."""
        if self._is_ahead:
            return True
        surplus = len(self.hand) > self._concurrency and (self.hand.waiting > 0 or self.hand.holds_back)
        return surplus or (self._pace.brisk and self.hand.waiting > 0)

    @property
    def is_brisk(self) -> bool:
        """True while one thread runs these jobs, and makes the rounds for them, faster than several would."""
        return self._pace.brisk and self._is_ahead and not self.hand.holds_back

    def worth_a_trip(self) -> bool:
        """Half of what is in hand is done, or nobody has work left."""
        return len(self.ended) >= self._wake_at or not (self._thread_line or self._task_line)

    @property
    def _is_ahead(self) -> bool:
        return self._reader is not None and self._reader.ahead

    # -- a round -------------------------------------------------------------------------------------------

    def use(self, fetcher: Fetcher) -> None:
        """From now on this fetcher."""
        self.fetcher = fetcher
        self._reader = fetcher if isinstance(fetcher, ReadsAhead) else None

    def turn(self, *, fetching: bool, rung: bool = False, on_job_thread: bool = False) -> bool:
        """Send what is settled and take what is wanted, in one trip.

        Args:
            fetching: False when nothing more is to be taken.
            rung: The bell was heard for this round: it is passed on when there is no use for it here.
            on_job_thread: True where the first jobs are taken by who makes the round.

        Returns:
            True when the queues had less than was asked for.

        Raises:
            Fenced: The lease was lost.
            StoreError: Redis was away or refused; the next round goes on where this one was.
        """
        self.made += 1
        was_brisk = self._pace.brisk
        self.drain()
        if was_brisk and not self._pace.brisk:
            self.hand.spread()
        if not fetching:
            self.return_unbegun()
        want = self._want() if fetching else 0
        if rung and want == 0:
            self.fetcher.pass_on()
        dry = False
        if self._is_ahead or want > 0 or self._unsent or self._undispatched:
            dry = self._exchange(want)
            self.last_s = clock.monotonic_s()
            self._dispatch(self._threads_to_wake(on_job_thread))
        self._wake_at = self._next_wake()
        return dry

    def _threads_to_wake(self, on_job_thread: bool) -> int | None:
        if not self._pace.brisk:
            return None
        return 0 if on_job_thread else 1

    def _next_wake(self) -> int:
        """How many jobs are to end before the next round."""
        in_hand = len(self.hand)
        if self.hand.holds_back:
            return 1
        # Half of it, so that the trip is over before the rest is; nearly all, when it waits for nobody.
        return max(1, in_hand - in_hand // (8 if self.is_brisk else 2))

    def drain(self) -> None:
        """Take over what the executors have ended. What `lose` has marked is not sent under the new owner."""
        take = self.ended.popleft
        ended = [take() for _ in range(len(self.ended))]
        self._pace.done(len(ended), clock.monotonic_s(), sum([one.took_s for one in ended if one.took_s > SHORT_S]))
        self.hand.drop(ended)
        self._unsent += [one.settlement for one in ended if one.settlement is not None and not one.lost]
        self.hand.fill()
        if ended:
            self._measure(ended)

    def slow_down(self) -> None:
        """These jobs are not short: every thread is wanted, and if none has ended, what has no slot goes back."""
        if self.ended:
            self._pace.brisk = False
            self.hand.spread()
        else:
            self._pace.forget()
            self.return_unbegun()

    def return_unbegun(self) -> None:
        """What no executor has begun goes back to its queue with the next round."""
        self._unsent += [Settlement(unit, "back", 0.0, None) for unit in self.take_unbegun()]

    def take_unbegun(self) -> list[UnitOfWork]:
        """What no executor has begun; it will not run here any more."""
        units = [*(execution.unit for execution in self.hand.take_back()), *self._undispatched]
        self._undispatched.clear()
        return units

    def lose(self) -> None:
        """Nothing in hand is ours any more: refuse its outcomes."""
        for execution in self.hand:
            execution.lost = True
        self.take_unbegun()
        self._unsent.clear()
        self.results.clear()

    def close(self) -> None:
        """Let go of connections."""
        if self._keeper is not None:
            self._keeper.close()

    def send_the_rest(self) -> None:
        """Settle what has ended, take nothing; raises like `turn`."""
        self.drain()
        if self._unsent:
            self._keep_results()
            self.fetcher.exchange(self._unsent, 0)
            self._unsent = []

    def _want(self) -> int:
        allowed = self._concurrency if self.hand.is_mixed else self._pace.allowed
        return max(0, allowed - len(self.hand) - len(self._undispatched))

    def _exchange(self, want: int) -> bool:
        """Take what was asked for ahead, or else ask now; and ask ahead while jobs are short."""
        if self.results:
            self._keep_results()
        reader = self._reader
        ahead = reader is not None and want - self._concurrency >= LEAST_AHEAD
        if reader is not None and reader.ahead:
            units, asked = reader.finish(), self._asked_ahead
        else:
            asked = want - want // 2 if ahead else want
            units, self._unsent = self.fetcher.exchange(self._unsent, asked), []
        self._undispatched.extend(units[:want])
        # Jobs turned out long meanwhile, or we are quiet: what has no slot is not ours.
        self._unsent += [Settlement(unit, "back", 0.0, None) for unit in units[want:]]
        if len(units) < asked:
            return True
        if ahead and reader is not None:
            self._asked_ahead = want - len(units)
            if reader.begin(self._unsent, self._asked_ahead):
                self._unsent = []
        return False

    def _keep_results(self) -> None:
        """Before their jobs are acknowledged: who knows that a job is done finds its result. Forgotten when kept."""
        some = list(self.results)
        if some and self._keeper is not None:
            self._keeper.keep(self.fetcher.owner, some)
        for _ in some:
            self.results.popleft()

    def _dispatch(self, wake: int | None) -> None:
        executions: list[Execution] = []
        settled: list[Settlement] = []
        for unit in self._undispatched:
            made = self._prepare(unit)
            if isinstance(made, Settlement):
                settled.append(made)
            else:
                executions.append(made)
        self._unsent += settled
        self._undispatched.clear()  # only now: without memory for all of this they are tried again
        self.hand.take(executions, wake=wake)
