"""A master dies and its replica takes over: of a cluster, and under Sentinel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from offsider import App
from offsider.worker.worker import Worker
from support.cluster import Cluster
from support.ledger import Ledger
from support.sentinel import Watched
from support.server import Server
from support.waiting import until

MakeApp = Callable[..., App]
StartWorker = Callable[..., Worker]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A master, a replica and a Sentinel."""
    one = Watched(tmp_path / "watched").start()
    yield one
    one.stop()


def wait_for_copies(master: Server) -> None:
    """What a test has enqueued is with the replica: what Redis loses is not what is tested."""
    client: Any = master.client()
    offset = int(client.info("replication")["master_repl_offset"])
    until(lambda: int(client.info("replication")["slave0"]["offset"]) >= offset, 15, "the replica has all of it")
    client.close()


def test_a_replica_takes_over_a_node(
    make_cluster: Callable[..., Cluster], make_app: MakeApp, start_worker: StartWorker
) -> None:
    cluster = make_cluster("--appendonly", "no", "--repl-diskless-sync-delay", "0")
    master = cluster.owner()
    replica = cluster.add_replica(master)
    run_through(Ledger(make_app(cluster.url)), master, start_worker)
    assert cluster.owner() is replica


def test_a_replica_takes_over_under_sentinel(watched: Watched, make_app: MakeApp, start_worker: StartWorker) -> None:
    run_through(Ledger(make_app(watched.url)), watched.master, start_worker)


def run_through(ledger: Ledger, master: Server, start_worker: StartWorker) -> None:
    """Kill the master while a job runs, one waits, and one is scheduled; enqueue while nobody is the master."""
    start_worker(ledger.app, concurrency=1)
    ledger.hold.enqueue(1)
    until(lambda: ledger.holding == {1}, 15, "the first job runs")
    ledger.note.enqueue(2)
    ledger.note.using(delay=0.5).enqueue(3)
    wait_for_copies(master)
    master.kill()
    ledger.note.enqueue(4)
    ledger.release()
    ledger.wait_for([1, 2, 3, 4], 40)
    assert not ledger.twice
