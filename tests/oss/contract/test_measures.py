"""Tallies add up and leave what they were given alone."""

from __future__ import annotations

from offsider.contract.measures import Tally, Window, processed


def test_a_tally_counts_another_in_and_leaves_it_alone() -> None:
    one = Tally(2, 1, 10.0, {0: 1}, 5.0, {0: 2})
    other = Tally(3, 0, 20.0, {0: 1, 4: 2}, 7.0, {25: 3})
    one.add(other)
    assert one == Tally(5, 1, 30.0, {0: 2, 4: 2}, 12.0, {0: 2, 25: 3})
    assert other == Tally(3, 0, 20.0, {0: 1, 4: 2}, 7.0, {25: 3})
    one.add(one)
    assert one.processed == 10


def test_attempts_are_those_of_jobs_and_not_those_of_queues_again() -> None:
    window = Window(1, {"a": Tally(2), "b": Tally(3)}, {"mail": Tally(5)})
    assert processed([window, window]) == 10
