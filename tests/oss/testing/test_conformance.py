"""The house's own fetcher passes the suite, and each test of the suite fails for a fetcher that breaks its promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest
import redis

from offsider import App
from offsider.contract.work import Fenced, Fetcher, Settlement, UnitOfWork
from offsider.errors import RedisUnavailable, StoreError
from offsider.testing.conformance import FetcherConformance
from offsider.worker.ahead import ReadAheadFetcher
from offsider.worker.fetch import LeaseFetcher, Limits
from offsider.worker.order import QueueOrder
from support.broken import assert_all_fail, assert_fails, pairs


class TestLeaseFetcher(FetcherConformance):
    """The suite as a third party uses it."""

    fetcher: ClassVar[type[LeaseFetcher]] = LeaseFetcher

    def make_fetcher(self, app: App, queues: Sequence[str], owner: str) -> Fetcher:
        """The lease fetcher with strict queues."""
        order = QueueOrder(dict.fromkeys(queues, 0))
        limits = Limits(lease_s=app.settings.worker.lease_s)
        return self.fetcher(app.connections, app.keys, order, owner=owner, limits=limits)


class TestReadAheadFetcher(TestLeaseFetcher):
    """The one that a worker uses passes the same suite."""

    fetcher: ClassVar[type[LeaseFetcher]] = ReadAheadFetcher


class NewestFirst(LeaseFetcher):
    """Hands out what it took in the wrong order."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        return super().exchange(settled, want)[::-1]


class LowestFirst(LeaseFetcher):
    """Looks at the queues from behind."""

    def open(self) -> None:
        self._order = QueueOrder(dict.fromkeys(reversed(self._order.names), 0))
        super().open()


class Greedy(LeaseFetcher):
    """Takes one more than it was asked for."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        return super().exchange(settled, want + 1)


class Cleaner(LeaseFetcher):
    """Makes the payload tidy."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        units = super().exchange(settled, want)
        return [UnitOfWork(one.field, one.queue, one.payload.strip()) for one in units]


class Peeking(LeaseFetcher):
    """Looks at a job before it takes one: between the two somebody else does the same."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        key = self._keys.queue(self._order.names[0])
        seen: list[bytes] = self._wire.command("LRANGE", key, -1, -1)
        units = super().exchange(settled, min(want, 1))
        return [UnitOfWork(one.field, one.queue, seen[0]) for one in units if seen]


class Destructive(LeaseFetcher):
    """Takes jobs out of Redis before they are done, as a blocking pop does."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        units = super().exchange(settled, want)
        self._wire.command("DEL", self._inflight)
        return units


class Eternal(LeaseFetcher):
    """Has a lease that never ends."""

    def open(self) -> None:
        super().open()
        self._lease.command("ZADD", self._keys.owners, 2e15, self.owner)


class Unfenced(LeaseFetcher):
    """Writes what is settled without a look at who holds it, and does not notice that it was recovered."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        keys = {
            "retry": self._keys.retry,
            "schedule": self._keys.schedule,
            "dead": self._keys.dead,
            "quarantine": self._keys.quarantine,
        }
        for one in settled:
            if one.kind in keys:
                self._wire.command("ZADD", keys[one.kind], 1, one.payload or b"")
            elif one.kind == "back":
                self._wire.command("RPUSH", self._keys.queue(one.unit.queue), one.unit.payload)
            self._wire.command("HDEL", self._inflight, one.unit.field)
        try:
            return super().exchange((), want)
        except Fenced:
            return []


class Forgetful(LeaseFetcher):
    """Acknowledges nothing."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        return super().exchange((), want)


class Unordered(LeaseFetcher):
    """Puts back in the order that is easiest."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        if settled and settled[0].kind == "back":
            self._wire.command("HDEL", self._inflight, *[one.unit.field for one in settled])
            self._wire.command("RPUSH", self._keys.queue(self._order.names[0]), *[one.unit.payload for one in settled])
            return []
        return super().exchange(settled, want)


class Bounded(LeaseFetcher):
    """Sends no more than a thousand settlements and forgets the others."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        return super().exchange(settled[:1000], want)


class Growing(LeaseFetcher):
    """Begins with a write that needs memory."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        self._wire.command("HSET", f"{self._inflight}-log", "settled", len(settled))
        return super().exchange(settled, want)


class Optimist(LeaseFetcher):
    """Believes that it still holds its lease, and opens it again."""

    def renew(self) -> bool:
        self.open()
        return True


class Trusting(LeaseFetcher):
    """Does not ask what a request with a lost reply took."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        self._in_doubt = False
        return super().exchange(settled, want)


