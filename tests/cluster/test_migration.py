"""The slot of a namespace moves to another node while jobs run: nothing is lost, nothing runs twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.errors import EnqueueUncertain
from offsider.store.connection import Connections
from offsider.store.scripts import Script
from offsider.worker.worker import Worker
from support.cluster import NAMESPACE, Cluster
from support.ledger import Ledger
from support.waiting import until

MakeApp = Callable[..., App]
StartWorker = Callable[..., Worker]

GET = Script.of("get", "return redis.call('GET', KEYS[1])")
A, B = "{offsider}:a", "{offsider}:b"


@pytest.mark.parametrize("kind", ["key by key", "at once"])
def test_nothing_is_lost_or_run_twice_while_the_slot_moves(
    ledger: Ledger, cluster: Cluster, start_worker: StartWorker, kind: str
) -> None:
    if kind == "at once" and not cluster.move_at_once(NAMESPACE, cluster.other()):
        pytest.skip("this server moves slots key by key only")
    move = cluster.move if kind == "key by key" else cluster.move_at_once
    start_worker(ledger.app)
    numbers = range(3000)

    def push() -> None:
        for number in numbers:
            (ledger.note if number % 2 else ledger.anote).enqueue(number)

    pushing = threading.Thread(target=push)
    pushing.start()
    moves = 0
    while pushing.is_alive() or moves < 3:
        move(NAMESPACE, cluster.other())
        moves += 1
        before = len(ledger.ran)
        until(lambda before=before: len(ledger.ran) > before or not pushing.is_alive(), 30, "jobs run after the move")  # type: ignore[misc]
    pushing.join()
    ledger.wait_for(numbers)
    until(lambda: not ledger.app.connections.admin().keys("{offsider}:inflight:*"), 15, "all is settled")
    assert not ledger.twice


def test_a_move_that_lasts_longer_than_the_lease_loses_no_lease(
    cluster: Cluster, make_app: MakeApp, start_worker: StartWorker
) -> None:
    """While half of the keys are here and half are there, nobody can renew; and nobody is taken for dead after it."""
    ledgers = [Ledger(make_app(cluster.url, worker={"lease_s": 2.0})) for _ in range(2)]
    fenced: list[str] = []
    for ledger in ledgers:
        ledger.app.events.on("fenced", fenced.append, by="test")
        start_worker(ledger.app, concurrency=1)
    for number in (1, 2):
        ledgers[0].hold.enqueue(number)
    until(lambda: sum(len(ledger.holding) for ledger in ledgers) == 2, 15, "both jobs run")
    target = cluster.other()
    source = cluster.begin_move(NAMESPACE, target)
    owners = ledgers[0].app.keys.owners
    source.tell("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", owners)
    until(lambda: leases_have_ended(target, owners), 20, "every lease is over")
    cluster.move_keys(NAMESPACE, source, target)
    cluster.end_move(NAMESPACE, target)
    for number in (3, 4):
        ledgers[0].note.using(delay=0).enqueue(number)
    for ledger in ledgers:
        ledger.release()
    until(lambda: all(sum(one.ran[number] for one in ledgers) for number in (3, 4)), 30, "other jobs run")
    assert [sum(one.ran[number] for one in ledgers) for number in (1, 2, 3, 4)] == [1, 1, 1, 1]
    assert fenced == []


def leases_have_ended(node: Any, owners: str) -> bool:
    client = node.client()
    try:
        client.execute_command("READONLY")
        seconds, _microseconds = client.time()
        pipe = client.pipeline(transaction=False)
        pipe.execute_command("ASKING")
        pipe.execute_command("ZRANGE", owners, 0, -1, "WITHSCORES")
        _asking, flat = pipe.execute()
    finally:
        client.close()
    scores = [
        float(score) for score in (flat[1::2] if flat and not isinstance(flat[0], list) else [two[1] for two in flat])
    ]
    return len(scores) >= 2 and max(scores) < seconds * 1000


# -- one connection ----------------------------------------------------------------------------------------------


def test_a_wire_and_a_client_follow_the_slot(cluster: Cluster) -> None:
    connections = Connections(cluster.url, namespace=NAMESPACE)
    wire = connections.wire("test", read_timeout_s=5)
    wire.command("SET", A, "1")
    assert connections.admin().get(A) == b"1"
    cluster.move(NAMESPACE, cluster.other())
    assert wire.run(GET, [A], []) == b"1"
    assert connections.admin().get(A) == b"1"
    cluster.move(NAMESPACE, cluster.other())
    assert wire.command("GET", A) == b"1"
    wire.close()
    connections.close()


def test_a_wire_on_a_loop_follows_the_slot(cluster: Cluster) -> None:
    async def act() -> list[Any]:
        wire = Connections(cluster.url, namespace=NAMESPACE).awire("test", read_timeout_s=5)
        await wire.command("SET", A, "1")
        cluster.move(NAMESPACE, cluster.other())
        seen = [await wire.run(GET, [A], [])]
        cluster.move(NAMESPACE, cluster.other())
        seen.append(await wire.command("GET", A))
        await wire.close()
        return seen

    assert asyncio.run(act()) == [b"1", b"1"]


def test_a_key_that_is_already_there_is_asked_for_there(cluster: Cluster) -> None:
    wire = Connections(cluster.url, namespace=NAMESPACE).wire("test", read_timeout_s=5)
    wire.command("SET", A, "1")
    target = cluster.other()
    source = cluster.begin_move(NAMESPACE, target)
    assert wire.command("GET", A) == b"1"
    assert wire.command("SET", B, "new") == b"OK"
    assert wire.run(GET, [B], []) == b"new"
    cluster.move_keys(NAMESPACE, source, target)
    cluster.end_move(NAMESPACE, target)
    assert [wire.command("GET", A), wire.command("GET", B)] == [b"1", b"new"]
    wire.close()


def test_who_enqueues_during_a_move_that_does_not_end_is_told_and_may_repeat(
    cluster: Cluster, make_app: MakeApp, start_worker: StartWorker
) -> None:
    ledger = Ledger(make_app(cluster.url, redis={"push_deadline_s": 0.3}))
    ledger.note.enqueue(1)
    target = cluster.other()
    source = cluster.begin_move(NAMESPACE, target)
    with pytest.raises(EnqueueUncertain) as caught:
        ledger.note.enqueue(2)
    cluster.move_keys(NAMESPACE, source, target)
    cluster.end_move(NAMESPACE, target)
    assert caught.value.again() == caught.value.jids
    start_worker(ledger.app)
    ledger.wait_for([1, 2])
    assert not ledger.twice
