"""Fills a server as a large company's is: what pages are measured on. Writes keys as `docs/format.md` says."""

from __future__ import annotations

import base64
import json
import random
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from offsider import clock
from offsider.metrics import stamps
from offsider.store.keys import Keys

NOW_S = clock.now_s()
ERRORS = ("ValueError", "shop.errors.OutOfStock", "ConnectionError", "TimeoutError", "KeyError", "shop.errors.Declined")
TRACEBACK = base64.b64encode(
    zlib.compress(json.dumps([f'  File "/srv/shop/{k}.py", line {k}, in step' for k in range(40)]).encode())
).decode()


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything.

    Attributes:
        waiting, queues: Jobs in so many queues; nine of ten in the first one.
        dead, retries, scheduled: Jobs in the sets.
        processes, slots: Processes, and running jobs in each.
        classes: Different jobs.
    """

    waiting: int = 1_000_000
    queues: int = 1000
    dead: int = 100_000
    retries: int = 20_000
    scheduled: int = 50_000
    processes: int = 200
    slots: int = 10
    classes: int = 200

    def scaled(self, share: float) -> Size:
        """The same company, smaller."""
        return Size(*(max(2, round(getattr(self, name) * share)) for name in self.__slots__))


class Crowd:
    """One fill.

    Args:
        client: Of redis-py, to the empty server.
        keys: The namespace.
        size: How much.
    """

    def __init__(self, client: Any, keys: Keys, size: Size) -> None:
        self._client, self._keys, self._size = client, keys, size
        self._random = random.Random(7)  # the same state each time
        self.queues = ["default", *(f"team{k:03}.tasks" for k in range(size.queues - 1))]
        self.names = [f"shop.jobs.module{k % 20}.job_{k:03}" for k in range(size.classes)]

    def fill(self) -> None:
        """All of it."""
        self._queues()
        self._set(self._keys.dead, "d", self._size.dead, -86_400 * 30)
        self._set(self._keys.retry, "r", self._size.retries, 86_400)
        self._set(self._keys.schedule, "s", self._size.scheduled, 86_400 * 7)
        self._processes()
        self._metrics()

    def jid(self, kind: str, number: int) -> str:
        """The id of one job: ``q`` waits, ``d`` is dead, ``r``, ``s`` and ``f`` (in flight)."""
        return f"{ord(kind):02x}{number:022x}"

    # -- jobs ----------------------------------------------------------------------------------------------

    def payload(self, kind: str, number: int, queue: str, more: str = "") -> bytes:
        """One job, of about 350 bytes without an error."""
        name = self.names[number % len(self.names)]
        at = round((NOW_S - number % 86_400) * 1000)
        args = f'[{number},"user-{number}@example.com",{{"sku":"tea-{number % 97}","count":{number % 7}}}]'
        return (
            f'{{"queue":"{queue}","class":"{name}","args":{args},"kwargs":{{"locale":"de","dry":false}},"jid":'
            f'"{self.jid(kind, number)}","retry":true,"tags":["team-{number % 9}"],"created_at":{at},"enqueued_at":{at}'
            f"{more}}}"
        ).encode()

    def _queues(self) -> None:
        rest = self._size.waiting // 10
        self._client.sadd(self._keys.queues, *self.queues)
        self._push("default", range(self._size.waiting - rest))
        share = max(1, rest // len(self.queues))
        for k, queue in enumerate(self.queues[1:]):
            self._push(queue, range(10_000_000 + k * share, 10_000_000 + (k + 1) * share))

    def _push(self, queue: str, numbers: range) -> None:
        for part in _parts(numbers):
            self._client.lpush(self._keys.queue(queue), *(self.payload("q", k, queue) for k in part))

    def _set(self, key: str, kind: str, count: int, spread_s: int) -> None:
        for part in _parts(range(count)):
            members = (self.payload(kind, k, self._queue(k), self._error(k) if kind in "dr" else "") for k in part)
            times = (NOW_S + spread_s * (k + 1) / count for k in part)
            self._client.zadd(key, dict(zip(members, times, strict=True)))

    def _queue(self, k: int) -> str:
        return self.queues[k % len(self.queues)]

    def _error(self, k: int) -> str:
        at = round((NOW_S - k % 86_400) * 1000)
        error = ERRORS[k % len(ERRORS)]
        message = f"order {k} of customer {k % 977} step {'abcdefg'[k % 7]} was refused by the gateway after {k % 30} s"
        return (
            f',"retry_count":{k % 24},"failed_at":{at},"retried_at":{at},"error_class":"{error}",'
            f'"error_message":"{message}","error_backtrace":"{TRACEBACK}"'
        )

    # -- processes -----------------------------------------------------------------------------------------

    def _processes(self) -> None:
        keys, size = self._keys, self._size
        pipe = self._client.pipeline(transaction=False)
        for k in range(size.processes):
            identity = f"worker-{k // 4}.shop.internal:{1000 + k}:{k:012x}"
            owner = f"{identity}/default/1"
            queues = self.queues[:1] + self._random.sample(self.queues[1:], min(5, len(self.queues) - 1))
            info = {
                "hostname": f"worker-{k // 4}.shop.internal", "pid": 1000 + k, "tag": "shop", "labels": ["reliable"],
                "queues": queues, "weights": [dict.fromkeys(queues, 1)], "version": "offsider 1",
                "started_at": NOW_S - 3600 * k, "capsules": {"default": {"concurrency": size.slots}},
            }  # fmt: skip
            said = {
                "info": json.dumps(info), "concurrency": size.slots, "busy": size.slots, "beat": NOW_S, "rss": 98_000,
                "rtt_us": 310, "quiet": "false",
            }  # fmt: skip
            jobs = [self.payload("f", k * size.slots + slot, queues[0]) for slot in range(size.slots)]
            work = [{"queue": queues[0], "payload": one.decode(), "run_at": NOW_S - k, "progress": [3, 10, "rows"]}
                    for one in jobs]  # fmt: skip
            pipe.sadd(keys.processes, identity)
            pipe.hset(keys.process(identity), mapping=said)
            pipe.hset(
                keys.work(identity), mapping={f"default.{slot}": json.dumps(one) for slot, one in enumerate(work)}
            )
            pipe.zadd(keys.owners, {owner: round((NOW_S + 3600) * 1000)})
            pipe.hset(keys.inflight(owner), mapping={f"{slot}:{queues[0]}": raw for slot, raw in enumerate(jobs)})
        pipe.execute()

    # -- metrics -------------------------------------------------------------------------------------------

    def _metrics(self) -> None:
        keys, minute = self._keys, int(time.time() // 60)
        pipe = self._client.pipeline(transaction=False)
        by_minute = [stamps.one_minute(minute - k) for k in range(480)]
        by_ten = [stamps.ten_minutes(minute - 10 * k) for k in range(432)]
        for stamp in (*by_minute, *by_ten):
            pipe.hset(keys.job_counts(stamp), mapping=dict(self._counts(self.names, ("p", "f", "ms"))))
            pipe.hset(keys.job_times(self.names[0], stamp), mapping=dict(self._times()))
        fields = ("p", "f", "ms", "us", "wms", "r3", "r4", "w2", "w3")
        for stamp in (*by_minute[:70], *by_ten[:10]):  # what the pages of queues ask for
            pipe.hset(keys.queue_metrics(stamp), mapping=dict(self._counts(self.queues, fields)))
        for k in range(180):
            day = f"{datetime.fromtimestamp(NOW_S, UTC) - timedelta(days=k):%Y-%m-%d}"
            pipe.set(keys.stat("processed", day), 1_000_000 + k)
            pipe.set(keys.stat("failed", day), 1000 + k)
        pipe.set(keys.stat("processed"), 4_000_000_000)
        pipe.set(keys.stat("failed"), 4_000_000)
        pipe.execute()

    def _counts(self, names: list[str], fields: tuple[str, ...]) -> Iterator[tuple[str, int]]:
        for name in names:
            for field in fields:
                yield f"{name}|{field}", self._random.randrange(1, 900)

    def _times(self) -> Iterator[tuple[str, int]]:
        for field in ("p", "f", "us", "wms", *(f"{kind}{bucket}" for kind in "rw" for bucket in range(12))):
            yield field, self._random.randrange(1, 90_000)


def _parts(numbers: range, most: int = 2000) -> Iterator[range]:
    for k in range(0, len(numbers), most):
        yield numbers[k : k + most]