class Silent(LeaseFetcher):
    """Takes an outage for an empty queue."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        try:
            return super().exchange(settled, want)
        except StoreError:
            return []


class Twice(LeaseFetcher):
    """Hands back without a look at what it still holds, the newest last."""

    def retire(self, back: Sequence[UnitOfWork], abandoned: Sequence[UnitOfWork]) -> None:
        for one in back:
            self._wire.command("RPUSH", self._keys.queue(one.queue), one.payload)
        super().retire((), abandoned)


class Hasty(LeaseFetcher):
    """Hands back what may still run."""

    def retire(self, back: Sequence[UnitOfWork], abandoned: Sequence[UnitOfWork]) -> None:
        super().retire([*back, *abandoned], ())


class Deaf(LeaseFetcher):
    """Does not hear the bell."""

    def wait(self, timeout_s: float) -> bool:
        return False


class Selfish(LeaseFetcher):
    """Keeps a ring to itself."""

    def pass_on(self) -> None:
        """Wakes nobody."""


class Nervous(LeaseFetcher):
    """Hears a bell that nobody rang."""

    def wait(self, timeout_s: float) -> bool:
        return True


class Fragile(LeaseFetcher):
    """Can be closed once."""

    def close(self) -> None:
        if self._wire._closed:
            raise RedisUnavailable("closed already")
        super().close()


BROKEN: dict[type[LeaseFetcher], list[str]] = {
    NewestFirst: ["the_oldest_job_is_taken_first"],
    LowestFirst: ["queues_are_looked_at_in_their_order"],
    Greedy: ["no_more_is_taken_than_asked_for"],
    Cleaner: ["a_unit_has_the_bytes_of_the_queue"],
    Peeking: ["two_fetchers_never_get_the_same_job"],
    Destructive: ["an_unsettled_job_stays_in_flight_under_its_owner", "what_is_abandoned_is_left_for_recovery"],
    Eternal: ["the_lease_ends_in_server_time"],
    Unfenced: [
        "retry_moves_a_job_once",
        "schedule_moves_a_job_once",
        "dead_moves_a_job_once",
        "quarantine_moves_a_job_once",
        "back_puts_a_job_into_its_queue_once",
        "who_lost_its_lease_is_fenced_and_moves_nothing",
    ],
    Forgetful: ["done_ends_a_job", "settlements_of_a_lost_reply_move_once"],
    Unordered: ["jobs_that_are_put_back_keep_their_order"],
    Bounded: ["a_call_takes_as_many_settlements_as_there_are"],
    Growing: ["a_full_redis_still_settles"],
    Optimist: ["a_lost_lease_is_not_renewed"],
    Trusting: [
        "jobs_of_a_lost_reply_are_taken_once",
        "settlements_of_a_lost_reply_move_once",
        "a_request_that_arrives_late_changes_nothing",
    ],
    Silent: ["an_outage_is_told_and_loses_nothing"],
    Twice: ["a_hand_over_of_a_lost_reply_happens_once", "retire_hands_back_so_that_the_oldest_is_taken_first"],
    Hasty: ["what_is_abandoned_is_left_for_recovery"],
    Deaf: ["wait_ends_with_the_bell"],
    Selfish: ["a_ring_is_passed_on_while_there_are_jobs"],
    Nervous: ["wait_ends_with_its_time"],
    Fragile: ["close_tolerates_twice_and_never_opened"],
}


@pairs(BROKEN)
def test_a_broken_fetcher_fails(kind: type[LeaseFetcher], name: str, make_app: Callable[..., App]) -> None:
    assert_fails(TestLeaseFetcher(), kind, name, make_app(), StoreError, tidy=kind is not Fragile)


def test_every_test_of_the_suite_is_seen_to_fail() -> None:
    assert_all_fail(FetcherConformance, BROKEN)


def test_the_suite_refuses_an_app_that_is_connected_already(app: App, raw: redis.Redis) -> None:
    suite = TestLeaseFetcher()
    suite.setup_method()
    assert app.connections.url
    with pytest.raises(RuntimeError, match="connected already"):
        suite.test_jobs_of_a_lost_reply_are_taken_once(app)
    suite.teardown_method()
    assert raw.zcard("{offsider}:owners") == 0


def test_a_subclass_that_makes_no_fetcher_is_told_what_to_define() -> None:
    class TestNothing(FetcherConformance):
        """Defines nothing."""

    with pytest.raises(TypeError, match=r"abstract class TestNothing .*make_fetcher"):
        TestNothing()  # type: ignore[abstract]
