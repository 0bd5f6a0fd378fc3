"""The suite that every fetcher must pass, whoever wrote it. It needs a real server, and no test runner of its own.

A subclass says how its fetcher is made; pytest collects it, because its name begins with ``Test``::

    class TestMyFetcher(FetcherConformance):
        def make_fetcher(self, app, queues, owner):
            return MyFetcher(app.connections, app.keys, queues, owner, lease_s=app.settings.worker.lease_s)

The fixture ``app`` is the subclass's, or its project's: for each test an `App` that has not connected yet, on an
**empty** server that nobody else uses and that allows ``CONFIG``.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..contract.work import Fenced, Fetcher, UnitOfWork
from ..errors import StoreError
from ..job.record import loads
from .bench import OWNER, QUEUE, Bench
from .checks import equal, holds, insisting, raises
from .jobs import bytes_of, payloads, settle

if TYPE_CHECKING:
    from ..app import App

LATE = "conformance-2"
LATER_S = 60.0
KEPT = b'{"jid":"kept"}'
SHARED = 200
MANY = 2_500  # so many settlements do not fit into one request of a thousand


class FetcherConformance(Bench):
    """Each promise of `offsider.contract.work.Fetcher`, and the layout in Redis that recovery rests on.

    What it looks at: the queues' lists, ``owners`` (owner → end of its lease in ms of server time) and
    ``inflight:<owner>`` (field → payload), under the name that the fetcher has at that time.
    """

    # -- taking --------------------------------------------------------------------------------------------

    def test_the_oldest_job_is_taken_first(self, app: App) -> None:
        """In the order in which they were pushed, over several requests."""
        fetcher, _redis = self._ready(app, 5)
        taken = [*fetcher.exchange((), 2), *fetcher.exchange((), 3)]
        equal(bytes_of(taken), payloads(0, 1, 2, 3, 4), "the jobs in the order of their taking")

    def test_queues_are_looked_at_in_their_order(self, app: App) -> None:
        """A lower queue waits until the higher one is empty."""
        fetcher, redis = self._ready(app, 0, ["high", "low"])
        for queue in ("low", "high"):
            redis.push(queue, range(2))
        taken = [*fetcher.exchange((), 3), *fetcher.exchange((), 3)]
        equal([unit.queue for unit in taken], ["high", "high", "low", "low"], "the queues in order")

    def test_no_more_is_taken_than_asked_for(self, app: App) -> None:
        """Neither more than wanted in all queues together, nor anything when nothing is wanted."""
        fetcher, redis = self._ready(app, 2, [QUEUE, "other"])
        redis.push("other", range(2, 5))
        equal(len(fetcher.exchange((), 0)), 0, "jobs taken for want=0")
        equal(len(fetcher.exchange((), 3)), 3, "jobs taken for want=3")
        equal(len(fetcher.exchange((), 10)), 2, "jobs taken where fewer are left")
        equal(fetcher.exchange((), 10), [], "jobs of empty queues")

    def test_a_unit_has_the_bytes_of_the_queue(self, app: App) -> None:
        """Whatever they are: what is no job is for the worker to judge."""
        fetcher, redis = self._ready(app, 0)
        raw = b"\x00\xff not JSON \r\n"
        redis.ask("LPUSH", app.keys.queue(QUEUE), raw)
        units = fetcher.exchange((), 1)
        equal([(unit.queue, unit.payload) for unit in units], [(QUEUE, raw)], "queue and payload")

    def test_two_fetchers_never_get_the_same_job(self, app: App) -> None:
        """Both empty one queue at once; each job is taken by one of them."""
        first, redis = self._ready(app, SHARED)
        second = self._opened(app, owner=LATE)
        taken: list[bytes] = []
        together = threading.Barrier(2)

        def work(fetcher: Fetcher) -> None:
            together.wait(10)
            units = fetcher.exchange((), 3)
            while units:
                taken.extend(bytes_of(units))
                units = fetcher.exchange(settle(units, "done"), 3)

        threads = [threading.Thread(target=work, args=(fetcher,), daemon=True) for fetcher in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        equal(sorted(taken), sorted(payloads(*range(SHARED))), "the jobs of both")
        equal(redis.waiting(QUEUE), [], "the queue")

    # -- in flight -----------------------------------------------------------------------------------------

    def test_an_unsettled_job_stays_in_flight_under_its_owner(self, app: App) -> None:
        """A job never leaves Redis before it is settled."""
        fetcher, redis = self._ready(app, 3)
        units = fetcher.exchange((), 2)
        equal(redis.in_flight(fetcher.owner), payloads(0, 1), "in flight")
        fetcher.exchange(settle(units[:1], "done"), 1)
        equal(redis.in_flight(fetcher.owner), payloads(1, 2), "in flight after one is done")

    def test_the_lease_ends_in_server_time(self, app: App) -> None:
        """No later than the settings say, so that a dead owner's jobs are recovered in time."""
        fetcher, redis = self._ready(app, 0)
        lease_s = app.settings.worker.lease_s
        left_s = redis.lease_left_s(OWNER)
        holds(0 < left_s <= lease_s, f"the new lease ends in {left_s} s; expected {lease_s}")
        redis.end_lease(OWNER)
        equal(fetcher.renew(), True, "renew() of a lease that has ended and that nobody has taken")
        left_s = redis.lease_left_s(OWNER)
        holds(lease_s / 2 < left_s <= lease_s, f"the renewed lease ends in {left_s} s; expected {lease_s}")

    # -- settling ------------------------------------------------------------------------------------------

    def test_done_ends_a_job(self, app: App) -> None:
        """It is nowhere any more."""
        self._settles_once(app, "done", None)

    def test_retry_moves_a_job_once(self, app: App) -> None:
        """To the retries, with the given payload, due after the delay."""
        self._settles_once(app, "retry", app.keys.retry, delay_s=LATER_S)

    def test_schedule_moves_a_job_once(self, app: App) -> None:
        """To the schedule, with the given payload, due after the delay."""
        self._settles_once(app, "schedule", app.keys.schedule, delay_s=LATER_S)

    def test_dead_moves_a_job_once(self, app: App) -> None:
        """To the dead set, with the given payload and the time of its death."""
        self._settles_once(app, "dead", app.keys.dead)

    def test_quarantine_moves_a_job_once(self, app: App) -> None:
        """To the quarantine, with the given payload and the time."""
        self._settles_once(app, "quarantine", app.keys.quarantine)

    def test_back_puts_a_job_into_its_queue_once(self, app: App) -> None:
        """Unchanged, and it is the next to be taken."""
        fetcher, redis = self._ready(app, 2)
        back = settle(fetcher.exchange((), 1), "back")
        fetcher.exchange(back, 0)
        equal(redis.waiting(QUEUE), payloads(0, 1), "the queue, next one first")
        equal(redis.in_flight(fetcher.owner), [], "in flight")
        redis.remove(app.keys.queue(QUEUE))
        fetcher.exchange(back, 0)
        equal(redis.waiting(QUEUE), [], "the queue after the same settlement again")

    def test_jobs_that_are_put_back_keep_their_order(self, app: App) -> None:
        """Of several in one request the oldest is the next to be taken."""
        fetcher, redis = self._ready(app, 4)
        fetcher.exchange(settle(fetcher.exchange((), 3), "back"), 0)
        equal(redis.waiting(QUEUE), payloads(0, 1, 2, 3), "the queue, next one first")

    def test_a_call_takes_as_many_settlements_as_there_are(self, app: App) -> None:
        """Of all kinds; and what is wanted is taken in the same call."""
        fetcher, redis = self._ready(app, MANY)
        units: list[UnitOfWork] = []
        while len(units) < MANY:
            units += fetcher.exchange((), MANY - len(units))
        redis.push(QUEUE, [MANY])
        settled = [
            *settle(units[0::3], "done"),
            *settle(units[1::3], "retry", delay_s=LATER_S),
            *settle(units[2::3], "dead"),
        ]
        equal(bytes_of(fetcher.exchange(settled, 5)), payloads(MANY), "taken with the settlements")
        equal(redis.in_flight(fetcher.owner), payloads(MANY), "in flight")
        equal(sorted(redis.members(app.keys.retry)), sorted(bytes_of(units[1::3])), "retries")
        equal(sorted(redis.members(app.keys.dead)), sorted(bytes_of(units[2::3])), "dead")

    def test_a_full_redis_still_settles(self, app: App) -> None:
        """No memory is left, and it drains all the same; the lease is prolonged."""
        fetcher, redis = self._ready(app, 3)
        units = fetcher.exchange((), 2)
        settled = [*settle(units[:1], "done"), *settle(units[1:], "retry", delay_s=LATER_S)]
        with redis.full():
            taken = fetcher.exchange(settled, 1)
            equal(fetcher.renew(), True, "renew()")
        equal(bytes_of(taken), payloads(2), "taken")
        equal(redis.in_flight(fetcher.owner), payloads(2), "in flight")
        equal(redis.members(app.keys.retry), payloads(1), "retries")

    # -- fencing -------------------------------------------------------------------------------------------

    def test_who_lost_its_lease_is_fenced_and_moves_nothing(self, app: App) -> None:
        """Its jobs run elsewhere: a late acknowledgement, retry or hand-over changes nothing."""
        fetcher, redis = self._ready(app, 3)
        units = fetcher.exchange((), 3)
        settled = [*settle(units[:1], "done"), *settle(units[1:2], "retry"), *settle(units[2:], "back")]
        equal(redis.recover(fetcher.owner), 3, "jobs given back by another process")
        before = redis.waiting(QUEUE)
        for again in (settled, settled, ()):
            raises(Fenced, lambda again=again: fetcher.exchange(again, 1))  # type: ignore[misc]
        equal(redis.waiting(QUEUE), before, "the queue")
        equal(redis.members(app.keys.retry), [], "retries")
        equal(redis.in_flight(fetcher.owner), [], "in flight")

    def test_a_lost_lease_is_not_renewed(self, app: App) -> None:
        """`renew` says so, and does not open it again."""
        fetcher, redis = self._ready(app, 1)
        fetcher.exchange((), 1)
        equal(fetcher.renew(), True, "renew() before")
        redis.recover(fetcher.owner)
        equal([fetcher.renew(), fetcher.renew()], [False, False], "renew() after")
        equal(redis.owners(), [], "owners")

    # -- connections that fail -------------------------------------------------------------------------------

    def test_jobs_of_a_lost_reply_are_taken_once(self, app: App) -> None:
        """Redis gave jobs and the answer never came: they are had with a later request, each once."""
        proxy = self._through_a_proxy(app)
        fetcher, redis = self._ready(app, 5)
        fetcher.exchange((), 1)  # the connection is open and the script is known: the next reply is the one to lose
        proxy.lose_reply()
        taken = insisting(lambda: fetcher.exchange((), 3))
        equal(proxy.lost, 1, "lost replies")
        taken += fetcher.exchange((), 4 - len(taken))
        equal(sorted(bytes_of(taken)), payloads(1, 2, 3, 4), "taken in all")
        fetcher.exchange(settle(taken, "done"), 5)
        equal((redis.in_flight(fetcher.owner), redis.waiting(QUEUE)), (payloads(0), []), "in flight, and waiting")

    def test_settlements_of_a_lost_reply_move_once(self, app: App) -> None:
        """The same settlements again change nothing, and the jobs that came with the lost answer are had."""
        proxy = self._through_a_proxy(app)
        fetcher, redis = self._ready(app, 5)
        units = fetcher.exchange((), 3)
        settled = [
            *settle(units[:1], "done"),
            *settle(units[1:2], "retry", delay_s=LATER_S),
            *settle(units[2:], "schedule", delay_s=LATER_S),
        ]
        proxy.lose_reply()
        taken = insisting(lambda: fetcher.exchange(settled, 2))
        equal(proxy.lost, 1, "lost replies")
        equal(sorted(bytes_of(taken)), payloads(3, 4), "taken")
        equal(redis.in_flight(fetcher.owner), payloads(3, 4), "in flight")
        kept = redis.members(app.keys.retry), redis.members(app.keys.schedule)
        equal(kept, (payloads(1), payloads(2)), "retries, and scheduled")

    def test_a_request_that_arrives_late_changes_nothing(self, app: App) -> None:
        """Its connection broke, the fetcher went on without it, and then Redis gets it after all."""
        proxy = self._through_a_proxy(app)
        fetcher, redis = self._ready(app, 5)
        units = fetcher.exchange((), 2)
        proxy.hold_request()
        settled = [*settle(units[:1], "done"), *settle(units[1:], "retry", delay_s=LATER_S)]
        taken = insisting(lambda: fetcher.exchange(settled, 1))
        proxy.deliver()
        equal(bytes_of(taken), payloads(2), "taken")
        equal(redis.in_flight(fetcher.owner), payloads(2), "in flight")
        equal((redis.waiting(QUEUE), len(redis.owners())), (payloads(3, 4), 1), "the queue, and number of owners")
        equal(redis.members(app.keys.retry), payloads(1), "retries")

    def test_an_outage_is_told_and_loses_nothing(self, app: App) -> None:
        """`StoreError` while Redis is away; afterwards the same request goes through."""
        proxy = self._through_a_proxy(app)
        fetcher, redis = self._ready(app, 2)
        settled = settle(fetcher.exchange((), 1), "retry", delay_s=LATER_S)
        proxy.cut()
        for _attempt in range(2):
            raises(StoreError, lambda: fetcher.exchange(settled, 1))
        raises(StoreError, self._made(app, owner=LATE).open)
        proxy.mend()
        equal(bytes_of(fetcher.exchange(settled, 1)), payloads(1), "taken afterwards")
        equal(redis.members(app.keys.retry), payloads(0), "retries")

    def test_a_hand_over_of_a_lost_reply_happens_once(self, app: App) -> None:
        """`retire` again after a lost answer hands nothing back twice."""
        proxy = self._through_a_proxy(app)
        fetcher, redis = self._ready(app, 3)
        units = fetcher.exchange((), 2)
        self._opened(app, owner=LATE).retire((), ())  # the script is known: the next reply is the one to lose
        proxy.lose_reply()
        insisting(lambda: fetcher.retire(units, ()))
        equal(proxy.lost, 1, "lost replies")
        equal(redis.waiting(QUEUE), payloads(0, 1, 2), "the queue, next one first")

    # -- waiting -------------------------------------------------------------------------------------------

    def test_wait_ends_with_the_bell(self, app: App) -> None:
        """True as soon as a job is pushed, long before the time is over; the job is still there to be taken."""
        fetcher, redis = self._ready(app, 0)
        heard: list[bool] = []
        waiting = threading.Thread(target=lambda: heard.append(fetcher.wait(30.0)), daemon=True)
        waiting.start()
        redis.push(QUEUE, [0])
        redis.ask("LPUSH", app.keys.bell(QUEUE), "1")
        waiting.join(10)
        equal(heard, [True], "wait() beside a push")
        equal(bytes_of(fetcher.exchange((), 1)), payloads(0), "taken")

    def test_wait_ends_with_its_time(self, app: App) -> None:
        """False when nothing was pushed."""
        equal(self._opened(app).wait(0.1), False, "wait() without a push")

    def test_a_ring_is_passed_on_while_there_are_jobs(self, app: App) -> None:
        """Who was woken and has no free slot wakes another one; without a job nobody is woken."""
        first, redis = self._ready(app, 0)
        second = self._opened(app, owner=LATE)
        first.pass_on()
        equal(second.wait(0.1), False, "wait() of another one, while the queue is empty")
        redis.push(QUEUE, [0])
        first.pass_on()
        equal(second.wait(3.0), True, "wait() of another one, while a job is there")

    # -- the end -------------------------------------------------------------------------------------------

    def test_retire_hands_back_so_that_the_oldest_is_taken_first(self, app: App) -> None:
        """And the owner is gone: nothing is left to recover."""
        fetcher, redis = self._ready(app, 4)
        fetcher.retire(fetcher.exchange((), 3), ())
        equal(redis.waiting(QUEUE), payloads(0, 1, 2, 3), "the queue, next one first")
        equal((redis.owners(), redis.in_flight(fetcher.owner)), ([], []), "owners, and in flight")

    def test_what_is_abandoned_is_left_for_recovery(self, app: App) -> None:
        """Its body may still run: it is in no queue before the lease has ended, and not lost after."""
        fetcher, redis = self._ready(app, 2)
        back, abandoned = fetcher.exchange((), 2)
        fetcher.retire([back], [abandoned])
        equal(redis.waiting(QUEUE), payloads(0), "the queue")
        equal(redis.owners(), [fetcher.owner], "owners")
        redis.recover(fetcher.owner)
        equal(sorted(loads(one)["jid"] for one in redis.waiting(QUEUE)), ["job-0", "job-1"], "after recovery")
        equal(redis.in_flight(fetcher.owner), [], "in flight after recovery")

    def test_close_tolerates_twice_and_never_opened(self, app: App) -> None:
        """Closing is for the end of everything: it never fails."""
        opened, never = self._opened(app), self._made(app, owner=LATE)
        for fetcher in (opened, never, opened, never):
            fetcher.close()

    # -- steps ---------------------------------------------------------------------------------------------

    def _settles_once(self, app: App, kind: str, key: str | None, *, delay_s: float = 0.0) -> None:
        fetcher, redis = self._ready(app, 1)
        settled = settle(fetcher.exchange((), 1), kind, delay_s=delay_s, kept=KEPT)
        fetcher.exchange(settled, 1)
        equal(redis.in_flight(fetcher.owner), [], "in flight")
        if key is not None:
            equal(redis.members(key), [KEPT], f"kept as {kind}")
            due_s = redis.due_in_s(key, KEPT)
            holds(abs(due_s - delay_s) < LATER_S / 4, f"{kind} is due in {due_s} s; expected {delay_s}")
            redis.remove(key)
        fetcher.exchange(settled, 1)
        equal(redis.members(key) if key else [], [], f"kept as {kind} after the same settlement again")
        equal(redis.waiting(QUEUE), [], "the queue")
