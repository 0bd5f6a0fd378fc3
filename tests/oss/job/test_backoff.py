"""The wait before a retry is Sidekiq's formula."""

from __future__ import annotations

from random import Random

import pytest

from offsider.job.backoff import delay_s

DAY_S = 86_400


@pytest.mark.parametrize("attempt", [0, 1, 2, 10, 24])
def test_the_wait_is_attempt_to_the_fourth_and_15_and_up_to_ten_times_the_next_attempt(attempt: int) -> None:
    rng = Random(attempt)
    waits = {delay_s(attempt, rng=rng) for _ in range(6_000)}
    jitter_s = 10 * (attempt + 1)
    assert waits == {float(attempt**4 + 15 + second) for second in range(jitter_s)}


def test_25_attempts_take_about_20_days() -> None:
    rng = Random(1)
    total_s = sum(delay_s(attempt, rng=rng) for attempt in range(25))
    assert 20 * DAY_S < total_s < 21 * DAY_S


def test_the_same_random_numbers_make_the_same_waits() -> None:
    assert [delay_s(9, rng=Random(7)) for _ in range(2)] == [delay_s(9, rng=Random(7))] * 2
