"""The engine on a real cluster: a namespace lies on one node, and many namespaces on many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from offsider import App, Retry
from offsider.contract.work import Fetcher
from offsider.errors import ConfigError, RedisRefused
from offsider.store.connection import Connections
from offsider.testing.conformance import FetcherConformance
from offsider.worker.ahead import ReadAheadFetcher
from offsider.worker.fetch import Limits
from offsider.worker.order import QueueOrder
from offsider.worker.worker import Worker
from support.cluster import Cluster
from support.ledger import Ledger
from support.server import Server
from support.waiting import until

MakeApp = Callable[..., App]
StartWorker = Callable[..., Worker]

THROUGH_A_PROXY = {
    "test_a_hand_over_of_a_lost_reply_happens_once",
    "test_a_request_that_arrives_late_changes_nothing",
    "test_an_outage_is_told_and_loses_nothing",
    "test_jobs_of_a_lost_reply_are_taken_once",
    "test_settlements_of_a_lost_reply_move_once",
}


class TestFetcherOnACluster(FetcherConformance):
    """The suite that every fetcher must pass."""

    @pytest.fixture
    def app(self, cluster: Cluster, make_app: MakeApp, request: pytest.FixtureRequest) -> App:
        """One on the cluster; where a test puts a proxy before Redis, on the node that has the namespace."""
        return make_app(cluster.owner().url if request.node.name in THROUGH_A_PROXY else cluster.url)

    def make_fetcher(self, app: App, queues: Sequence[str], owner: str) -> Fetcher:
        """The fetcher of a worker."""
        order = QueueOrder(dict.fromkeys(queues, 0))
        limits = Limits(lease_s=app.settings.worker.lease_s)
        return ReadAheadFetcher(app.connections, app.keys, order, owner=owner, limits=limits)


def test_jobs_of_every_kind_run(ledger: Ledger, start_worker: StartWorker) -> None:
    start_worker(ledger.app)
    ledger.note.enqueue(1)
    ledger.anote.enqueue(2)
    ledger.note.using(delay=0.2).enqueue(3)
    ledger.note.enqueue_many([(number,) for number in range(4, 2000)])
    asyncio.run(aenqueue(ledger, 2000))
    ledger.wait_for(range(1, 2001))
    assert not ledger.twice


async def aenqueue(ledger: Ledger, number: int) -> None:
    await ledger.note.aenqueue(number)
    await ledger.app.leave_loop()


def test_a_failed_job_is_retried(cluster: Cluster, make_app: MakeApp, start_worker: StartWorker) -> None:
    app = make_app(cluster.url)
    attempts: list[int] = []

    @app.job(name="flaky", retry=Retry(max=3, delay=0.05))
    def flaky() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError("not yet")

    start_worker(app)
    flaky.enqueue()
    until(lambda: len(attempts) == 3, 30, "the third attempt")


def test_jobs_of_a_dead_process_are_given_back(ledger: Ledger, start_worker: StartWorker) -> None:
    app = ledger.app
    ledger.note.enqueue(1)
    gone = ReadAheadFetcher(
        app.connections, app.keys, QueueOrder({"default": 0}), owner="gone:1:x/default/1", limits=Limits(lease_s=2)
    )
    gone.open()
    assert len(gone.exchange((), 1)) == 1
    gone.close()
    start_worker(app)
    ledger.wait_for([1])


def test_the_data_api_answers(ledger: Ledger, start_worker: StartWorker) -> None:
    app = ledger.app
    jid = ledger.note.using(queue="idle", delay=60).enqueue(1)
    ledger.note.using(queue="idle").enqueue(2)
    start_worker(app)
    assert app.queues["idle"].size == 1
    assert len(app.scheduled) == 1
    assert app.why(str(jid)).place == "schedule"
    until(lambda: len(list(app.processes)) == 1, 15, "the process is listed")
    assert app.stats is not None
    assert app.cancel(str(jid))


def test_namespaces_spread_over_the_nodes(cluster: Cluster, make_app: MakeApp, start_worker: StartWorker) -> None:
    ledgers = {name: Ledger(make_app(cluster.url, namespace=name)) for name in ("eu", "us", "asia", "offsider")}
    assert len({cluster.owner(name).port for name in ledgers}) > 1
    for number, ledger in enumerate(ledgers.values()):
        start_worker(ledger.app, concurrency=1)
        ledger.note.enqueue(number)
    for number, (name, ledger) in enumerate(ledgers.items()):
        ledger.wait_for([number])
        assert cluster.owner(name).tell("EXISTS", f"{{{name}}}:queues") == 1


# -- what cannot be -------------------------------------------------------------------------------------------------


def test_without_a_namespace_a_cluster_is_refused(cluster: Cluster, make_app: MakeApp) -> None:
    app = make_app(cluster.url, namespace="")
    with pytest.raises(ConfigError, match=r"namespace is empty and redis\.url is a cluster"):
        app.connections  # noqa: B018 - it is made here


def test_a_single_server_is_no_cluster(make_server: Callable[..., Server]) -> None:
    connections = Connections(make_server().url.replace("redis://", "redis+cluster://"), namespace="offsider")
    with pytest.raises(ConfigError, match="belongs to none: write redis://"):
        connections.wire("test", read_timeout_s=5).command("PING")


def test_a_node_of_a_cluster_is_no_single_server(cluster: Cluster, make_app: MakeApp) -> None:
    wrong = make_app(cluster.other().url)
    with pytest.raises(RedisRefused, match=r"Write redis.url as redis\+cluster://"):
        Ledger(wrong).note.enqueue(1)
