"""Pro's reliable fetch under fire: jobs of killed workers begin again within seconds; only the guilty are blamed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from support.fleet import Fleet
from support.reliable_storm import blamed, dead_of, killed

GUARD_S = 3.0
WITHIN_S = 5.0
BUSY_S = 10.0  # beyond it, where many tests share two cores: until their own process has the app


@pytest.fixture
def guarded_fleet(make_fleet: Callable[..., Fleet], redis_url: str) -> Fleet:
    """A fleet with Pro, whose leases are a minute."""
    return make_fleet(redis_url, lease_s=60.0, guard_s=GUARD_S)


@pytest.mark.timeout(120)
def test_jobs_of_killed_workers_are_given_back_within_seconds_and_none_is_blamed_or_lost(
    guarded_fleet: Fleet, rng: Random, tell: Callable[..., str]
) -> None:
    found = killed(guarded_fleet, rng, kills=3, workers=2, threads=4, longest_ms=40)
    figures = tell(kills=found)
    assert (found.lost, found.dead, found.unfinished) == (0, 0, 0), figures
    assert max(found.given_s, default=0.0) <= WITHIN_S + BUSY_S / 2, figures
    assert max(found.started_s, default=0.0) <= WITHIN_S + BUSY_S, figures
    assert found.broken == [], figures


@pytest.mark.timeout(120)
def test_of_twenty_jobs_one_kills_its_process_and_no_other_is_blamed(
    guarded_fleet: Fleet, rng: Random, tell: Callable[..., str]
) -> None:
    found = blamed(guarded_fleet, rng, jobs=20, poisons=1, workers=2, threads=4)
    figures = tell(blames=found)
    assert (found.innocents_dead, found.innocents_blamed) == (0, 0), figures
    assert (found.innocents_ended, found.poisons_dead) == (19, 1), figures
    assert found.workers_lost == 1, figures
    (record,) = dead_of(guarded_fleet).values()
    assert record["suspect"]["deaths"] == 3
