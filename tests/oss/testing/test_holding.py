"""The house's own fetchers pass the suite for held queues, and each of its tests fails for one that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest

from offsider import App
from offsider.contract.work import Fetcher, QueueFilter, Settlement, UnitOfWork
from offsider.testing.holding import HoldingConformance
from offsider.worker.ahead import ReadAheadFetcher
from offsider.worker.fetch import LeaseFetcher, Limits
from offsider.worker.order import QueueOrder
from support.broken import assert_all_fail, assert_fails, pairs


class TestLeaseFetcher(HoldingConformance):
    """The suite as a third party uses it."""

    fetcher: ClassVar[type[LeaseFetcher]] = LeaseFetcher

    def make_holding_fetcher(self, app: App, queues: Sequence[str], owner: str, held: QueueFilter) -> Fetcher:
        """The lease fetcher with strict queues."""
        order = QueueOrder(dict.fromkeys(queues, 0))
        limits = Limits(lease_s=app.settings.worker.lease_s)
        return self.fetcher(app.connections, app.keys, order, owner=owner, limits=limits, held=held)


class TestReadAheadFetcher(TestLeaseFetcher):
    """The one that a worker uses."""

    fetcher: ClassVar[type[LeaseFetcher]] = ReadAheadFetcher


class Ignorant(LeaseFetcher):
    """Asks no filter."""

    def __init__(self, *given: Any, held: QueueFilter | None = None, **named: Any) -> None:
        super().__init__(*given, **named)


class Idle(LeaseFetcher):
    """Does nothing at all while everything is held."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        return [] if len(self._held_now()) == 2 else super().exchange(settled, want)


class Forgetful(LeaseFetcher):
    """Has no place for what goes back to a held queue."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        held = self._held_now()
        return super().exchange([one for one in settled if one.unit.queue not in held], want)

    def retire(self, back: Sequence[UnitOfWork], abandoned: Sequence[UnitOfWork]) -> None:
        held = self._held_now()
        super().retire([unit for unit in back if unit.queue not in held], abandoned)


class Restless(LeaseFetcher):
    """Waits for nothing while something is held."""

    def wait(self, timeout_s: float) -> bool:
        return False if self._held_now() else super().wait(timeout_s)


BROKEN: dict[type[LeaseFetcher], list[str]] = {
    Ignorant: ["nothing_is_taken_from_a_held_queue", "the_bell_of_a_held_queue_is_left_for_others"],
    Idle: ["while_all_are_held_jobs_are_settled_all_the_same"],
    Forgetful: ["jobs_go_back_to_a_held_queue", "jobs_are_handed_back_to_a_held_queue_at_the_end"],
    Restless: ["a_wait_is_short_while_a_queue_is_held"],
}


@pairs(BROKEN)
def test_a_broken_fetcher_fails(kind: type[LeaseFetcher], name: str, make_app: Callable[..., App]) -> None:
    assert_fails(TestLeaseFetcher(), kind, name, make_app())


def test_every_test_of_the_suite_is_seen_to_fail() -> None:
    assert_all_fail(HoldingConformance, BROKEN)


def test_a_subclass_that_makes_no_fetcher_is_told_what_to_define() -> None:
    class TestNothing(HoldingConformance):
        """Defines nothing."""

    with pytest.raises(TypeError, match=r"abstract class TestNothing .*make_holding_fetcher"):
        TestNothing()  # type: ignore[abstract]
