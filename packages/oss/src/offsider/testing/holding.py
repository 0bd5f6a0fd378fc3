"""The suite for fetchers under queue filters: what is held stays where it is, and nothing else is the worse for it.

As `offsider.testing.conformance`, and beside it, for whoever fills the fetcher slot: a fetcher that ignores
``worker.held_queues`` takes jobs that an edition or a plug-in holds.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from .bench import OWNER, QUEUE, Bench
from .checks import equal, holds
from .jobs import bytes_of, payloads, settle

if TYPE_CHECKING:
    from ..app import App
    from ..contract.work import Fetcher, QueueFilter
    from .observer import Observer

OTHER = "other"
LONGEST_S = 10.0  # how long a wait is asked for; while a queue is held it is to end after about a second
SOON_S = 5.0


class HoldingConformance(Bench):
    """Each promise about queues that are held.

    A subclass defines `make_holding_fetcher` instead of `make_fetcher`.
    """

    @abstractmethod
    def make_holding_fetcher(self, app: App, queues: Sequence[str], owner: str, held: QueueFilter) -> Fetcher:
        """What a subclass provides: a fetcher, not opened yet, that asks ``held`` which queues are held.

        Args:
            app: Its connections, keys and settings are the fetcher's.
            queues: Names, to be looked at strictly in this order.
            owner: The fetcher's owner.
            held: What ``worker.held_queues`` is to a worker's fetcher.
        """

    def make_fetcher(self, app: App, queues: Sequence[str], owner: str) -> Fetcher:
        """A fetcher under the test's filter."""
        return self.make_holding_fetcher(app, queues, owner, lambda _names: self.held)

    def setup_method(self, _method: object = None) -> None:
        """Nothing is held yet."""
        super().setup_method(_method)
        self.held: Collection[str] = ()

    # -- taking --------------------------------------------------------------------------------------------

    def test_nothing_is_taken_from_a_held_queue(self, app: App) -> None:
        """Its jobs stay, those of the others are taken; when it is free they are had."""
        fetcher, redis = self._both(app)
        self.held = {QUEUE}
        equal(bytes_of(fetcher.exchange((), 5)), payloads(2), "taken while the first queue is held")
        equal(redis.waiting(QUEUE), payloads(0, 1), "the held queue")
        self.held = ()
        equal(bytes_of(fetcher.exchange((), 5)), payloads(0, 1), "taken when it is free again")

    def test_while_all_are_held_jobs_are_settled_all_the_same(self, app: App) -> None:
        """What runs ends as always; nothing is taken."""
        fetcher, redis = self._both(app)
        units = fetcher.exchange((), 3)
        redis.push(QUEUE, [3])
        self.held = {QUEUE, OTHER}
        settled = [*settle(units[:1], "done"), *settle(units[1:], "retry", delay_s=60.0)]
        equal(fetcher.exchange(settled, 5), [], "taken while all is held")
        equal(redis.in_flight(fetcher.owner), [], "in flight")
        equal(sorted(redis.members(app.keys.retry)), payloads(1, 2), "retries")
        equal(redis.waiting(QUEUE), payloads(3), "the held queue")

    def test_jobs_go_back_to_a_held_queue(self, app: App) -> None:
        """In the same call in which others are taken; they keep their order, and are not taken again."""
        fetcher, redis = self._both(app)
        units = fetcher.exchange((), 3)
        redis.push(OTHER, [3])
        self.held = {QUEUE}
        back = [*settle(units[:2], "back"), *settle(units[2:], "done")]
        equal(bytes_of(fetcher.exchange(back, 5)), payloads(3), "taken with what goes back")
        equal(redis.waiting(QUEUE), payloads(0, 1), "the held queue, next one first")
        equal(redis.in_flight(fetcher.owner), payloads(3), "in flight")

    def test_jobs_are_handed_back_to_a_held_queue_at_the_end(self, app: App) -> None:
        """`retire` asks no filter."""
        fetcher, redis = self._both(app)
        units = fetcher.exchange((), 2)
        self.held = {QUEUE}
        fetcher.retire(units, ())
        equal(redis.waiting(QUEUE), payloads(0, 1), "the held queue, next one first")

    # -- waiting -------------------------------------------------------------------------------------------

    def test_the_bell_of_a_held_queue_is_left_for_others(self, app: App) -> None:
        """It is neither waited for nor used up."""
        fetcher, redis = self._both(app)
        redis.ask("LPUSH", app.keys.bell(QUEUE), "1")
        self.held = {QUEUE}
        equal(fetcher.wait(0.1), False, "wait() beside the bell of a held queue")
        equal(redis.ask("LLEN", app.keys.bell(QUEUE)), 1, "tokens of the bell")
        redis.ask("LPUSH", app.keys.bell(OTHER), "1")
        equal(fetcher.wait(LONGEST_S), True, "wait() beside the bell of a queue that is free")

    def test_a_wait_is_short_while_a_queue_is_held(self, app: App) -> None:
        """A second or so, so that a queue that is free again is soon looked at; it does not return at once."""
        fetcher, _redis = self._both(app)
        for held in ({QUEUE}, {QUEUE, OTHER}):
            self.held = held
            heard: list[bool] = []
            waiting = threading.Thread(target=lambda heard=heard: heard.append(fetcher.wait(LONGEST_S)), daemon=True)
            waiting.start()
            waiting.join(0.2)
            holds(not heard, f"wait() returned {heard} at once while {sorted(held)} were held: that is a busy loop")
            waiting.join(SOON_S)
            equal(heard, [False], f"wait() while {sorted(held)} were held, after {SOON_S:g} s")

    # -- steps ---------------------------------------------------------------------------------------------

    def _both(self, app: App) -> tuple[Fetcher, Observer]:
        """An open fetcher of two queues: two jobs in the first, one in the other."""
        redis = self._observe(app)
        redis.push(QUEUE, range(2))
        redis.push(OTHER, [2])
        return self._opened(app, [QUEUE, OTHER], OWNER), redis
