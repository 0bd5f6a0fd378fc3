"""A cluster for each test process, started when the first test asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offsider import App
from support.cluster import Cluster
from support.ledger import Ledger

MakeApp = Callable[..., App]


@pytest.fixture(scope="session")
def session_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three masters, for all tests of this process."""
    one = Cluster(tmp_path_factory.mktemp("cluster"), "--appendonly", "no").start()
    yield one
    one.stop()


@pytest.fixture
def cluster(session_cluster: Cluster) -> Cluster:
    """The same, empty."""
    session_cluster.empty()
    return session_cluster


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Clusters of the test's own, to be broken."""
    made: list[Cluster] = []

    def make(*options: str) -> Cluster:
        one = Cluster(tmp_path / f"cluster{len(made)}", *options)
        made.append(one)
        return one.start()

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def ledger(cluster: Cluster, make_app: MakeApp) -> Ledger:
    """An app on the cluster whose jobs write down that they ran."""
    return Ledger(make_app(cluster.url))
