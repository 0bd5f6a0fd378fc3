"""A producer with a spool, killed at any step of keeping and delivering: 0 lost, 0 twice, in order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis

from support.sentinel import Watched
from support.server import Server
from support.spool_storm import Storm, make_app
from support.waiting import until

TESTS = Path(__file__).parents[1]
SLICE = 8
KILLED = 9
WHOLE = "OFFSIDER_TEST_WHOLE"  # every step, not some of them


@pytest.fixture
def sock(tmp_path: Path, make_server: Callable[..., Server]) -> Path:
    """The socket of a server."""
    path = Path(f"/tmp/offsider-spool-{os.getpid()}.sock")
    make_server("--appendonly", "no", "--unixsocket", str(path))
    until(path.exists, 10)
    return path


def run(folder: Path, sock: Path, points: list[int]) -> list[dict[str, Any]]:
    """What the points say."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
    done = subprocess.run(
        [sys.executable, "-m", "support.spool_kills", str(folder), str(sock), *map(str, points)],
        cwd=TESTS, env={**environment, "PYTHONPATH": str(TESTS)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def judge(client: Any, one: dict[str, Any]) -> list[str]:
    """What is wrong after a point."""
    prefix = f"{{p{one['fatal']}}}:"
    queue = [json.loads(payload) for payload in client.lrange(f"{prefix}queue:default", 0, -1)][::-1]
    later = [json.loads(payload) for payload in client.zrange(f"{prefix}schedule", 0, -1)]
    jids, numbers = [job["jid"] for job in queue + later], [job["args"][0] for job in queue]
    wrong = []
    if lost := set(one["jids"]) - set(jids):
        wrong.append(f"lost {len(lost)}")
    if len(set(jids)) != len(jids):
        wrong.append("twice")
    if numbers != sorted(numbers):
        wrong.append(f"out of order: {numbers}")
    if one["after"] or (one["fatal"] and one["ended"] != KILLED and one["steps"] is None):
        wrong.append(f"ended with {one['ended']}, {one['after']}")
    return [f"step {one['fatal']}: {what}" for what in wrong]


def test_a_producer_killed_at_any_step_loses_nothing_it_was_told_of_and_puts_nothing_twice(
    tmp_path: Path, sock: Path, rng: Random, tell: Callable[..., str]
) -> None:
    client: Any = redis.Redis(unix_socket_path=str(sock))
    [whole] = run(tmp_path, sock, [0])
    assert judge(client, whole) == []
    steps = whole["steps"]
    points = [*range(1, steps + 1)]
    if not os.environ.get(WHOLE):
        points = sorted(rng.sample(points, SLICE))
    results = run(tmp_path, sock, points)
    figures = tell(steps=steps, points=len(results), killed=sum(one["ended"] == KILLED for one in results))
    wrong = [line for one in results for line in judge(client, one)]
    assert not wrong, "\n".join([figures, *wrong])
    assert [one for one in results if one["ended"] == KILLED], figures
    client.close()


def test_producers_and_redis_killed_again_and_again_lose_nothing_and_put_nothing_twice(
    tmp_path: Path, make_server: Callable[..., Server], rng: Random, tell: Callable[..., str]
) -> None:
    storm = Storm(make_server("--appendonly", "yes", "--appendfsync", "always"), tmp_path, rng)
    try:
        figures = storm.run(rounds=1, producers=2)
    finally:
        storm.close()
    told = tell(**asdict(figures))
    assert figures.sound, told
    assert figures.kept, told


def waiting(server: Server) -> list[dict[str, Any]]:
    """The jobs of a server's queue, the next one first; none while it ends its connections to take over."""
    client: Any = server.client()
    try:
        return [json.loads(one) for one in reversed(client.lrange("{offsider}:queue:default", 0, -1))]
    except redis.ConnectionError:
        return []
    finally:
        client.close()


def test_a_failover_loses_nothing_that_replicas_had_or_that_was_enqueued_meanwhile(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "servers").start()
    try:
        app = make_app(watched.url, tmp_path)
        job: Any = app.jobs["note"]
        before = [job.using(wait_replicas=1).enqueue("p", number) for number in range(5)]
        watched.master.kill()
        during = [job.enqueue("p", number) for number in range(5, 10)]
        until(lambda: len(waiting(watched.replica)) >= 10, 40, "the replica has taken over and has them")
        found = waiting(watched.replica)
        assert [one["jid"] for one in found] == before + during
        app.close()
    finally:
        watched.stop()
