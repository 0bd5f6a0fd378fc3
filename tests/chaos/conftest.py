"""Fixtures of the chaos tests: a seed that is told, figures that are told, fleets of worker processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import pytest

from support.fleet import Fleet
from support.proxy import FaultyProxy

SEED = "OFFSIDER_TEST_SEED"


@pytest.fixture
def seed(record_property: Callable[[str, object], None]) -> int:
    """The number all randomness of the test comes from; ``OFFSIDER_TEST_SEED`` repeats a run."""
    chosen = int(os.environ.get(SEED) or SystemRandom().randrange(1_000_000))
    record_property("seed", chosen)
    print(f"{SEED}={chosen}")
    return chosen


@pytest.fixture
def rng(seed: int) -> Random:
    """Randomness from the seed."""
    return Random(seed)


@pytest.fixture
def tell(seed: int, record_property: Callable[[str, object], None]) -> Callable[..., str]:
    """Tell figures: printed, kept in the report, returned for the message of an assertion."""

    def told(**figures: object) -> str:
        for name, value in figures.items():
            record_property(name, str(value))
        text = ", ".join(f"{name}: {value}" for name, value in figures.items())
        print(text)
        return f"{text} ({SEED}={seed})"

    return told


@pytest.fixture
def make_fleet(tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    """Fleets, each with a folder of its own."""
    made: list[Fleet] = []

    def make(url: str, **settings: Any) -> Fleet:
        fleet = Fleet(url, tmp_path / f"fleet{len(made)}", **settings)
        made.append(fleet)
        return fleet

    yield make
    for fleet in made:
        fleet.close()


@pytest.fixture
def fleet(make_fleet: Callable[..., Fleet], redis_url: str) -> Fleet:
    """One on the empty server."""
    return make_fleet(redis_url)


@pytest.fixture
def make_proxy() -> Iterator[Callable[[str], FaultyProxy]]:
    """Proxies."""
    made: list[FaultyProxy] = []

    def make(url: str) -> FaultyProxy:
        proxy = FaultyProxy.before(url)
        made.append(proxy)
        return proxy

    yield make
    for proxy in made:
        proxy.close()


@pytest.fixture
def proxy(make_proxy: Callable[[str], FaultyProxy], redis_url: str) -> FaultyProxy:
    """One before the empty server."""
    return make_proxy(redis_url)
