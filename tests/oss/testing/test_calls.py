"""The house's own fetchers pass the suite for calls of effects, and each of its tests fails for one that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

import pytest
import redis

from offsider import App
from offsider.contract.work import Fetcher, Settlement, UnitOfWork
from offsider.store.composer import Composer
from offsider.testing.calls import CallsConformance
from offsider.worker.ahead import ReadAheadFetcher
from offsider.worker.fetch import LeaseFetcher, Limits
from offsider.worker.order import QueueOrder
from support.broken import assert_all_fail, assert_fails, pairs


class TestLeaseFetcher(CallsConformance):
    """The suite as a third party uses it."""

    fetcher: ClassVar[type[LeaseFetcher]] = LeaseFetcher

    def make_calling_fetcher(self, app: App, queues: Sequence[str], owner: str, composer: Composer) -> Fetcher:
        """The lease fetcher with strict queues."""
        order = QueueOrder(dict.fromkeys(queues, 0))
        limits = Limits(lease_s=app.settings.worker.lease_s)
        return self.fetcher(app.connections, app.keys, order, owner=owner, limits=limits, composer=composer)


class TestReadAheadFetcher(TestLeaseFetcher):
    """The one that a worker uses."""

    fetcher: ClassVar[type[LeaseFetcher]] = ReadAheadFetcher


class Ignorant(LeaseFetcher):
    """Settles, and does no calls."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        return super().exchange([replace(one, calls=()) for one in settled], want)


class Apart(Ignorant):
    """Does the calls in requests of their own."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        for call in [call for one in settled for call in one.calls]:
            self._wire.command("HINCRBY", call.keys[0], *call.args, 1)
        return super().exchange(settled, want)


BROKEN: dict[type[LeaseFetcher], list[str]] = {
    Ignorant: ["calls_are_done_with_their_settlement_and_once", "all_calls_of_many_settlements_are_done"],
    Apart: [
        "calls_are_done_with_their_settlement_and_once",
        "who_lost_its_lease_does_no_calls",
        "calls_of_a_lost_reply_are_done_once",
        "a_call_that_cannot_be_done_holds_up_no_job",
    ],
}


@pairs(BROKEN)
def test_a_broken_fetcher_fails(kind: type[LeaseFetcher], name: str, make_app: Callable[..., App]) -> None:
    assert_fails(TestLeaseFetcher(), kind, name, make_app(), redis.ResponseError)


def test_every_test_of_the_suite_is_seen_to_fail() -> None:
    assert_all_fail(CallsConformance, BROKEN)


def test_a_subclass_that_makes_no_fetcher_is_told_what_to_define() -> None:
    class TestNothing(CallsConformance):
        """Defines nothing."""

    with pytest.raises(TypeError, match=r"abstract class TestNothing .*make_calling_fetcher"):
        TestNothing()  # type: ignore[abstract]
